"""How often each of very many things was seen, in memory that does not grow with their number."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]


class CountMin:
    """A count-min sketch: `depth` rows of `width` counters; each thing adds to one of every row.

    The count of a thing is the least of its counters, so it is never too low. It is exact unless other things share
    a counter with it in every row: after n different things the odds of that are at most
    (1 - exp(-n / width)) ** depth. Counters stop at their largest value. Adding commutes, so the order of the things
    does not matter.

    Cormode & Muthukrishnan, "An improved data stream summary: the count-min sketch and its applications", Journal of
    Algorithms 55(1), 2005.
    """

    def __init__(self, width: int, depth: int, most: int = 255) -> None:
        """`width` is a power of two; counters hold `most` at least."""
        self._mask = np.uint64(width - 1)
        self._cells = np.zeros((depth, width), np.min_scalar_type(most))
        self._most = np.iinfo(self._cells.dtype).max
        self._added = 0

    def add(self, hashes: Hashes) -> None:
        """Count each of n things once more, by its independent hashes [n, depth]."""
        self._added += len(hashes)
        for cells, places in zip(self._cells, (hashes & self._mask).T, strict=True):
            found, times = np.unique(places, return_counts=True)
            cells[found] = np.minimum(cells[found] + times, self._most)

    def counts(self, hashes: Hashes) -> NDArray[np.int64]:
        """How often each of n things was added, by its hashes [n, depth]."""
        places = (hashes & self._mask).T
        rows = [cells[each] for cells, each in zip(self._cells, places, strict=True)]
        return np.asarray(np.min(rows, axis=0), np.int64)

    def noise(self, count: int) -> float:
        """The odds, at most, that a thing which was never added counts `count` or more: its counters are all full."""
        depth, width = self._cells.shape
        full = self._added / count / width
        if full < 0.01:  # no need to look
            return float(full**depth)
        return float(np.prod([np.count_nonzero(cells >= count) / width for cells in self._cells]))
