"""Stage 1 as a stage: what it refuses before it begins, and what its record holds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from PIL import Image
from safetensors.torch import load_file, save_file

from pipeline import convert
from pipeline.captioners import load_captioner
from pipeline.captioners.description import Description
from pipeline.compose import build_model
from pipeline.params import load_params
from pipeline.stage1 import load_lessons
from stages import corpus, pretrain
from tests.pipeline.minigpt4_reference import DIMS, random_weights
from tests.smoke import make_checkout


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with the smoke profile, and the corpus made."""
    folder = make_checkout(tmp_path / "checkout")
    monkeypatch.chdir(folder)
    assert corpus.main(["--profile", "smoke"]) == 0
    return folder


def set_param(key: str, value: object) -> None:
    """Change one of pretrain's params in the smoke profile."""
    profile = Path("profiles/smoke.yaml")
    params = yaml.safe_load(profile.read_text(encoding="utf-8"))
    params["pretrain"][key] = value
    profile.write_text(yaml.safe_dump(params), encoding="utf-8")


@pytest.mark.usefixtures("checkout")
@pytest.mark.parametrize(("key", "value"), [("distractors", 50), ("judged_pictures", 2)])
def test_too_few_pictures_to_judge_by_is_said_before_the_training(
    capsys: pytest.CaptureFixture[str], key: str, value: int
) -> None:
    """One line with the keys to change; nothing is fetched or trained for it."""
    set_param(key, value)
    capsys.readouterr()
    assert pretrain.main(["--profile", "smoke"]) == 1
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert "corpus.splits" in line
    assert "pretrain.distractors" in line
    assert not Path(".cache/pairmill").exists()


def pretrained() -> dict[str, Any]:
    """The record of one run of the stage."""
    assert pretrain.main(["--profile", "smoke"]) == 0
    record: dict[str, Any] = json.loads(Path("models/smoke/record.json").read_text(encoding="utf-8"))
    return record


@pytest.mark.usefixtures("checkout")
def test_the_record_tells_what_contrast_changed() -> None:
    """With contrast, the figures before it too; with none, one set of figures. What it does is tested by itself."""
    with_it = pretrained()
    set_param("contrast", None)
    without = pretrained()
    assert with_it["grounding before contrast"] == without["grounding"]
    assert "grounding before contrast" not in without
    assert with_it["params"]["contrast"]["added"] == 0.02


@pytest.mark.usefixtures("checkout")
def test_what_decides_stage_1_tells_its_runs_apart() -> None:
    """Checkpoints and figures of another prompt, seed or set of judged pictures are not taken up; contrast comes later."""
    params = load_params("smoke")
    vlm = build_model(params.model)

    def run(section: str, change: dict[str, object]) -> str:
        changed = getattr(params, section).model_copy(update=change)
        return load_lessons(params.model_copy(update={section: changed}), vlm).run

    own = run("pretrain", {})
    assert run("pretrain", {"contrast": None}) == own
    assert run("describe", {"prompt": "And?"}) != own
    assert run("pretrain", {"judged_pictures": 3}) != own
    assert run("pretrain", {"seed": 7}) != own


@pytest.fixture
def published(checkout: Path) -> Path:
    """A small MiniGPT-4 of published weights, converted; its parts named in the smoke profile, as in paper's."""
    weights, projection = random_weights(DIMS, seed=4)
    save_file({n: v for n, v in weights.items() if not n.startswith("llama_model")}, "frozen.safetensors")
    projection = {name: torch.randn(32, *value.shape[1:]) for name, value in projection.items()}
    torch.save({"model": projection}, "stage1.pth")
    Path("dims.json").write_text(json.dumps({name: DIMS[name] for name in ("vision", "qformer")}), encoding="utf-8")
    words = (
        "--dims dims.json --frozen frozen.safetensors --projection stage1.pth --llm .cache/smoke/llm --out converted"
    )
    assert convert.main(words.split()) == 0
    profile = checkout / "profiles/smoke.yaml"
    params = yaml.safe_load(profile.read_text(encoding="utf-8"))
    params["model"] |= {"vision": "converted/vision", "qformer": "converted/qformer", "pyramid": None}
    params["pretrain"] |= {"published": "converted"}
    profile.write_text(yaml.safe_dump(params), encoding="utf-8")
    return checkout / "converted"


def test_a_published_projection_is_taken_as_it_is(published: Path) -> None:
    """The paper's way: the checkpoint holds the very weights, and the captioner sees through tower and Q-Former."""
    record = pretrained()
    assert record["published"] == "converted"
    taken, given = (load_file(folder / "model.safetensors") for folder in (Path("models/smoke"), published))
    assert taken.keys() == given.keys()
    assert all(torch.equal(taken[name], given[name]) for name in given)
    params = load_params("smoke")
    captioner = load_captioner(params)
    assert captioner.name == "vision + qformer + llm"
    pictures = [Image.new("RGB", (40, 30), color) for color in ("red", "blue")]
    (red, _), again = (captioner.describe(pictures, [1, 2], params.describe, lambda _: None) for _ in range(2))
    assert isinstance(red, Description)
    assert red.first.tokens > 0
    assert again[0] == red


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"projector_layers": 3}, "missing: projection.0.bias"),
        ({"qformer": None}, "of another shape: projection.weight [32, 24] for [32, 36]"),
        ({"vision": "nowhere"}, "no vision tower in nowhere"),
    ],
)
def test_a_published_projection_that_does_not_fit_is_one_line(
    published: Path, capsys: pytest.CaptureFixture[str], change: dict[str, object], said: str
) -> None:
    """The params name another architecture than the checkpoint was made for."""
    profile = Path("profiles/smoke.yaml")
    params = yaml.safe_load(profile.read_text(encoding="utf-8"))
    params["model"] |= change
    params["pretrain"] |= {"ridge": None, "contrast": None}
    profile.write_text(yaml.safe_dump(params), encoding="utf-8")
    assert pretrain.main(["--profile", "smoke"]) == 1
    line = capsys.readouterr().err.strip().splitlines()[-1]
    assert said in line
    assert ("nowhere" in said) or (str(Path("converted/model.safetensors")) in line)
    assert published.is_dir()
