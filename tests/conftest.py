"""What every test stands on: no hub, no telemetry, and a workplace of its own where a command writes."""

from __future__ import annotations

import os
import shutil
import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:  # torch is imported for the tests that need it alone
    from pipeline.params import ModelParams, Params
    from pipeline.vlm import VisionLanguageModel

# Set before a library is imported that looks at them; child processes inherit them.
os.environ |= {
    "HF_HUB_OFFLINE": "1",
    "NO_ALBUMENTATIONS_UPDATE": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "WANDB_MODE": "disabled",
    "MPLBACKEND": "Agg",
    "OMP_NUM_THREADS": "1",  # tiny models: threads that wait for each other cost more than they give
}

# No deadline: how long an example takes says something about the machine. Failures print how to replay them.
settings.register_profile("pairmill", deadline=None, print_blob=True, derandomize="CI" in os.environ)
settings.load_profile("pairmill")

# A shell that puts a job in the background makes it deaf to Ctrl-C, and its children inherit that: the tests that
# send one would wait for ever.
if threading.current_thread() is threading.main_thread():
    signal.signal(signal.SIGINT, signal.default_int_handler)

ROOT = Path(__file__).resolve().parent.parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The whole pipeline first: it takes minutes, and at the end one process would run it while the other idles."""
    items.sort(key=lambda item: item.path.name != "test_pipeline.py")


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


@pytest.fixture
def keyless(monkeypatch: pytest.MonkeyPatch) -> None:
    """No proxy before a test's own servers, and no key for them but what the test sets."""
    monkeypatch.delenv("PAIRMILL_API_KEY", raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture(scope="session")
def model_params(root: Path, tmp_path_factory: pytest.TempPathFactory) -> ModelParams:
    """The smoke profile's model (float32, pyramid 1 and 2), its tiny random parts on disk; no checkpoint yet."""
    from pipeline.params import load_params
    from tests.smoke import save_random_vision
    from tests.tiny import save_tiny_llm

    folder = tmp_path_factory.mktemp("models")
    save_random_vision(folder / "vision")
    parts = {"llm": save_tiny_llm(folder / "llm"), "vision": folder / "vision", "checkpoint": folder / "none"}
    return load_params("smoke", root).model.model_copy(update=parts)


@pytest.fixture(scope="session")
def tiny_vlm(model_params: ModelParams) -> VisionLanguageModel:
    """A vision-language model whose answers depend on the picture. Tests share it and leave it as it is."""
    import torch

    from pipeline.compose import build_model

    torch.manual_seed(17)  # some of its answers end early
    vlm = build_model(model_params)
    # an untrained tower's features are as small as 1e-9
    torch.nn.init.normal_(vlm.vision.get_parameter("bn1.weight"), std=1e9)
    return vlm


@pytest.fixture(scope="session")
def stage1_params(
    tiny_vlm: VisionLanguageModel, model_params: ModelParams, root: Path, tmp_path_factory: pytest.TempPathFactory
) -> Params:
    """The smoke profile over a stage-1 model that is on disk. Tests share it and leave it as it is."""
    from pipeline.params import load_params

    folder = tmp_path_factory.mktemp("stage1")
    tiny_vlm.save_pretrained(folder)
    model = model_params.model_copy(update={"checkpoint": folder})
    return load_params("smoke", root).model_copy(update={"model": model})
