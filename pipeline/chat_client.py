"""A client of any server that speaks OpenAI's `/chat/completions`: llama.cpp, vLLM, SGLang, Ollama, the hosted ones.

Whatever a server does costs the row it does it to and no other. Until it has answered a first row, an error that
no row can be blamed for (nobody listens, a wrong key, a wrong address) ends the job instead.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import httpx

from pipeline.chat_answer import LONGEST_PAUSE, Reply, read_answer, read_retry_after
from pipeline.errors import JobError, UsageError
from pipeline.params import ServerParams

BACKOFF = 0.5  # seconds: the first pause is drawn from 0 to this, each further one from a range twice as wide
CONNECT_TIMEOUT = 10.0  # seconds; the answer itself may take up to the row's deadline
LONGEST_BODY = 4 * 2**20  # bytes of an answer
PASSING = frozenset({408, 409, 429, *range(500, 600)})  # statuses that another try may cure
KEY = frozenset({401, 402, 403})  # statuses that a better key cures
SETUP = frozenset({*range(300, 400), 404, 405})  # statuses that a better address or model name cures


@dataclass(frozen=True)
class Lost:
    """A request without an answer, the reason on one line. `unreachable`: nobody listened, so no row is to blame."""

    reason: str
    unreachable: bool = False


class _Failure(Exception):  # noqa: N818 - not an error yet: most are tried again
    """A request without an answer.

    `passing`: another try, after `pause` seconds at least, may bring one. `mend`: what the user can do where no
    row is to blame, else empty.
    """

    def __init__(self, reason: str, *, passing: bool = False, pause: float = 0.0, mend: str = "") -> None:
        super().__init__(reason)
        self.passing = passing
        self.pause = pause
        self.mend = mend


class _Unreachable(_Failure):
    """Nobody listens at the address."""


class ChatClient:
    """A server, asked `concurrency` requests at a time. `section` of the params is what its errors name."""

    def __init__(self, server: ServerParams | None, section: str, backoff: float = BACKOFF) -> None:
        if server is None:
            raise UsageError(f"{section}.server is null: backend openai needs its base_url and the keys beside it")
        self.url = _check_url(server.base_url, section)
        self._server = server
        self._section = section
        self._backoff = backoff
        self._key = _read_key(server.api_key_env)
        self._answered = False

    def complete(self, requests: Sequence[Mapping[str, object]], advance: Callable[[int], None]) -> list[Reply | Lost]:
        """Send each request (the JSON of a chat completion); the answers in their order.

        `advance` is told of every request that has ended. Raises JobError when the server cannot be worked with at all.
        """
        return asyncio.run(self._complete(requests, advance))

    async def _complete(
        self, requests: Sequence[Mapping[str, object]], advance: Callable[[int], None]
    ) -> list[Reply | Lost]:
        slots = asyncio.Semaphore(self._server.concurrency)

        async def complete_one(client: httpx.AsyncClient, request: Mapping[str, object]) -> Reply | Lost:
            async with slots:
                reply = await self._complete_row(client, request)
            advance(1)
            return reply

        try:
            async with self._client() as client, asyncio.TaskGroup() as group:
                rows = [group.create_task(complete_one(client, request)) for request in requests]
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from None
        return [row.result() for row in rows]

    def _client(self) -> httpx.AsyncClient:
        headers = {"Authorization": f"Bearer {self._key}"} if self._key else {}
        # No limit on connections: `slots` is one. No timeout but for connecting: a row has its deadline.
        limits = httpx.Limits(max_connections=None)
        return httpx.AsyncClient(headers=headers, limits=limits, timeout=httpx.Timeout(None, connect=CONNECT_TIMEOUT))

    async def _complete_row(self, client: httpx.AsyncClient, request: Mapping[str, object]) -> Reply | Lost:
        """One row, all tries within its deadline, which begins when its turn has come."""
        try:
            async with asyncio.timeout(self._server.deadline) as limit:
                return await self._try(client, request, limit.when() or 0.0)
        except TimeoutError:
            return Lost(f"no answer within {self._server.deadline} s")
        except _Failure as failure:
            if failure.mend and not self._answered:
                place = f"no model for {self._section} at {self.url}"
                raise JobError(f"{place}: {failure}; {failure.mend}") from None
            return Lost(str(failure), unreachable=isinstance(failure, _Unreachable))

    async def _try(self, client: httpx.AsyncClient, request: Mapping[str, object], ends: float) -> Reply:
        """Ask until there is an answer, a failure that will not pass, or no time (`ends`, by the loop's clock)."""
        for attempt in range(self._server.retries + 1):
            try:
                reply = await self._ask(client, request)
            except _Failure as failure:
                pause = max(failure.pause, random.uniform(0.0, min(LONGEST_PAUSE, self._backoff * 2**attempt)))
                in_time = asyncio.get_running_loop().time() + pause < ends
                if not failure.passing or attempt == self._server.retries or not in_time:
                    raise
                await asyncio.sleep(pause)
            else:
                self._answered = True
                return reply
        raise AssertionError("the last try returns or raises")

    async def _ask(self, client: httpx.AsyncClient, request: Mapping[str, object]) -> Reply:
        """Send one request once."""
        try:
            async with client.stream("POST", f"{self.url}/chat/completions", json=request) as response:
                body = await _read_body(response)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError) as error:
            mend = f"start the server, or set {self._section}.server.base_url"
            raise _Unreachable(f"cannot connect ({_name(error)})", passing=True, mend=mend) from None
        except httpx.RequestError as error:
            passing = isinstance(error, httpx.TransportError)
            raise _Failure(f"the connection broke ({_name(error)})", passing=passing) from None
        if response.status_code != httpx.codes.OK:
            raise self._failure(response, body)
        try:
            return read_answer(body)
        except ValueError as error:
            raise _Failure(f"the answer is not a chat completion ({error}): {self._quote(body)}") from None

    def _failure(self, response: httpx.Response, body: bytes) -> _Failure:
        """What a status other than 200 means."""
        status = response.status_code
        names = f"{self._section}.server.base_url and {self._section}.model"
        mend = f"set {names} to what the server has" if status in SETUP else ""
        if status in KEY:
            fault = "the one there is refused" if self._key else "there is none"
            mend = f"put a key into the environment variable {self._server.api_key_env} ({fault})"
        pause = read_retry_after(response.headers.get("Retry-After", ""))
        return _Failure(f"status {status}: {self._quote(body)}", passing=status in PASSING, pause=pause, mend=mend)

    def _quote(self, body: bytes) -> str:
        """The beginning of a body on one line; the key blacked out, in case that the server sent it back."""
        text = body.decode("utf-8", errors="replace")
        if self._key:
            text = text.replace(self._key, "***")
        line = " ".join(text.split())[:160]
        return repr(line) if line else "no text"


async def _read_body(response: httpx.Response) -> bytes:
    body = bytearray()
    async for piece in response.aiter_bytes():
        body += piece
        if len(body) > LONGEST_BODY:
            raise _Failure(f"the answer is longer than {LONGEST_BODY} bytes")
    return bytes(body)


def _check_url(base_url: str, section: str) -> str:
    """The address without its last slash. It stands in every row and in errors, so it must hold no secret."""
    key, wanted = f"{section}.server.base_url", "it must look like http://host:port/v1"
    try:
        url = httpx.URL(base_url)
    except httpx.InvalidURL:
        raise UsageError(f"{key} is no address: {wanted}") from None
    if url.scheme not in ("http", "https") or not url.host or url.query or url.fragment or url.userinfo:
        keys = f"{section}.server.api_key_env"
        raise UsageError(f"{key}: {wanted}, without password or query; a key goes into the variable that {keys} names")
    return base_url.rstrip("/")


def _read_key(variable: str) -> str:
    """The key in the environment, or "" where there is none: a server on one's own machine asks for none."""
    key = os.environ.get(variable, "").strip()
    if not (key.isascii() and key.isprintable()):
        raise UsageError(f"the environment variable {variable} holds no key: it has characters that no key has")
    return key


def _name(error: httpx.RequestError) -> str:
    return str(error) or type(error).__name__
