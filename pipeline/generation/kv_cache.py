"""Keys and values of many rows in buffers that are kept: each row has a slot and a length of its own.

transformers' own caches grow every row at once, by copying (DynamicCache) or to one length (StaticCache). Here rows
come and go by themselves, so the caller says which rows a forward pass writes, and where.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor
from transformers import Cache
from transformers.cache_utils import CacheLayerMixin

_STEP = 64  # positions by which buffers grow


@dataclass(frozen=True)
class Place:
    """Where one forward pass writes: `positions` [B, T] of the slots `rows`, and how far back it reads."""

    rows: slice | Tensor  # a slice is read in place, an index [B] by copying
    positions: Tensor
    reach: int

    @cached_property
    def index(self) -> Tensor:
        """The slots, [B]."""
        if isinstance(self.rows, Tensor):
            return self.rows
        return torch.arange(self.rows.start, self.rows.stop, device=self.positions.device)


class SlotLayer(CacheLayerMixin):
    """One layer's buffers, [slots, heads, capacity, head_dim] each. Allocated when the first keys arrive."""

    keys: Tensor
    values: Tensor

    def __init__(self, slots: int) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.slots = slots
        self.capacity = 0
        self.place: Place | None = None

    def lazy_initialization(self, key_states: Tensor, value_states: Tensor) -> None:
        """Allocate buffers like these states, without a position yet."""
        self.keys, self.values = (
            states.new_zeros(self.slots, states.shape[1], 0, states.shape[3]) for states in (key_states, value_states)
        )
        self.is_initialized = True

    def update(self, key_states: Tensor, value_states: Tensor, *_args: object, **_: object) -> tuple[Tensor, Tensor]:
        """Write states [B, heads, T, head_dim] to their place; return what it reads, [B, heads, reach, head_dim]."""
        if self.place is None:
            raise RuntimeError("SlotCache.at was not called before the forward pass")
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        if self.place.reach > self.capacity:
            self._grow(self.place.reach)
        index = self.place.index[:, None]
        for buffer, states in ((self.keys, key_states), (self.values, value_states)):
            buffer[index, :, self.place.positions] = states.transpose(1, 2)
        return self.keys[self.place.rows, :, : self.place.reach], self.values[self.place.rows, :, : self.place.reach]

    def _grow(self, wanted: int) -> None:
        """Room for `wanted` positions. Zeros, not garbage: a masked NaN would still spoil what is multiplied by it."""
        capacity = -(-wanted // _STEP) * _STEP
        self.keys, self.values = (self._grown(old, capacity) for old in (self.keys, self.values))
        self.capacity = capacity

    def _grown(self, old: Tensor, capacity: int) -> Tensor:
        new = old.new_zeros(*old.shape[:2], capacity, old.shape[3])
        new[:, :, : self.capacity] = old
        return new

    def move(self, source: int, target: int, length: int) -> None:
        """Copy the first `length` positions of one slot to another."""
        for buffer in (self.keys, self.values):
            buffer[target, :, :length] = buffer[source, :, :length]

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:  # noqa: ARG002 - its signature
        """How far a mask reaches, and from where."""
        return self.get_seq_length(), 0

    def get_seq_length(self) -> int:
        """Positions that the pass under way reads."""
        return self.place.reach if self.place else 0

    def get_max_length(self) -> int:
        """No limit."""
        return -1


class SlotCache(Cache):
    """What a language model's forward takes as `past_key_values`: the buffers of all layers."""

    def __init__(self, layers: int, slots: int) -> None:
        self.slot_layers = [SlotLayer(slots) for _ in range(layers)]
        super().__init__(layers=list(self.slot_layers))

    def at(self, place: Place) -> SlotCache:
        """The cache, with the place that the next forward pass writes."""
        for layer in self.slot_layers:
            layer.place = place
        return self

    def move(self, source: int, target: int, length: int) -> None:
        """Copy the first `length` positions of one slot to another."""
        for layer in self.slot_layers:
            layer.move(source, target, length)
