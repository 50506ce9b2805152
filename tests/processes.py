"""Real processes of a training stage, alone or as `accelerate launch` starts several, that a test can kill.

They are forked from a server that has imported the stages once; importing torch anew for each would take most of the time.
"""

from __future__ import annotations

import importlib
import multiprocessing
import os
import sys
from collections.abc import Sequence
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from tests.pipeline.misbehaving import closed_port


def start(folder: Path, arguments: Sequence[str], world: int = 1, stage: str = "pretrain") -> list[ForkServerProcess]:
    """Start `world` processes of a stage in `folder`; what they say goes to `folder`/said-RANK."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["stages.pretrain", "stages.train"])
    port = closed_port()
    processes = [
        context.Process(target=_run, args=(folder, stage, arguments, rank, world, port)) for rank in range(world)
    ]
    for process in processes:
        process.start()
    return processes


def codes(processes: Sequence[ForkServerProcess]) -> list[int | None]:
    """The exit codes, once all have ended; one that waits for a dead one is ended after five minutes."""
    for process in processes:
        process.join(300)
        if process.exitcode is None:
            process.kill()
            process.join()
    return [process.exitcode for process in processes]


def _run(folder: Path, stage: str, arguments: Sequence[str], rank: int, world: int, port: int) -> None:
    main = importlib.import_module(f"stages.{stage}").main
    os.chdir(folder)
    if world > 1:  # as torch's launcher sets them
        os.environ |= {
            "RANK": str(rank),
            "LOCAL_RANK": str(rank),
            "WORLD_SIZE": str(world),
            "LOCAL_WORLD_SIZE": str(world),
        }
        os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    with Path(f"said-{rank}").open("w", buffering=1, encoding="utf-8") as said:
        os.dup2(said.fileno(), 1)
        os.dup2(said.fileno(), 2)
        code = main(list(arguments))
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
