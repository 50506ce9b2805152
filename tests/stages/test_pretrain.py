"""Stage 1 as a stage: what it refuses before it begins, and what its record holds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from stages import corpus, pretrain
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
