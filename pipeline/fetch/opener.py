"""What stands in urllib's place in every process of img2dataset: http and https, to public addresses, within limits.

img2dataset calls `urllib.request.urlopen` on whatever a list of links says, and urllib as it comes follows file:,
ftp: and data: addresses and redirects into the machine's own network, repeats what cannot heal, and reads bodies of
any size for as long as they drip. Proxies of the environment are not used: behind one, the address that is reached
could not be checked.
"""

from __future__ import annotations

import json
import os
import random
import time
import urllib.request
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from pipeline.fetch.exchange import Answer, Client
from pipeline.fetch.failures import KINDS, FetchError, failure_of
from pipeline.fetch.hosts import Hosts
from pipeline.fetch.log import Ended
from pipeline.fetch.policy import Policy
from pipeline.fetch.sockets import tls_context
from pipeline.fetch.target import Target, parse_target

FIRST_PAUSE = 1.0  # seconds: of a host after a 429 that names none, and the most before a first retry


@dataclass
class _Visit:
    """One address on its way."""

    url: str
    began: float  # `time.monotonic`
    deadline: float
    waited: float = 0.0  # seconds for the turns of its hosts, which are not its own time
    tries: int = 0

    def wait(self, seconds: float) -> None:
        """Grant the time that a host's turn took."""
        self.waited += seconds
        self.deadline += seconds

    @property
    def seconds(self) -> float:
        """Its own time so far."""
        return time.monotonic() - self.began - self.waited

    @property
    def left(self) -> float:
        return self.deadline - time.monotonic()


class GuardedOpener(urllib.request.OpenerDirector):
    """An opener that fetches a whole picture by the policy, or raises FetchError; safe to share between threads."""

    def __init__(self, policy: Policy) -> None:
        super().__init__()
        self.policy = policy
        self._client = Client(policy, tls_context())
        folder = Path(policy.folder, "hosts")
        folder.mkdir(exist_ok=True)
        self._hosts = Hosts(folder, policy.per_host, policy.max_pause)

    def open(self, fullurl: str | urllib.request.Request, data: Any = None, timeout: float | None = None) -> Answer:  # noqa: ARG002 - urllib's signature; the policy knows better
        """The answer behind an address, its body read; what became of it is a line in the log."""
        url = fullurl if isinstance(fullurl, str) else fullurl.full_url
        now = time.monotonic()
        visit = _Visit(url, now, now + self.policy.total_timeout)
        try:
            answer = self._persist(visit)
        except FetchError as failure:
            self._log(visit, failure, 0)
            raise
        self._log(visit, None, answer.size)
        return answer

    def _persist(self, visit: _Visit) -> Answer:
        """Ask, and ask again for as long as it may help and there is time."""
        while True:
            visit.tries += 1
            try:
                return self._follow(visit)
            except Exception as error:
                failure = self._dated(failure_of(error), visit)
                pause = self._pause(failure, visit)
                if pause is None:
                    raise failure from error
            time.sleep(pause)

    def _follow(self, visit: _Visit) -> Answer:
        """One try: through redirects to the answer, each hop checked like the first."""
        target = parse_target(visit.url)
        trusted = self.policy.trusted
        for _ in range(self.policy.max_redirects + 1):
            with self._turn(target) as waited:
                visit.wait(waited)
                try:
                    reply = self._client.ask(target, trusted, visit.deadline)
                except FetchError as failure:
                    self._respect(target, failure)
                    raise
            if isinstance(reply, Answer):
                return reply
            if target.place not in self.policy.trusted:
                trusted = ()  # nobody out there sends us to a server of our own
            target = reply
        raise FetchError("too_many_redirects", f"more than {self.policy.max_redirects}, the last one to {target.url}")

    def _turn(self, target: Target) -> AbstractContextManager[float]:
        return nullcontext(0.0) if target.place == self.policy.own else self._hosts.turn(target.host)

    def _respect(self, target: Target, failure: FetchError) -> None:
        """Have everybody leave the host alone that has just asked for it."""
        if target.place != self.policy.own and (failure.rule == "http_429" or failure.retry_after is not None):
            self._hosts.pause(target.host, FIRST_PAUSE if failure.retry_after is None else failure.retry_after)

    def _pause(self, failure: FetchError, visit: _Visit) -> float | None:
        """Seconds until the next try (full jitter, or what the host asked for); None when there should be none."""
        if not KINDS[failure.rule].heals or visit.tries > self.policy.retries:
            return None
        if failure.retry_after is None:
            pause = random.uniform(0.0, min(self.policy.max_pause, FIRST_PAUSE * 2 ** (visit.tries - 1)))
        else:
            pause = failure.retry_after
        return pause if pause <= self.policy.max_pause and pause < visit.left else None

    def _dated(self, failure: FetchError, visit: _Visit) -> FetchError:
        """The failure, with the time that it speaks of."""
        if failure.rule == "timeout" and visit.left <= 0:
            return FetchError("timeout", f"not done after {self.policy.total_timeout:g} s (download.total_timeout)")
        if failure.rule == "timeout":
            return FetchError("timeout", f"{failure.reason} (download.timeout: {self.policy.timeout:g} s)")
        if failure.retry_after is not None:
            asked = f"{failure.reason}, which asks for a pause of {failure.retry_after:.0f} s"
            return FetchError(failure.rule, asked, failure.retry_after)
        return failure

    def _log(self, visit: _Visit, failure: FetchError | None, size: int) -> None:
        """One line for the account, whole whatever other threads write: a single write to the end of the file."""
        rule, reason = (failure.rule, failure.reason) if failure else ("", "")
        ended = Ended(visit.url, rule, reason, size, round(visit.seconds, 6), visit.tries, time.time())
        os.write(self._log_file, (json.dumps(asdict(ended)) + "\n").encode())

    @cached_property
    def _log_file(self) -> int:
        """This process's log, open until it ends."""
        path = f"{self.policy.folder}/log-{os.getpid()}.jsonl"
        return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)


@lru_cache(maxsize=1)  # what is installed already stays
def install(policy: Policy) -> None:
    """Have this process's `urllib.request.urlopen` go by the policy."""
    urllib.request.install_opener(GuardedOpener(policy))
