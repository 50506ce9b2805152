"""Any server that speaks OpenAI's `/chat/completions`: llama.cpp, vLLM, SGLang, Ollama, the hosted ones.

Whatever a server does costs the row it does it to and no other. Until it has answered a first row, an error that
no row can be blamed for (nobody listens, a wrong key, a wrong address) ends the job instead.
"""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections.abc import Callable, Sequence
from email.utils import parsedate_to_datetime

import httpx
from pydantic import BaseModel, Field, ValidationError

from pipeline.backends.completion import Completion
from pipeline.errors import JobError, UsageError
from pipeline.params import RewriteParams

BACKOFF = 0.5  # seconds: the first pause is drawn from 0 to this, each further one from a range twice as wide
LONGEST_PAUSE = 60.0  # seconds, whatever the server asks for
CONNECT_TIMEOUT = 10.0  # seconds; the answer itself may take up to the row's deadline
LONGEST_BODY = 4 * 2**20  # bytes of an answer
PASSING = frozenset({408, 409, 429, *range(500, 600)})  # statuses that another try may cure
KEY = frozenset({401, 402, 403})  # statuses that a better key cures
SETUP = frozenset({*range(300, 400), 404, 405})  # statuses that a better address or model name cures


class _Message(BaseModel):
    content: str


class _Choice(BaseModel):
    message: _Message
    finish_reason: str | None = None


class _Answer(BaseModel):
    """The part of a server's answer that is read; servers add fields of their own."""

    choices: list[_Choice] = Field(min_length=1)


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


class ServerRewriter:
    """A model behind a server, asked for `concurrency` rows at a time."""

    def __init__(self, params: RewriteParams, backoff: float = BACKOFF) -> None:
        self.url = _check_url(params.base_url)
        self.name = params.model
        self.revision = self.url
        self._params = params
        self._backoff = backoff
        self._key = _read_key(params.api_key_env)
        self._answered = False

    def complete(self, texts: Sequence[str], advance: Callable[[int], None]) -> list[Completion]:
        """See Rewriter. Raises JobError when the server cannot be worked with at all."""
        return asyncio.run(self._complete(texts, advance))

    async def _complete(self, texts: Sequence[str], advance: Callable[[int], None]) -> list[Completion]:
        slots = asyncio.Semaphore(self._params.concurrency)

        async def complete_one(client: httpx.AsyncClient, text: str) -> Completion:
            async with slots:
                completion = await self._complete_row(client, text)
            advance(1)
            return completion

        try:
            async with self._client() as client, asyncio.TaskGroup() as group:
                rows = [group.create_task(complete_one(client, text)) for text in texts]
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from None
        return [row.result() for row in rows]

    def _client(self) -> httpx.AsyncClient:
        headers = {"Authorization": f"Bearer {self._key}"} if self._key else {}
        # No limit on connections: `slots` is one. No timeout but for connecting: a row has its deadline.
        limits = httpx.Limits(max_connections=None)
        return httpx.AsyncClient(headers=headers, limits=limits, timeout=httpx.Timeout(None, connect=CONNECT_TIMEOUT))

    async def _complete_row(self, client: httpx.AsyncClient, text: str) -> Completion:
        """One row, all tries within its deadline, which begins when its turn has come."""
        try:
            async with asyncio.timeout(self._params.deadline) as limit:
                return await self._try(client, text, limit.when() or 0.0)
        except TimeoutError:
            return Completion(None, error=f"no answer within {self._params.deadline} s")
        except _Failure as failure:
            if failure.mend and not self._answered:
                raise JobError(f"no rewriter at {self.url}: {failure}; {failure.mend}") from None
            return Completion(None, error=str(failure))

    async def _try(self, client: httpx.AsyncClient, text: str, ends: float) -> Completion:
        """Ask until there is an answer, a failure that will not pass, or no time (`ends`, by the loop's clock)."""
        for attempt in range(self._params.retries + 1):
            try:
                answer = await self._ask(client, text)
            except _Failure as failure:
                pause = max(failure.pause, random.uniform(0.0, min(LONGEST_PAUSE, self._backoff * 2**attempt)))
                in_time = asyncio.get_running_loop().time() + pause < ends
                if not failure.passing or attempt == self._params.retries or not in_time:
                    raise
                await asyncio.sleep(pause)
            else:
                self._answered = True
                return answer
        raise AssertionError("the last try returns or raises")

    async def _ask(self, client: httpx.AsyncClient, text: str) -> Completion:
        """One request."""
        request = {
            "model": self._params.model,
            "messages": [{"role": "user", "content": text}],
            "max_tokens": self._params.max_new_tokens,
            "temperature": self._params.temperature,
            "seed": self._params.seed,
        }
        try:
            async with client.stream("POST", f"{self.url}/chat/completions", json=request) as response:
                body = await _read_body(response)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError) as error:
            mend = "start the server, or set rewrite.base_url"
            raise _Failure(f"cannot connect ({_name(error)})", passing=True, mend=mend) from None
        except httpx.RequestError as error:
            passing = isinstance(error, httpx.TransportError)
            raise _Failure(f"the connection broke ({_name(error)})", passing=passing) from None
        if response.status_code != httpx.codes.OK:
            raise self._failure(response, body)
        return self._parse(body)

    def _parse(self, body: bytes) -> Completion:
        """Hold a body against what `/chat/completions` promises."""
        try:
            choice = _Answer.model_validate_json(body).choices[0]
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            place = ".".join(str(part) for part in first["loc"])
            what = f"{place}: {first['msg']}" if place else first["msg"]
            raise _Failure(f"the answer is not a chat completion ({what}): {self._quote(body)}") from None
        return Completion(choice.message.content, choice.finish_reason or "")

    def _failure(self, response: httpx.Response, body: bytes) -> _Failure:
        """What a status other than 200 means."""
        status = response.status_code
        mend = "set rewrite.base_url and rewrite.model to what the server has" if status in SETUP else ""
        if status in KEY:
            fault = "the one there is refused" if self._key else "there is none"
            mend = f"put a key into the environment variable {self._params.api_key_env} ({fault})"
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


def read_retry_after(value: str) -> float:
    """Seconds to wait for a Retry-After header (seconds or an HTTP date, RFC 9110 section 10.2.3), 0 to LONGEST_PAUSE.

    What is neither counts as 0.
    """
    if value.strip().isdecimal():
        return min(LONGEST_PAUSE, float(value))
    try:
        until = parsedate_to_datetime(value).timestamp()
    except (ValueError, OverflowError):
        return 0.0
    return min(LONGEST_PAUSE, max(0.0, until - time.time()))


def _check_url(base_url: str | None) -> str:
    """The address without its last slash. It stands in every row and in errors, so it must hold no secret."""
    wanted = "it must look like http://host:port/v1"
    if base_url is None:
        raise UsageError(f"rewrite.base_url is missing: backend openai needs the server's address; {wanted}")
    try:
        url = httpx.URL(base_url)
    except httpx.InvalidURL:
        raise UsageError(f"rewrite.base_url is no address: {wanted}") from None
    if url.scheme not in ("http", "https") or not url.host or url.query or url.fragment or url.userinfo:
        raise UsageError(f"rewrite.base_url: {wanted}, without password or query; a key goes into rewrite.api_key_env")
    return base_url.rstrip("/")


def _read_key(variable: str) -> str:
    """The key in the environment, or "" where there is none: a server on one's own machine asks for none."""
    key = os.environ.get(variable, "").strip()
    if not (key.isascii() and key.isprintable()):
        raise UsageError(f"the environment variable {variable} holds no key: it has characters that no key has")
    return key


def _name(error: httpx.RequestError) -> str:
    return str(error) or type(error).__name__
