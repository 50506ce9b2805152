"""When an answer is over."""

from __future__ import annotations

import pytest

from pipeline.generation.stops import Stops
from pipeline.prompts import END_MARK, tokenize
from pipeline.vlm import VisionLanguageModel
from tests.tiny import EOS

TEXTS = [
    pytest.param("A cat.###", True, id="mark"),
    pytest.param("####", True, id="more_than_the_mark"),
    pytest.param("###", True, id="mark_alone"),
    pytest.param("A cat", False, id="words"),
    pytest.param("##", False, id="part_of_the_mark"),
    pytest.param("# # #", False, id="marks_apart"),
    pytest.param("### A cat", False, id="mark_long_ago"),  # its row was told when it came
]


@pytest.mark.parametrize(("text", "over"), TEXTS)
def test_the_token_that_completes_the_mark_ends_the_answer(
    tiny_vlm: VisionLanguageModel, text: str, over: bool
) -> None:
    """The newest token is what is asked about; text counts, however it is cut into tokens."""
    assert Stops(tiny_vlm).ended(tokenize(tiny_vlm.tokenizer, text), 100) is over


def test_every_mark_is_found_where_it_is_completed(tiny_vlm: VisionLanguageModel) -> None:
    """Asked after each token, it answers as a search of the whole text would."""
    stops = Stops(tiny_vlm)
    ids = tokenize(tiny_vlm.tokenizer, "The image shows# a red ##bus on a# street.### It is about##")
    texts = [tiny_vlm.tokenizer.decode(ids[: n + 1]) for n in range(len(ids))]
    first = next(n for n, text in enumerate(texts) if END_MARK in text)
    assert [stops.marked(ids[: n + 1]) for n in range(first + 1)] == [False] * first + [True]


def test_a_limit_and_an_end_token_end_an_answer(tiny_vlm: VisionLanguageModel) -> None:
    """Whichever comes first; what stands before the end token is the answer's own."""
    stops = Stops(tiny_vlm)
    end = tiny_vlm.tokenizer.get_vocab()[EOS]
    assert [stops.ended([5, 6, 7], limit) for limit in (4, 3)] == [False, True]
    assert stops.ended([5, end], 4)
    assert stops.own([5, 6, end, 7]) == [5, 6]
