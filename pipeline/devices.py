"""The processes that train together, and what Trainer is told of their devices."""

from __future__ import annotations

from typing import Any

import torch
from accelerate import PartialState

from pipeline.errors import UsageError


def this_process() -> PartialState:
    """This process among those that were launched together; without an accelerator they are CPU processes (gloo)."""
    return PartialState(cpu=not torch.accelerator.is_available())


def check_devices(batch_size: int, accumulation: int, mixed_precision: str | None, section: str, others: str) -> None:
    """Raise UsageError where the batch cannot be dealt out evenly, or the precision cannot be had.

    `section` is the one of the params that holds batch_size, `others` the one that holds the rest.
    """
    processes = this_process().num_processes
    if batch_size % (accumulation * processes):
        raise UsageError(
            f"{section}.batch_size {batch_size} cannot be dealt out evenly: it must be a multiple of"
            f" {others}.accumulation ({accumulation}) times the number of processes ({processes})"
        )
    if mixed_precision == "float16" and not torch.accelerator.is_available():
        raise UsageError(f"{others}.mixed_precision float16 needs a GPU: set it to bfloat16 or null")


def device_arguments(accumulation: int, mixed_precision: str | None) -> dict[str, Any]:
    """Trainer's arguments for what depends on the devices; `mixed_precision` is None, "bfloat16" or "float16"."""
    return {
        "gradient_accumulation_steps": accumulation,
        "bf16": mixed_precision == "bfloat16",
        "fp16": mixed_precision == "float16",
        "use_cpu": not torch.accelerator.is_available(),
        "ddp_find_unused_parameters": False,
        "ddp_broadcast_buffers": False,  # frozen, hence the same everywhere
    }
