"""Keys, the split of a caption, and the order of a seed: hashes, so the same on every machine and in every source."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from hashlib import sha256

from pipeline.params import Split


def key_of(url: str) -> str:
    """The key of an address: 16 hex digits."""
    return sha256(url.encode()).hexdigest()[:16]


def ranks(keys: Iterable[str], seed: int) -> list[bytes]:
    """The places of rows in the order of a seed: as random as sha256."""
    start = f"{seed} "
    return [sha256((start + key).encode()).digest() for key in keys]


def split_of(caption: str, splits: Mapping[Split, float]) -> Split:
    """The split that a caption falls into: its hash, as a number in [0, 1), against the cumulated shares."""
    point = int.from_bytes(caption_digests([caption])[0][:8], "big") / 2**64
    edge = 0.0
    for name, share in splits.items():
        edge += share
        if point < edge:
            return name
    return list(splits)[-1]


def caption_digests(captions: Iterable[str]) -> list[bytes]:
    """32 bytes of each caption, of which the first eight decide its split."""
    return [sha256(("split " + caption).encode()).digest() for caption in captions]


def candidates(wanted: int, tries: float) -> int:
    """How many rows may be tried for `wanted` pictures."""
    return math.ceil(round(wanted * tries, 6))  # 10 * 1.1 is a little more than 11
