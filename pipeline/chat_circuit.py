"""A circuit breaker: a server that fails everybody is left alone for a while, and given up in the end."""

from __future__ import annotations

import asyncio

from pipeline.chat_answer import LONGEST_PAUSE
from pipeline.errors import JobError
from pipeline.params import CircuitParams


class Circuit:
    """Closed at first: requests pass. It serves one event loop after another, each with its `begin`.

    After `failures` failures in a row, over all requests, it opens: nothing is sent for `cooling` seconds, then one
    request alone (a probe). A success closes it; a probe in vain doubles the cooling time, up to LONGEST_PAUSE, and
    after `probes` of them the job ends. `place` is what its error names.
    """

    def __init__(self, params: CircuitParams, place: str) -> None:
        self._params = params
        self._place = place
        self._failures = 0  # in a row
        self._vain = 0  # probes
        self._turn = asyncio.Lock()  # of those that wait, in the order of their coming; a probe holds it

    def begin(self) -> None:
        """Serve the running event loop; what is known of the server stays known."""
        self._turn = asyncio.Lock()  # one that was waited for belongs to its loop

    async def enter(self) -> bool:
        """Wait until a request may be sent; whether it is a probe. Each `enter` needs its `leave` or `abandon`."""
        if not self.is_open:
            return False
        await self._turn.acquire()
        probe = False
        try:
            if self.is_open:
                await asyncio.sleep(min(LONGEST_PAUSE, self._params.cooling * 2**self._vain))
            probe = self.is_open
        finally:
            if not probe:
                self._turn.release()
        return probe

    def leave(self, fault: str | None, *, probe: bool) -> None:
        """Say how a request has ended; `fault` is None where the server did its work.

        Raises JobError when the last of the probes was in vain.
        """
        if probe:
            self._turn.release()
        if fault is None:
            self._failures = self._vain = 0
            return
        self._failures += 1
        self._vain += probe
        if self._vain == self._params.probes:
            tried = f"{self._failures} requests in a row, {self._vain} of them one at a time after a pause"
            mend = "what is finished is kept, run the same command again when the server is well"
            raise JobError(f"{self._place} failed {tried}: {fault}; {mend}")

    def abandon(self, *, probe: bool) -> None:
        """Say that a request was given up before it had ended, which says nothing about the server."""
        if probe:
            self._turn.release()

    @property
    def is_open(self) -> bool:
        """Whether the server fails everybody, so that no row is to blame."""
        return self._failures >= self._params.failures
