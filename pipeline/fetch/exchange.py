"""One request and its answer: connected within bounds, judged by its head before its body is read."""

from __future__ import annotations

import http.client
import re
import ssl
import time
from collections.abc import Collection
from contextlib import closing
from datetime import UTC, datetime
from email.message import Message
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from io import BytesIO

from pipeline.fetch.addresses import endpoints
from pipeline.fetch.failures import FetchError, rule_of_status
from pipeline.fetch.policy import Policy
from pipeline.fetch.sockets import BoundedSocket, dial, secure
from pipeline.fetch.target import Target

REDIRECTS = {301, 302, 303, 307, 308}
NO_USE = {"noai", "noimageai", "noindex", "noimageindex"}  # img2dataset's own default
_PIECE = 2**16  # bytes


class Answer(BytesIO):
    """A body that has come in full; what img2dataset needs of urllib's answers."""

    def __init__(self, body: bytes, headers: Message) -> None:
        super().__init__(body)
        self.headers = headers
        self.size = len(body)


class Client:
    """Asks as the policy says; one for all threads of a process."""

    def __init__(self, policy: Policy, tls: ssl.SSLContext) -> None:
        from img2dataset.downloader import is_disallowed  # takes seconds where it is not imported already

        self._is_disallowed = is_disallowed
        self._policy = policy
        self._tls = tls
        self._token = re.split(r"[\s/]", policy.user_agent, maxsplit=1)[0].lower()  # who X-Robots-Tag may name
        agent = " ".join(policy.user_agent.split())
        self._head = f"User-Agent: {agent}\r\nAccept: image/*\r\nAccept-Encoding: identity\r\nConnection: close\r\n\r\n"

    def ask(self, target: Target, trusted: Collection[str], deadline: float) -> Answer | Target:
        """The answer of a target, or the target that it redirects to.

        `trusted` are the "IP:PORT" that need not be public; nothing waits beyond `deadline` (`time.monotonic`).
        Raises FetchError for what the answer lacks, OSError and HTTPException for what happens on the way.
        """
        with closing(self._connected(target, trusted, deadline)) as sock:
            request = f"GET {target.path} HTTP/1.1\r\nHost: {target.netloc}\r\n{self._head}"
            sock.sendall(request.encode("latin-1", "replace"))
            with closing(http.client.HTTPResponse(sock, method="GET")) as response:
                response.begin()
                while response.status in range(100, 200) and response.status != HTTPStatus.SWITCHING_PROTOCOLS:
                    response.headers = None  # type: ignore[assignment]  # has `begin` read the next head
                    response.begin()
                if response.status in REDIRECTS:
                    return _redirected(target, response)
                return Answer(self._body(response), response.headers)

    def _connected(self, target: Target, trusted: Collection[str], deadline: float) -> BoundedSocket:
        patience = self._policy.timeout
        seconds = min(patience, deadline - time.monotonic())
        sock = dial(endpoints(target.host, target.port, seconds, trusted), patience, deadline)
        return secure(sock, self._tls, target.host) if target.scheme == "https" else sock

    def _body(self, response: http.client.HTTPResponse) -> bytes:
        """The body of a success, unless its head or its size speaks against it."""
        if not 200 <= response.status < 300:
            raise FetchError(rule_of_status(response.status), _status(response), _retry_after(response.headers))
        if self._is_disallowed(response.headers, self._token, NO_USE):
            tags = ", ".join(response.headers.get_all("X-Robots-Tag", []))
            raise FetchError("blocked_by_header", f"X-Robots-Tag: {tags}")
        encoding = response.headers.get("Transfer-Encoding", "chunked")
        if encoding.strip().lower() != "chunked":
            raise FetchError("bad_answer", f"Transfer-Encoding: {encoding}, which nobody asked for")
        return _read(response, self._policy.max_bytes)


def _read(response: http.client.HTTPResponse, most: int) -> bytes:
    """The whole body, of `most` bytes at most."""
    announced = response.length
    if announced is not None:
        if announced > most:
            raise FetchError("too_many_bytes", f"{announced} bytes are announced, {most} are the most")
        try:
            return response.read()
        except http.client.IncompleteRead as error:
            raise FetchError("truncated", f"{len(error.partial)} of {announced} bytes came") from error
    body = bytearray()
    try:
        while piece := response.read1(_PIECE):
            body += piece
            if len(body) > most:
                raise FetchError("too_many_bytes", f"more than {most} bytes came")
    except http.client.IncompleteRead as error:  # of a chunk, or its head cannot be read
        raise FetchError("truncated", f"the chunks broke off after {len(body)} bytes") from error
    return bytes(body)


def _redirected(target: Target, response: http.client.HTTPResponse) -> Target:
    location = response.headers.get("Location")
    if location is None:
        raise FetchError("bad_answer", f"{_status(response)} without a Location")
    return target.redirected(location)


def _status(response: http.client.HTTPResponse) -> str:
    """HTTP 404 Not Found: in the standard's words, since the server's own may be anything."""
    words = http.client.responses.get(response.status, "")
    return f"HTTP {response.status} {words}".strip()


def _retry_after(headers: Message) -> float | None:
    """The seconds that a Retry-After header asks for, as a number or a date; None when there is none to be read."""
    value = str(headers.get("Retry-After", "")).strip()
    if value.isascii() and value.isdigit():
        return float(value[:9])
    try:
        date = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    return max(0.0, (date.replace(tzinfo=date.tzinfo or UTC) - datetime.now(UTC)).total_seconds())
