"""Which rows of a source can ever be asked for: found in one pass, in any order, in memory that does not grow with it.

Rows are ranked by a hash of the seed and their key, and each split keeps the first of that order (a bottom-k sample:
Cohen & Kaplan, "Summarizing data using bottom-k sketches", PODC 2007). So a row's place depends on no other row:
a sample is the same whatever the order or the sharding of the source, and a larger one begins with the smaller.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import accumulate

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline.errors import JobError
from pipeline.order import candidates, caption_digests, ranks
from pipeline.params import CorpusParams, SampleParams, Split
from pipeline.schema import CANDIDATE
from pipeline.sketches import CountMin, Hashes
from pipeline.sources.rows import Titled

CORPUS = CANDIDATE.append(pa.field("split", pa.string(), nullable=False))

FEWEST = 10_000  # rows of a split that are kept however few are wanted: a few MB, and a small source is kept whole
SPARE = 2  # times as many are held, since some of them turn out to be left out when the source has been read
NOISE = 0.01  # share of captions that may be taken for shared by mistake

# Whose an address is that stands under captions of two splits: what is held out stays held out.
PRECEDENCE: tuple[Split, ...] = ("evaluate", "curate", "pretrain")
_SALTS = {"evaluate": np.uint64(0), "curate": np.uint64(0x9E3779B97F4A7C15)}

_CAPTIONS = (1 << 25, 2)  # counters in a row, rows: 64 MiB
_ADDRESSES = (1 << 24, 3)  # 48 MiB

SAYS_NOTHING, SEEN_BEFORE = "caption says nothing", "address seen before"
NOT_WANTED = "behind the last candidate of its split"


def _numbers(digests: Sequence[bytes]) -> Hashes:
    """Four numbers from each digest of 32 bytes: [n, 4]."""
    return np.frombuffer(b"".join(digests), ">u8").astype(np.uint64).reshape(-1, 4)


def _places(points: Hashes, splits: Mapping[Split, float]) -> NDArray[np.intp]:
    edges = list(accumulate(splits.values()))[:-1]  # what lies behind them is the last one's, rounding and all
    return np.searchsorted(edges, points / 2.0**64, side="right")


@dataclass(slots=True)
class _Held:
    """What is known of an address: the row that stands for it, and the lines that were read of it."""

    rank: bytes
    row: Titled
    alike: int = 1  # lines with the row's caption
    lines: int = 1

    def add(self, row: Titled) -> None:
        """The caption that comes first in the alphabet wins, whichever was read first."""
        self.lines += 1
        self.alike = 1 if row.caption < self.row.caption else self.alike + (row.caption == self.row.caption)
        self.row = min(self.row, row)  # of one address, so by caption


class _Pool:
    """The rows of one split, by key: the first `size` of the order at least, or all."""

    def __init__(self, size: int | None) -> None:
        self.size = size
        self.held: dict[str, _Held] = {}
        self.last = b"\xff" * 32  # nothing behind this rank can be among the first

    def offer(self, key: str, place: bytes, row: Titled) -> None:
        """Hold a row, unless enough others come before it."""
        if place > self.last:
            return
        if held := self.held.get(key):
            held.add(row)
            return
        self.held[key] = _Held(place, row)
        if self.size and len(self.held) >= 2 * self.size:
            self.held = dict(self.ranked()[: self.size])
            self.last = next(reversed(self.held.values())).rank

    def ranked(self) -> list[tuple[str, _Held]]:
        """Keys and rows in the order of the seed, `size` of them at most."""
        return sorted(self.held.items(), key=lambda item: item[1].rank)[: self.size]


class Drawing:
    """One pass over a source: `offer` its rows in batches, in any order, then take the `corpus`.

    Of the splits curate and evaluate it keeps the candidates that `sample` allows, the split pretrain whole. A
    caption that more than corpus.max_shared lines hold (those of one picture count once) is left out.
    """

    def __init__(self, corpus: CorpusParams, sample: SampleParams) -> None:
        wanted = {"curate": sample.pictures, "evaluate": sample.heldout}
        self._kept = {split: max(FEWEST, candidates(count, sample.tries)) for split, count in wanted.items()}
        self._params, self._seed = corpus, sample.seed
        self._splits = list(corpus.splits)
        self._pools = [_Pool(SPARE * self._kept[split] if split in wanted else None) for split in self._splits]
        self._captions = CountMin(*_CAPTIONS, most=max(255, corpus.max_shared + 1))
        self._addresses = CountMin(*_ADDRESSES)
        self._silent = self._said = 0

    def offer(self, rows: Sequence[Titled]) -> None:
        """Take in a batch; a row whose caption is empty is counted and left out."""
        said = [row for row in rows if row.caption]
        self._silent += len(rows) - len(said)
        self._said += len(said)
        if not said:
            return
        addresses = [sha256(row.url.encode()).digest() for row in said]
        digits = b"".join(addresses).hex()
        keys = [digits[start : start + 16] for start in range(0, len(digits), 64)]
        places = ranks(keys, self._seed)
        captions = _numbers(caption_digests([row.caption for row in said]))
        self._captions.add(captions[:, 1:3])
        splits = _places(captions[:, 0], self._params.splits)
        self._protect(splits, _numbers(addresses)[:, 1:])
        last = _numbers([pool.last for pool in self._pools])[:, 0]
        near = _numbers(places)[:, 0] <= last[splits]
        for index in np.flatnonzero(near).tolist():
            self._pools[splits[index]].offer(keys[index], places[index], said[index])

    def _protect(self, splits: NDArray[np.intp], addresses: Hashes) -> None:
        """Remember which addresses are held out from the splits that come behind in PRECEDENCE."""
        for number, split in enumerate(self._splits):
            if any(self._params.splits.get(each) for each in _behind(split)):
                self._addresses.add(addresses[splits == number] ^ _SALTS[split])

    def corpus(self) -> tuple[pa.Table, Counter[str]]:
        """The rows that are kept, of CORPUS, sorted by key, and how many were left out for which reason.

        Raises JobError where the source has too many different captions to tell which of them are shared.
        """
        noise = self._captions.noise(self._params.max_shared)
        if noise > NOISE:
            raise JobError(
                f"{self._params.path} has too many different captions: {noise:.0%} of them would be taken for shared"
                " ones by mistake; make corpus.path a part of it, or raise corpus.max_shared"
            )
        if self._addresses.noise(1) > NOISE:
            raise JobError(
                f"{self._params.path} is too large to tell which of its addresses are held out; make corpus.path a part"
                " of it, or the split evaluate smaller"
            )
        left_out = Counter({SAYS_NOTHING: self._silent})
        kept: list[tuple[str, Titled, Split]] = []
        for split, pool in zip(self._splits, self._pools, strict=True):
            ranked = pool.ranked()
            fit = self._fit(split, ranked, left_out)[: self._kept.get(split)]
            kept += [(key, row, split) for key, row in fit]
        left_out[NOT_WANTED] = self._silent + self._said - len(kept) - left_out.total()
        return _table(sorted(kept)), +left_out

    def _fit(self, split: Split, ranked: list[tuple[str, _Held]], left_out: Counter[str]) -> list[tuple[str, Titled]]:
        """Those of a split's rows that nothing speaks against; the others are counted."""
        if not ranked:
            return []
        held = [each for _, each in ranked]
        addresses = _numbers([sha256(each.row.url.encode()).digest() for each in held])[:, 1:]
        captions = _numbers(caption_digests([each.row.caption for each in held]))[:, 1:3]
        others = self._captions.counts(captions) - [each.alike - 1 for each in held]
        elsewhere = np.any([self._addresses.counts(addresses ^ _SALTS[each]) > 0 for each in _before(split)], axis=0)
        shared = f"caption shared by more than {self._params.max_shared} pictures"
        fit = []
        for (key, each), count, foreign in zip(ranked, others, np.broadcast_to(elsewhere, len(held)), strict=True):
            left_out[SEEN_BEFORE] += each.lines - (not foreign)
            if not foreign and count > self._params.max_shared:
                left_out[shared] += 1
            elif not foreign:
                fit.append((key, each.row))
        return fit


def _before(split: Split) -> tuple[Split, ...]:
    return PRECEDENCE[: PRECEDENCE.index(split)]


def _behind(split: Split) -> tuple[Split, ...]:
    return PRECEDENCE[PRECEDENCE.index(split) + 1 :]


def _table(kept: list[tuple[str, Titled, Split]]) -> pa.Table:
    rows = [(key, *row, split) for key, row, split in kept]
    columns = [pa.array([row[number] for row in rows], field.type) for number, field in enumerate(CORPUS)]
    return pa.table(columns, schema=CORPUS)
