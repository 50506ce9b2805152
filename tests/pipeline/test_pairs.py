"""Pairs as stage 1 learns them, and the pairs that are held out."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from pipeline.errors import JobError
from pipeline.fetch.failures import Failure
from pipeline.pairs import Pairs, hold_out, sample_captions
from pipeline.params import PretrainParams, load_params
from pipeline.shards import Record
from pipeline.stream import Pair, Source
from pipeline.training import collate
from pipeline.vlm import IGNORED, VisionLanguageModel
from tests.shard_files import noise, rows_of, write_source, write_tar


@pytest.fixture
def pairs(tiny_vlm: VisionLanguageModel) -> Pairs:
    """Captions of up to 24 tokens."""
    return Pairs(tiny_vlm, 24, 10_000)


@pytest.fixture
def section(root: Path) -> PretrainParams:
    """Eight held-out pairs, ranked against two wrong captions."""
    return load_params("smoke", root).pretrain.model_copy(update={"judged_pictures": 8, "distractors": 2})


def test_the_sequence_is_the_paper_s(pairs: Pairs) -> None:
    """BOS, the picture, the caption and a newline; the labels are the caption's and the newline's."""
    tokenizer = pairs.vlm.tokenizer
    picture = torch.ones(3, 224, 224)
    tokens = pairs.vlm.image_tokens
    batch = collate(pairs.examples([Pair("a red bus", picture), Pair("it", picture)]), tokens)
    assert batch["input_ids"][:, 0].tolist() == [tokenizer.bos_token_id] * 2
    for row, text in enumerate(("a red bus\n", "it\n")):
        labels = batch["labels"][row]
        assert tokenizer.decode(labels[labels != IGNORED]) == text
        assert (labels[: 1 + tokens] == IGNORED).all()
        length = int((labels != IGNORED).sum())
        assert batch["attention_mask"][row].sum() == 1 + tokens + length


def test_a_long_caption_loses_its_end_and_its_newline(pairs: Pairs) -> None:
    """As LAVIS cuts the caption with its newline in one; one that just fits keeps it."""
    picture = torch.ones(3, 224, 224)
    for letters in (22, 23, 24, 25):
        (example,) = pairs.examples([Pair("z" * letters, picture)])
        found = pairs.vlm.tokenizer.decode(list(example.answer))
        assert found == ("z" * letters + "\n")[:24]


def test_pictures_and_features_are_told_apart(pairs: Pairs) -> None:
    """A record with a shape holds features; one without a picture, which the tower is to see."""
    features = torch.arange(6, dtype=torch.float16).view(3, 2)
    found = pairs.decode(Record("0", "a", features.numpy().tobytes(), (3, 2)))
    assert isinstance(found, torch.Tensor)
    assert torch.equal(found, features)
    pixels = pairs.decode(Record("0", "a", noise(0)))
    assert isinstance(pixels, torch.Tensor)
    assert pixels.shape == (3, 224, 224)
    vast = pairs.decode(Record("0", "a", noise(0, (101, 100))))
    assert isinstance(vast, Failure)
    assert vast.rule == "too_many_pixels"


def test_the_last_shards_are_held_out_by_weight(pairs: Pairs, section: PretrainParams, tmp_path: Path) -> None:
    """Three quarters from the source of weight 3; the last shards are left out of what is learnt."""
    sources = [
        Source("a", write_source(tmp_path / "a", 3, 8), 3.0),
        Source("b", write_source(tmp_path / "b", 2, 8, first=100), 1.0),
    ]
    examples, learned = hold_out(pairs, sources, section)
    captions = [pairs.vlm.tokenizer.decode(list(example.answer)) for example in examples]
    expected = [f"picture number {n}\n" for n in (16, 17, 18, 19, 20, 21, 108, 109)]
    assert captions == expected
    assert [(source.name, source.weight, list(source.shards)) for source in learned] == [
        ("a", 3.0, list(sources[0].shards[:2])),
        ("b", 1.0, list(sources[1].shards[:1])),
    ]


def test_bad_pairs_are_not_held_out(pairs: Pairs, section: PretrainParams, tmp_path: Path) -> None:
    """The next good ones of the shard are taken in their place."""
    rows = [("0", "", noise(0)), ("1", "a page", b"<html>"), *rows_of(12)]
    source = Source("a", [tmp_path / "first.tar", write_tar(tmp_path / "x.tar", rows)], 1.0)
    examples, _ = hold_out(pairs, [source], section)
    assert len(examples) == 8


def test_captions_all_alike_cannot_be_judged_by(pairs: Pairs, section: PretrainParams, tmp_path: Path) -> None:
    """Told before the training, with what to change."""
    rows = [(str(n), "a bus", noise(n)) for n in range(8)]
    source = Source("a", [tmp_path / "first.tar", write_tar(tmp_path / "x.tar", rows)], 1.0)
    with pytest.raises(
        JobError, match=r"only 0 wrong captions.*pretrain\.judged_pictures higher, or write larger shards"
    ):
        hold_out(pairs, [source], section)


def test_samples_say_both_captions_and_draw_nothing(pairs: Pairs) -> None:
    """One line each, the human caption first; the next random number is what it would have been."""
    picture = torch.ones(3, 224, 224)
    examples = pairs.examples([Pair("a red bus", picture), Pair("it", picture)])
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    lines = sample_captions(pairs.vlm, examples, 10)
    assert torch.equal(torch.rand(1), expected)
    assert [line.partition(" | ")[0] for line in lines] == ["a red bus", "it"]
    assert all(len(line.splitlines()) == 1 for line in lines)
