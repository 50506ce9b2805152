"""Stage 1 as a stage: what it refuses before it begins. Its result is tested in the smoke run of the pipeline."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from stages import corpus, pretrain
from tests.smoke import make_checkout


@pytest.mark.parametrize(("key", "value"), [("distractors", 50), ("judged_pictures", 2)])
def test_too_few_pictures_to_judge_by_is_said_before_the_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], key: str, value: int
) -> None:
    """One line with the keys to change; nothing is fetched or trained for it."""
    checkout = make_checkout(tmp_path / "checkout")
    monkeypatch.chdir(checkout)
    profile = Path("profiles/smoke.yaml")
    params = yaml.safe_load(profile.read_text(encoding="utf-8"))
    params["pretrain"][key] = value
    profile.write_text(yaml.safe_dump(params), encoding="utf-8")
    assert corpus.main(["--profile", "smoke"]) == 0
    capsys.readouterr()
    assert pretrain.main(["--profile", "smoke"]) == 1
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert "corpus.splits" in line
    assert "pretrain.distractors" in line
    assert not Path(".cache/pairmill").exists()
