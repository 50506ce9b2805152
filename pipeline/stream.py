"""Endless batches of pairs from shards: shuffled within a bound, mixed by weight, resumable from a few numbers.

Each epoch, the shards of a source are put into a seeded order and dealt out to the processes. A process reads its
shards one after the other into a window of at most `buffer` records, and gives out the window in a seeded order. So
the whole order is a function of (seed, place), and a resumed run goes on with the very next record: it reads one
window again, from the shard in which that begins. (`datasets` streams and mixes as well, but does not restore its
shuffle buffer, and one torn tar ends its stream.)
"""

from __future__ import annotations

import itertools
import random
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

from pipeline.errors import JobError
from pipeline.fetch.failures import Failure
from pipeline.shards import Record, read_shard

DECODERS = 8  # threads; Pillow gives up the interpreter's lock while it decodes
BATCHES_AHEAD = 4

T = TypeVar("T")


@dataclass(frozen=True)
class Source:
    """Shards of one origin and their weight in the mixture."""

    name: str
    shards: Sequence[Path]
    weight: float


@dataclass(frozen=True)
class Share:
    """Which part of every source is this process's, and the seed of all orders."""

    seed: int
    rank: int = 0
    world: int = 1


@dataclass
class Place:
    """Where the stream of one source stands; `shard` counts this process's shards of the epoch."""

    epoch: int = 0
    shard: int = 0  # in which the window begins
    record: int = 0  # of that shard, with which the window begins
    taken: int = 0  # records of the window that are given out
    used: int = 0  # pairs given out since the beginning
    skipped: Counter[str] = field(default_factory=Counter)  # records passed over since the beginning, by reason

    def as_dict(self) -> dict[str, Any]:
        """A copy for JSON."""
        return {**vars(self), "skipped": dict(self.skipped)}


@dataclass(frozen=True)
class Pair(Generic[T]):
    """A caption and its picture, decoded."""

    caption: str
    picture: T


@dataclass(frozen=True)
class Batch(Generic[T]):
    """Pairs, and the place of the stream behind them: what a checkpoint holds of it."""

    pairs: Sequence[Pair[T]]
    place: Mapping[str, Any]  # JSON


class Stream(Generic[T]):
    """The pairs of one source that are this process's, epoch after epoch."""

    def __init__(
        self,
        source: Source,
        share: Share,
        buffer: int,
        decode: Callable[[Record], T | Failure],
        place: Place | None = None,
    ) -> None:
        self.source = source
        self.share = share
        self.buffer = buffer
        self.decode = decode
        self.place = place or Place()
        self.window: list[Record] = []
        self._used_before = -1  # pairs used when the epoch began, where this process saw it begin
        self._records = self._walk()
        self._fill()

    def take(self, count: int, pool: Executor) -> list[Pair[T]]:
        """The next `count` pairs; pictures that cannot be decoded are passed over and counted."""
        pairs: list[Pair[T]] = []
        while len(pairs) < count:
            if not self.place.taken:  # a window is counted once, when it is begun
                self.place.skipped += self._passed_over
            if self.place.taken == len(self.window):
                self._move_on()
                continue
            records = self.window[self.place.taken :][: count - len(pairs)]
            self.place.taken += len(records)
            for record, picture in zip(records, pool.map(self.decode, records), strict=True):
                if isinstance(picture, Failure):
                    self.place.skipped[picture.rule] += 1
                else:
                    pairs.append(Pair(record.caption, picture))
                    self.place.used += 1
        return pairs

    def _order(self) -> list[Path]:
        """This process's shards of the epoch, in their order."""
        shards = list(self.source.shards)
        random.Random(f"{self.share.seed} {self.source.name} {self.place.epoch}").shuffle(shards)
        return shards[self.share.rank :: self.share.world]

    def _walk(self) -> Iterator[tuple[Record | str, int, int]]:
        """What is left of the epoch from the place on, each with the shard and the record's number behind it."""
        start = self.place.record
        for number, path in itertools.islice(enumerate(self._order()), self.place.shard, None):
            for record, item in enumerate(read_shard(path, start), start + 1):
                yield item, number, record
            start = 0

    def _fill(self) -> None:
        """Read the window that begins at the place."""
        self.window = []
        self._passed_over: Counter[str] = Counter()
        self._behind = (self.place.shard, self.place.record)
        for item, *behind in self._records:
            self._behind = (behind[0], behind[1])
            if isinstance(item, Record):
                self.window.append(item)
                if len(self.window) == self.buffer:
                    break
            else:
                self._passed_over[item] += 1
        at = f"{self.place.epoch} {self.place.shard} {self.place.record}"
        random.Random(f"{self.share.seed} {self.source.name} {self.share.rank} {at}").shuffle(self.window)

    def _move_on(self) -> None:
        """Go to the next window, which is empty at the end of the epoch, and from there to the next epoch."""
        if self.window:
            self.place.shard, self.place.record = self._behind
        elif self.place.used > self._used_before:
            self._used_before = self.place.used
            self.place.epoch += 1
            self.place.shard = self.place.record = 0
            self._records = self._walk()
        else:
            reasons = ", ".join(f"{count} {reason}" for reason, count in self.place.skipped.most_common())
            folder = self.source.shards[0].parent
            raise JobError(f"{self.source.name}: not one usable pair in {folder} ({reasons or 'its shards are empty'})")
        self.place.taken = 0
        self._fill()


def mixed_batches(streams: Sequence[Stream[T]], size: int, begun: int = 0) -> Iterator[Batch[T]]:
    """Batches of `size` pairs without end, `begun` of which were given out before.

    Each pair's source is drawn by weight: with weights 115 and 14, a share of 115 / 129 comes from the first.
    """
    share = streams[0].share
    weights = [stream.source.weight for stream in streams]
    with ThreadPoolExecutor(DECODERS) as pool:
        for number in itertools.count(begun):
            rng = random.Random(f"{share.seed} {share.rank} {number}")
            drawn = Counter(rng.choices(range(len(streams)), weights, k=size))
            pairs = [pair for n, stream in enumerate(streams) for pair in stream.take(drawn[n], pool)]
            places = {stream.source.name: stream.place.as_dict() for stream in streams}
            yield Batch(pairs, {"batches": number + 1, "sources": places})


def read_ahead(batches: Iterator[Batch[T]]) -> Iterator[Batch[T]]:
    """The same batches, of which the next few are made in a thread of their own."""
    with ThreadPoolExecutor(1) as reader:
        waiting = deque(reader.submit(next, batches) for _ in range(BATCHES_AHEAD))
        while True:
            yield waiting.popleft().result()
            waiting.append(reader.submit(next, batches))


def places_of(place: Mapping[str, Any]) -> dict[str, Place]:
    """The places in `Batch.place`, by source."""
    sources = place["sources"].items()
    return {name: Place(**{**values, "skipped": Counter(values["skipped"])}) for name, values in sources}
