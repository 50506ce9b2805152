"""What a device can do at most, and what a stretch of work asked of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import torch

_SIDE = {"cpu": 2048, "cuda": 8192}  # of the square matrices whose product is timed
_COPIED = {"cpu": 1 << 28, "cuda": 1 << 30}  # bytes, more than any cache holds


@dataclass(frozen=True)
class Ceilings:
    """Matrix products and reads of memory, at their fastest."""

    flops: float  # per second
    bytes: float  # per second


@dataclass
class Work:
    """What went through a language model: arithmetic, and the memory it had to read at least."""

    flops: float = 0.0
    bytes: float = 0.0


def measure_ceilings(device: torch.device, dtype: torch.dtype) -> Ceilings:
    """Time a large matrix product and a sum over much memory, both held before; the medians of seven."""
    a, b, out = (torch.randn(_SIDE[device.type], _SIDE[device.type], device=device).to(dtype) for _ in range(3))
    many = torch.ones(_COPIED[device.type] // 4, device=device)
    products = median(timed(lambda: torch.mm(a, b, out=out), device) for _ in range(7))
    reads = median(timed(many.sum, device) for _ in range(7))
    return Ceilings(2 * _SIDE[device.type] ** 3 / products, _COPIED[device.type] / reads)


def timed(work: Callable[[], object], device: torch.device) -> float:
    """Seconds that `work` takes, up to the last of what it started on the device."""
    finish(device)
    began = time.perf_counter()
    work()
    finish(device)
    return time.perf_counter() - began


def finish(device: torch.device) -> None:
    """Wait for a device that works behind one's back."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


class Meter:
    """Counts the work of a language model's layers and head while it is entered: what was computed, padding too."""

    def __init__(self, llm: Any) -> None:
        config = llm.config
        self.work = Work()
        self._decoder, self._head = llm.get_decoder(), llm.get_output_embeddings()
        self._weights = sum(p.numel() for name, p in self._decoder.named_parameters() if "embed_tokens" not in name)
        self._width = self._head.weight.element_size()
        head_dim = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
        self._attended = 4 * config.num_hidden_layers * config.num_attention_heads * head_dim
        self._kept = 2 * config.num_hidden_layers * config.num_key_value_heads * head_dim
        self._hooks: list[Any] = []

    def __enter__(self) -> Work:
        self._hooks = [
            self._decoder.register_forward_pre_hook(self._through_layers, with_kwargs=True),
            self._head.register_forward_pre_hook(self._through_head),
        ]
        return self.work

    def __exit__(self, *_: object) -> None:
        for hook in self._hooks:
            hook.remove()

    def _through_layers(self, _module: object, _args: object, kwargs: dict[str, Any]) -> None:
        given = kwargs["inputs_embeds"] if kwargs.get("inputs_embeds") is not None else kwargs["input_ids"]
        rows, length = given.shape[:2]
        mask, cache = kwargs.get("attention_mask"), kwargs["past_key_values"]
        reach = cache.get_seq_length() + length if mask is None else mask.shape[-1]
        self.work.flops += rows * length * (2 * self._weights + self._attended * reach)
        self.work.bytes += (self._weights + rows * reach * self._kept) * self._width

    def _through_head(self, _module: object, args: tuple[torch.Tensor, ...]) -> None:
        numbers = self._head.weight.numel()
        self.work.flops += 2 * numbers * args[0].numel() / args[0].shape[-1]
        self.work.bytes += numbers * self._width


def forget_peak(device: torch.device) -> None:
    """Begin to watch the peak of memory anew."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    else:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # Linux: resets VmHWM


def peak(device: torch.device) -> int:
    """Bytes that were held at most since `forget_peak`: the device's tensors, or on a CPU the whole process."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return 1024 * next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:"))
