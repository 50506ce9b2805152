"""The decode loop: a stream of rows whose answers differ in length, some of them with a further turn.

Up to `batch_size` rows are in flight, each in a slot of the cache at its own length. A row that has ended leaves, the
last one moves into its slot, and new rows enter when enough of them fit to make a forward pass worth it. A further
turn goes on from the row's cache. Prefilling builds no logits: it leaves the last position of a prompt to the next
step, which is one token for every row.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from pipeline.generation.kv_cache import Place, SlotCache
from pipeline.generation.memory import fits, halve
from pipeline.generation.sampling import choose, draw_numbers
from pipeline.generation.stops import Stops
from pipeline.params import DecodingParams
from pipeline.vlm import VisionLanguageModel

_ADMIT = 8  # rows are prefilled when they are an eighth of those in flight
_PREFILL_TOKENS = 8192  # positions of one prefill: enough to keep a device busy, and a bound on its memory
_SLACK = 8  # positions by which a prompt may be padded, beside a quarter of its length


@dataclass(frozen=True)
class Turn:
    """What a row is to answer: a conversation [T, llm_dim], in at most `limit` tokens.

    Its first `held` positions are those of the turn before and of its answer: they need not be computed again.
    """

    conversation: Tensor
    limit: int
    held: int = 0


# Told a row's number and the ids of its answer, what ended it included; returns the row's next turn, or None.
Finished = Callable[[int, list[int]], Turn | None]


@dataclass(eq=False)
class _Row:
    """A row that waits or is in flight."""

    number: int
    turn: Turn
    generator: torch.Generator | None  # None: greedy
    draws: list[float] = field(default_factory=list)
    ids: list[int] = field(default_factory=list)
    cached: int = 0  # positions of conversation and answer that the row's slot holds
    newest: Tensor | None = None  # the embedding [llm_dim] that the next step reads; None before the prefill

    def __post_init__(self) -> None:
        self.take_up(self.turn)

    def take_up(self, turn: Turn) -> None:
        """Begin a turn; of what the slot holds, that which belongs to it stays."""
        self.turn, self.cached = turn, min(turn.held, self.cached)
        self.draws = draw_numbers(self.generator, turn.limit) if self.generator else []
        self.ids, self.newest = [], None

    def start_over(self) -> None:
        """Begin the same turn again, with the same draws, in a slot that holds nothing."""
        self.cached, self.ids, self.newest = 0, [], None

    @property
    def missing(self) -> int:
        """Positions to prefill: all but the last one."""
        return len(self.turn.conversation) - 1 - self.cached


class Decoder:
    """Answers a stream of rows with one language model, at most `slots` of them at once."""

    def __init__(self, vlm: VisionLanguageModel, decoding: DecodingParams) -> None:
        self.vlm = vlm
        self.decoding = decoding
        self.stops = Stops(vlm)
        self.slots = decoding.batch_size
        self.waiting: deque[_Row] = deque()
        self.rows: list[_Row] = []  # in flight; a row's place is its slot
        self.cache = self._new_cache()

    @torch.inference_mode()
    def run(self, turns: Sequence[Turn], seeds: Sequence[int], finished: Finished) -> None:
        """Answer every turn, and those that `finished` returns for them. `seeds` holds one for each row.

        Out of memory, half as many rows are in flight from then on; those in flight begin their turn again.
        """
        generators = [torch.Generator().manual_seed(seed) if self.decoding.do_sample else None for seed in seeds]
        self.waiting.extend(_Row(n, *row) for n, row in enumerate(zip(turns, generators, strict=True)))
        self.slots = min(self.slots, len(turns))
        self.cache = self._new_cache()
        with _packed_attention(self.vlm.llm):
            while self.waiting or self.rows:
                if not fits(lambda: self._go_on(finished), self.slots):
                    self._halve()

    def _go_on(self, finished: Finished) -> None:
        self._admit()
        self._step(finished)

    def _admit(self) -> None:
        """Fill free slots and prefill, if enough rows wait for it or none could go on without."""
        free = min(self.slots - len(self.rows), len(self.waiting))
        fresh = [slot for slot, row in enumerate(self.rows) if row.newest is None]
        if len(fresh) < len(self.rows) and free + len(fresh) < max(1, (len(self.rows) + free) // _ADMIT):
            return
        fresh += range(len(self.rows), len(self.rows) + free)
        self.rows += [self.waiting.popleft() for _ in range(free)]
        for group in _similar(fresh, [row.missing for row in self.rows]):
            self._prefill(group)

    def _prefill(self, slots: Sequence[int]) -> None:
        """Compute the keys and values of what these rows' slots do not hold yet, padded on the right."""
        rows = [self.rows[slot] for slot in slots]
        longest = max(row.missing for row in rows)
        if longest:
            embeds = pad_sequence([row.turn.conversation[row.cached : -1] for row in rows], batch_first=True)
            starts = torch.tensor([row.cached for row in rows])
            index = torch.tensor(slots, device=embeds.device)
            self._forward(self.vlm.llm.get_decoder(), embeds, starts, index)
        for row in rows:
            row.cached, row.newest = len(row.turn.conversation) - 1, row.turn.conversation[-1]

    def _step(self, finished: Finished) -> None:
        """One token for every row that is not waiting for its prefill (those take part, and nothing comes of it)."""
        zero = torch.zeros_like(self.rows[0].turn.conversation[0])
        embeds = torch.stack([zero if row.newest is None else row.newest for row in self.rows])
        starts = torch.tensor([row.cached for row in self.rows])
        logits = self._forward(self.vlm.llm, embeds[:, None], starts, slice(0, len(self.rows))).logits[:, -1]
        draws = [row.draws[len(row.ids)] if row.draws and row.newest is not None else 0.0 for row in self.rows]
        ids = choose(logits, [row.ids for row in self.rows], draws, self.decoding)
        embeds = self.vlm.embed_tokens(ids)
        self._take(ids.tolist(), embeds, finished)

    def _take(self, ids: Sequence[int], embeds: Tensor, finished: Finished) -> None:
        """Give each row its token [B] and the embedding [B, llm_dim] of it; rows that are done leave."""
        ended = []
        for slot, row in enumerate(self.rows):
            if row.newest is not None:
                row.ids.append(ids[slot])
                row.cached, row.newest = row.cached + 1, embeds[slot]
                if self.stops.ended(row.ids, row.turn.limit):
                    ended.append(slot)
        for slot in reversed(ended):  # one by one: what follows may run out of memory, and no pass is told of twice
            row = self.rows[slot]
            turn = finished(row.number, row.ids)
            if turn is None:
                self._leave(slot)
            else:
                row.take_up(turn)

    def _leave(self, slot: int) -> None:
        """Free a slot, and keep the rows in flight without a gap."""
        last = self.rows.pop()
        if slot < len(self.rows):
            self.cache.move(len(self.rows), slot, last.cached)
            self.rows[slot] = last

    def _forward(self, model: Any, embeds: Tensor, starts: Tensor, rows: slice | Tensor) -> Any:
        """Run embeddings [B, T, llm_dim] through a model, behind the `starts` [B] positions that their slots hold."""
        positions = (starts[:, None] + torch.arange(embeds.shape[1])).to(embeds.device)
        reach = int(starts.max()) + embeds.shape[1]
        later = torch.arange(reach, device=embeds.device) > positions[:, None, :, None]  # [B, 1, T, reach]
        return model(
            inputs_embeds=embeds,
            attention_mask=later.to(embeds.dtype) * torch.finfo(embeds.dtype).min,  # added to the scores
            position_ids=positions,
            past_key_values=self.cache.at(Place(rows, positions, reach)),
            use_cache=True,
        )

    def _halve(self) -> None:
        """Drop the cache and go on with half as many rows; those in flight go back to the front."""
        flying = min(self.slots, max(1, len(self.rows)))
        for row in reversed(self.rows):
            row.start_over()
            self.waiting.appendleft(row)
        self.rows = []
        del self.cache  # before memory is given back
        self.slots = halve(flying)
        self.cache = self._new_cache()

    def _new_cache(self) -> SlotCache:
        return SlotCache(self.vlm.llm.config.num_hidden_layers, self.slots)


def sees_everything(llm: Any) -> bool:
    """Whether every layer attends to all positions before, as the loop's mask has it: no sliding windows, no others."""
    kinds = getattr(llm.config, "layer_types", None)
    if kinds:
        return set(kinds) == {"full_attention"}
    return getattr(llm.config, "sliding_window", None) is None


def _similar(slots: Sequence[int], lengths: Sequence[int]) -> Iterator[list[int]]:
    """Groups of slots whose `lengths` (one for each slot) differ little, so that padding is small."""
    group: list[int] = []
    for slot in sorted(slots, key=lambda slot: lengths[slot]):
        shortest = lengths[group[0]] if group else 0
        padded = lengths[slot] > shortest * 1.25 + _SLACK
        if group and (padded or (len(group) + 1) * lengths[slot] > _PREFILL_TOKENS):
            yield group
            group = []
        group.append(slot)
    if group:
        yield group


@contextmanager
def _packed_attention(llm: Any) -> Iterator[None]:
    """transformers' sdpa, which reads keys and values that heads share without copying them for each head."""
    before = llm.config._attn_implementation  # noqa: SLF001 - there is no public getter
    llm.set_attn_implementation("sdpa")
    try:
        yield
    finally:
        llm.set_attn_implementation(before)
