"""Seeds that belong to rows."""

from __future__ import annotations

from hashlib import sha256


def row_seed(seed: int, key: str) -> int:
    """A row's own seed, from a run's seed and the row's key: 31 bits, the same whatever other rows there are."""
    return int.from_bytes(sha256(f"{seed} {key}".encode()).digest()[:4]) >> 1
