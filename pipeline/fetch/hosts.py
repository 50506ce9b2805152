"""Politeness: how many requests a host gets at once, and when it has asked to be left alone.

It holds for all threads and processes that share a folder. A request under way holds the lock of one of its host's
slot files, which the kernel drops when the process dies; the time stamp of these files, when it lies ahead, says
until when nobody may ask.
"""

from __future__ import annotations

import fcntl
import os
import random
import threading
import time
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path

_POLL = 0.01  # seconds between looks at slots that other processes hold


class Hosts:
    """The turns of every host, shared through `folder`, which exists; `per_host` requests at once, pauses capped."""

    def __init__(self, folder: Path, per_host: int, max_pause: float) -> None:
        self._folder = str(folder)
        self._per_host = per_host
        self._max_pause = max_pause
        # As many threads of this process as there are slots look for one; the others queue here and cost nothing.
        self._lock = threading.Lock()
        self._looking: Counter[str] = Counter()
        self._queues: dict[str, deque[threading.Lock]] = {}

    @contextmanager
    def turn(self, host: str) -> Iterator[float]:
        """Wait until `host` may be asked and hold a slot of it while the block runs; yields the seconds waited."""
        began = time.monotonic()
        self._enter(host)
        try:
            slot = self._slot(self._base(host))
            try:
                yield time.monotonic() - began
            finally:
                os.close(slot)  # drops the lock
        finally:
            self._leave(host)

    def pause(self, host: str, seconds: float) -> None:
        """Have everybody leave `host` alone for so long (`max_pause` at most), unless it is for longer already."""
        until = time.time() + min(seconds, self._max_pause)
        for number in range(self._per_host):
            slot = self._open(self._base(host), number)
            try:
                if until > os.fstat(slot).st_mtime:
                    os.utime(slot, (until, until))
            finally:
                os.close(slot)

    def _base(self, host: str) -> str:
        """Where the slots of a host lie; a digest, since a host name may be longer than a file name."""
        return f"{self._folder}/{blake2b(host.removesuffix('.').encode(), digest_size=12).hexdigest()}"

    def _enter(self, host: str) -> None:
        with self._lock:
            if self._looking[host] < self._per_host:
                self._looking[host] += 1
                return
            place = threading.Lock()
            place.acquire()
            self._queues.setdefault(host, deque()).append(place)
        place.acquire()  # until one who leaves releases it

    def _leave(self, host: str) -> None:
        with self._lock:
            if queue := self._queues.get(host):
                queue.popleft().release()  # takes the place over
                return
            self._queues.pop(host, None)
            self._looking[host] -= 1
            if not self._looking[host]:
                del self._looking[host]

    def _slot(self, base: str) -> int:
        """A locked slot of a host that is not paused, as an open file."""
        while True:
            slot = self._free(base)
            if slot is None:
                time.sleep(_POLL * random.uniform(0.5, 1.5))
                continue
            wait = os.fstat(slot).st_mtime - time.time()
            if wait <= 0:
                return slot
            os.close(slot)
            time.sleep(min(wait, self._max_pause))

    @staticmethod
    def _open(base: str, number: int) -> int:
        return os.open(f"{base}.{number}", os.O_RDWR | os.O_CREAT, 0o600)

    def _free(self, base: str) -> int | None:
        for number in range(self._per_host):
            slot = self._open(base, number)
            try:
                fcntl.flock(slot, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(slot)
            else:
                return slot
        return None
