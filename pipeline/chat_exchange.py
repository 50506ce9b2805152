"""One request to `/chat/completions` and what comes back: an answer, or a failure and what it means."""

from __future__ import annotations

import os
from collections.abc import Mapping

import httpx

from pipeline.chat_answer import Reply, read_answer, read_retry_after
from pipeline.errors import UsageError
from pipeline.params import ServerParams

LONGEST_BODY = 4 * 2**20  # bytes of an answer
SECRET = 16  # characters: a shorter key is a placeholder, and may be a word of an answer
HIDDEN = 4  # characters: what is shorter stands in errors by chance
PASSING = frozenset({408, 409, 429, *range(500, 600)})  # statuses that another try may cure
LATE = frozenset({408, 504, 524})  # the work may be done, and billed: somebody on the way stopped waiting for it
KEY = frozenset({401, 402, 403})  # statuses that a better key cures
SETUP = frozenset({*range(300, 400), 404, 405})  # statuses that a better address or model name cures


class Failure(Exception):  # noqa: N818 - not an error yet: most are tried again
    """A request without an answer.

    `passing`: another try, after `pause` seconds at least, may bring one. `mend`: what the user can do where no
    row is to blame, else empty. `billed`: the server may have written an answer, and ask money for it.
    """

    passing = False
    billed = False

    def __init__(self, reason: str, *, pause: float = 0.0, mend: str = "") -> None:
        super().__init__(reason)
        self.pause = pause
        self.mend = mend


class Passing(Failure):
    """What another try may cure."""

    passing = True


class Broken(Passing):
    """The answer did not arrive, or is none: the work of a network, or of a proxy on the way."""

    billed = True


class Unusable(Failure):
    """An answer that must not be taken: longer than any that was asked for, or with the key in it."""

    billed = True


class Unreachable(Passing):
    """Nobody listens at the address."""


class Exchange:
    """A server's address and key. `section` of the params is what its errors name."""

    def __init__(self, server: ServerParams, section: str) -> None:
        self.url = _check_url(server.base_url, section)
        self._section = section
        self._variable = server.api_key_env
        self._key = _read_key(server.api_key_env)

    @property
    def headers(self) -> dict[str, str]:
        """What every request carries; a server on one's own machine asks for no key."""
        return {"Authorization": f"Bearer {self._key}"} if self._key else {}

    async def ask(self, client: httpx.AsyncClient, request: Mapping[str, object]) -> Reply:
        """Send one request once. Raises Failure."""
        try:
            async with client.stream("POST", f"{self.url}/chat/completions", json=request) as response:
                body = await _read_body(response)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError) as error:
            mend = f"start the server, or set {self._section}.server.base_url"
            raise Unreachable(f"cannot connect ({self._name(error)})", mend=mend) from None
        except httpx.RequestError as error:
            raise Broken(f"the connection broke ({self._name(error)})") from None
        if response.status_code != httpx.codes.OK:
            raise self._failure(response, body)
        try:
            reply = read_answer(body)
        except ValueError as error:
            raise Broken(f"the answer is not a chat completion ({error}): {self._quote(body)}") from None
        if len(self._key) >= SECRET and (self._key in reply.text or self._key in reply.finish):
            raise Unusable("the answer holds the API key")
        return reply

    def _failure(self, response: httpx.Response, body: bytes) -> Failure:
        """What a status other than 200 means."""
        status = response.status_code
        names = f"{self._section}.server.base_url and {self._section}.model"
        mend = f"set {names} to what the server has" if status in SETUP else ""
        if status in KEY:
            fault = "the one there is refused" if self._key else "there is none"
            mend = f"put a key into the environment variable {self._variable} ({fault})"
        pause = read_retry_after(response.headers.get("Retry-After", ""))
        kind = Passing if status in PASSING else Failure
        return (Broken if status in LATE else kind)(f"status {status}: {self._quote(body)}", pause=pause, mend=mend)

    def _hide(self, text: str) -> str:
        """A server that sends the key back does not bring it into an error."""
        return text.replace(self._key, "***") if len(self._key) >= HIDDEN else text

    def _name(self, error: httpx.RequestError) -> str:
        """What a connection's error says, which may quote the server."""
        return self._hide(str(error)) or type(error).__name__

    def _quote(self, body: bytes) -> str:
        """The beginning of a body on one line."""
        line = " ".join(self._hide(body.decode("utf-8", errors="replace")).split())[:160]
        return repr(line) if line else "no text"


async def _read_body(response: httpx.Response) -> bytes:
    body = bytearray()
    async for piece in response.aiter_bytes():
        body += piece
        if len(body) > LONGEST_BODY:
            raise Unusable(f"the answer is longer than {LONGEST_BODY} bytes")
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
    """The key in the environment, or "" where there is none."""
    key = os.environ.get(variable, "").strip()
    if not (key.isascii() and key.isprintable()):
        raise UsageError(f"the environment variable {variable} holds no key: it has characters that no key has")
    return key
