"""Tells a network that has died from links that have: a run must not write off ten thousand good addresses."""

from __future__ import annotations

from collections import Counter, deque

from pipeline.errors import JobError
from pipeline.fetch.failures import is_network
from pipeline.fetch.log import Ended

WINDOW = 50  # addresses


class NetworkDownError(JobError):
    """Most of the last addresses failed in ways that speak of the asker's network."""


class Cliff:
    """Watches addresses end; raises NetworkDownError when `share` of the last WINDOW speak of a dead network."""

    def __init__(self, share: float | None, own: str) -> None:
        self._share = share
        self._own = f"http://{own}/" if own else ""
        self._last: deque[Ended] = deque(maxlen=WINDOW)

    def __call__(self, ended: Ended) -> None:
        """Take in one address; those of the corpus's own server say nothing of the network."""
        if self._share is None or (self._own and ended.url.startswith(self._own)):
            return
        self._last.append(ended)
        dead = [each for each in self._last if is_network(each.rule)]
        if len(self._last) == WINDOW and len(dead) >= self._share * WINDOW:
            causes = ", ".join(f"{rule} {count}" for rule, count in Counter(e.rule for e in dead).most_common())
            raise NetworkDownError(
                f"the network seems to be down: {len(dead)} of the last {WINDOW} addresses failed by {causes}, e.g. "
                f"{dead[-1].url}: {dead[-1].reason}; what has come is kept: run the same command again when the "
                "network is back (download.cliff sets the share)"
            )
