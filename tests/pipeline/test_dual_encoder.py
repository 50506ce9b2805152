"""CLIP and SigLIP as scorers: cosines as the models give them, long texts by their sentences, folders that are none."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from transformers import AutoModel, AutoProcessor

from pipeline.errors import JobError, PairmillError, UsageError
from pipeline.evidence.dual_encoder import load_dual_encoder
from pipeline.evidence.matching import choose_pictures
from tests.tiny import save_tiny_llm
from tests.tiny_clip import COLORS, LIMIT, plain, save_tiny_clip, save_tiny_siglip

SAVERS: dict[str, Callable[[Path], Path]] = {"clip": save_tiny_clip, "siglip": save_tiny_siglip}
TEXTS = ["A red bus.", "The image shows a dog.", "", "It is a tree."]
SENTENCES = ["The image shows a red bus.", "It is a street with a tree.", "The dog sits."]
PICTURES = [
    Image.fromarray(np.random.default_rng(seed).integers(0, 255, (20 + seed, 30, 3), dtype=np.uint8))
    for seed in range(4)
]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A tiny model of each kind."""
    models = tmp_path_factory.mktemp("models")
    return {name: save(models / name) for name, save in SAVERS.items()}


@torch.no_grad()
def cosine(folder: Path, picture: Image.Image, text: str) -> float:
    """From the logit that the whole model gives for one pair."""
    model, processor = AutoModel.from_pretrained(folder), AutoProcessor.from_pretrained(folder)
    padding = {"padding": "max_length", "max_length": LIMIT, "truncation": True, "return_tensors": "pt"}
    logit = model(**processor(text=[text], images=[picture], **padding)).logits_per_image
    bias = getattr(model, "logit_bias", torch.zeros(1))
    return float((logit - bias) / model.logit_scale.exp())


@pytest.mark.parametrize("kind", SAVERS)
@pytest.mark.parametrize("batch_size", [1, 3])
def test_matches_are_the_models_cosines(folders: dict[str, Path], kind: str, batch_size: int) -> None:
    """Whatever the batches; a text without words has none."""
    told: list[int] = []
    scorer = load_dual_encoder(str(folders[kind]), batch_size, 1)
    chosen = choose_pictures(4, 1)
    matches = scorer.match(PICTURES, TEXTS, chosen, told.append)
    assert sum(told) == 4
    for text, match, numbers in zip(TEXTS, matches, chosen, strict=True):
        if not text:
            assert match is None
            continue
        assert match is not None
        assert match.blank is None
        expected = [cosine(folders[kind], PICTURES[number], text) for number in numbers]
        assert match.pictures == pytest.approx(expected, abs=1e-5)
    assert scorer.match([], [], [], told.append) == []


@pytest.mark.parametrize("kind", SAVERS)
def test_a_long_text_counts_by_its_sentences(folders: dict[str, Path], kind: str) -> None:
    """The mean of their cosines, where the text tower could not read it to its end; a short one is read whole."""
    scorer = load_dual_encoder(str(folders[kind]), 2, 1)

    def score(text: str) -> float:
        (match,) = scorer.match(PICTURES[:1], [text], [[0]], lambda _: None)
        assert match is not None
        return match.pictures[0]

    parts = [score(sentence) for sentence in SENTENCES]
    assert score(" ".join(SENTENCES)) == pytest.approx(sum(parts) / 3, abs=1e-5)
    short = "It is red. A bus."
    whole = cosine(folders[kind], PICTURES[0], short)
    assert score(short) == pytest.approx(whole, abs=1e-5)
    assert whole != pytest.approx((score("It is red.") + score("A bus.")) / 2, abs=1e-4)


def test_a_model_that_has_learnt_prefers_the_right_picture(tmp_path: Path) -> None:
    """Trained on three plain colours, it gives each sentence its own colour, in shades that it never saw."""
    scorer = load_dual_encoder(str(save_tiny_clip(tmp_path / "clip", steps=60)), 8, 1)
    shades = [plain((r + 12, g + 9, b - 11)) for r, g, b in COLORS.values()]
    texts = [f"It is {name}." for name in COLORS]
    for match in scorer.match(shades, texts, choose_pictures(3, 2), lambda _: None):
        assert match is not None
        assert match.pictures[0] > max(match.pictures[1:]) + 0.2


def test_who_scored_is_known(folders: dict[str, Path], tmp_path: Path) -> None:
    """The folder's name and a digest that changes with the weights."""
    first = load_dual_encoder(str(folders["clip"]), 2, 1)
    other = load_dual_encoder(str(save_tiny_clip(tmp_path / "clip", steps=1)), 2, 1)
    assert (first.name, other.name) == ("clip", "clip")
    assert first.revision != other.revision
    assert len(first.revision) == 12


def _emptied(folder: Path) -> Path:
    for path in folder.iterdir():
        path.unlink()
    return folder


def _unwhole(folder: Path) -> Path:
    config = folder / "config.json"
    config.write_text(config.read_text().replace('"projection_dim": 8', '"projection_dim": 4'))
    return folder


def _pickled(folder: Path) -> Path:
    (folder / "model.safetensors").unlink()
    torch.save({}, folder / "pytorch_model.bin")
    return folder


MEND = "set ground.model to a CLIP or SigLIP model in safetensors, to null (the section model) or to none"
BROKEN: list[tuple[str, Callable[[Path], Path], type[PairmillError], str]] = [
    ("nowhere", lambda folder: folder / "nowhere", UsageError, "no such folder; a model of the Hub is OWNER/NAME@"),
    ("empty", _emptied, JobError, "cannot load the ground.model"),
    ("deaf", lambda folder: save_tiny_llm(folder / "llm"), JobError, "cannot compare a picture with a text: "),
    ("unwhole", _unwhole, JobError, "are not whole: 2 are missing or of another shape"),
    ("pickled", _pickled, JobError, "cannot load the ground.model"),
]


@pytest.mark.parametrize(
    ("change", "error", "message"), [each[1:] for each in BROKEN], ids=[each[0] for each in BROKEN]
)
def test_what_is_no_such_model_is_one_line(
    folders: dict[str, Path], tmp_path: Path, change: Callable[[Path], Path], error: type[PairmillError], message: str
) -> None:
    """It names the folder and the mend."""
    folder = change(Path(shutil.copytree(folders["clip"], tmp_path / "clip")))
    with pytest.raises(error) as caught:
        load_dual_encoder(str(folder), 2, 1)
    said = str(caught.value)
    assert message in said
    assert str(folder) in said
    assert "\n" not in said
    assert error is UsageError or said.endswith(MEND)
