"""What every test stands on: no hub, no telemetry, and a workplace of its own where a command writes."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from hypothesis import settings

# Set before a library is imported that looks at them; child processes inherit them.
os.environ |= {
    "HF_HUB_OFFLINE": "1",
    "NO_ALBUMENTATIONS_UPDATE": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "WANDB_MODE": "disabled",
    "MPLBACKEND": "Agg",
}

# No deadline: how long an example takes says something about the machine. Failures print how to replay them.
settings.register_profile("pairmill", deadline=None, print_blob=True, derandomize="CI" in os.environ)
settings.load_profile("pairmill")

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository's root."""
    return ROOT


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder with the params and profiles of the repository, which is the current folder meanwhile."""
    shutil.copy(ROOT / "params.yaml", tmp_path)
    shutil.copytree(ROOT / "profiles", tmp_path / "profiles")
    monkeypatch.chdir(tmp_path)
    return tmp_path
