"""Prompts: the segments, their one BOS, and where an answer ends."""

from __future__ import annotations

import copy

import pytest
from transformers import PreTrainedTokenizerBase

from pipeline.prompts import (
    END_MARK,
    answer_tokens,
    bare_prompt,
    next_turn,
    picture_prompt,
    tokenize,
    until_end_mark,
)
from pipeline.vlm import VisionLanguageModel
from tests.tiny import BOS


@pytest.fixture(scope="module")
def tokenizer(tiny_vlm: VisionLanguageModel) -> PreTrainedTokenizerBase:
    """A byte-level BPE that puts BOS in front of what it is not told to leave bare, as Llama's does."""
    from tokenizers.processors import TemplateProcessing

    adding = copy.deepcopy(tiny_vlm.tokenizer)
    backend = adding.backend_tokenizer
    backend.post_processor = TemplateProcessing(single=f"{BOS} $A", special_tokens=[(BOS, adding.bos_token_id)])
    assert adding("a")["input_ids"][0] == adding.bos_token_id
    return adding


@pytest.fixture(scope="module")
def without_bos(tokenizer: PreTrainedTokenizerBase) -> PreTrainedTokenizerBase:
    """The same, of a model that knows no BOS."""
    bare = copy.deepcopy(tokenizer)
    bare.bos_token = None
    return bare


@pytest.mark.parametrize("instruction", ["Describe this image.", "", "{braces} {0}", "Ünï 😀"])
def test_the_picture_stands_between_its_marks(tokenizer: PreTrainedTokenizerBase, instruction: str) -> None:
    """MiniGPT-4's words on both sides, with one BOS, in front of everything."""
    prompt = picture_prompt(tokenizer, instruction)
    assert tokenizer.decode(list(prompt.before_image)) == f"{BOS}###Human: <Img>"
    assert tokenizer.decode(list(prompt.after_image)) == f"</Img> {instruction} ###Assistant:"
    assert [*prompt.before_image, *prompt.after_image].count(tokenizer.bos_token_id) == 1


def test_the_bare_prompt_is_bos_alone(tokenizer: PreTrainedTokenizerBase) -> None:
    """No word, so that stage 1 learns from the picture."""
    prompt = bare_prompt(tokenizer)
    assert (prompt.before_image, prompt.after_image) == ((tokenizer.bos_token_id,), ())


def test_a_model_without_bos_gets_none(
    tokenizer: PreTrainedTokenizerBase, without_bos: PreTrainedTokenizerBase
) -> None:
    """All other tokens stay the same."""
    assert bare_prompt(without_bos).before_image == ()
    with_it, without = picture_prompt(tokenizer, "What?"), picture_prompt(without_bos, "What?")
    assert without.before_image == with_it.before_image[1:]
    assert without.after_image == with_it.after_image


def test_a_further_turn_has_no_bos(tokenizer: PreTrainedTokenizerBase) -> None:
    """It continues a conversation: the mark that ends the answer, the instruction, the assistant's word."""
    assert tokenizer.decode(next_turn(tokenizer, "Continue")) == " ###Human: Continue ###Assistant:"


ANSWER = "The image shows a red bus."
LENGTHS = [
    pytest.param(100, True, id="room_to_spare"),
    pytest.param(0, True, id="exactly_its_length"),
    pytest.param(-1, False, id="one_token_too_long"),
    pytest.param(-3, False, id="far_too_long"),
]


@pytest.mark.parametrize(("room", "ends"), LENGTHS)
def test_a_whole_answer_ends_with_the_mark_and_a_cut_one_does_not(
    tokenizer: PreTrainedTokenizerBase, room: int, ends: bool
) -> None:
    """The limit counts the text alone; what is cut did not end, so it must not teach an end."""
    text = tokenize(tokenizer, f" {ANSWER}")
    limit = len(text) + room
    found = answer_tokens(tokenizer, f"\n{ANSWER}  ", limit)
    assert found == (text + tokenize(tokenizer, END_MARK) if ends else text[:limit])
    assert str(tokenizer.decode(found)).endswith(END_MARK) == ends


@pytest.mark.parametrize(
    ("text", "answer", "marked"),
    [
        (" A cat.### ", "A cat.", True),
        ("A cat. ###Human: and?", "A cat.", True),
        ("A cat.", "A cat.", False),
        ("A cat. ##", "A cat. ##", False),
        ("#A ## cat#", "#A ## cat#", False),
        ("####", "", True),
        ("", "", False),
        ("A ### B ### C", "A", True),
    ],
)
def test_an_answer_is_what_stands_before_the_first_mark(text: str, answer: str, marked: bool) -> None:
    """Two number signs are no mark; the first of several counts."""
    assert until_end_mark(text) == (answer, marked)
