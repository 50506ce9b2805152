"""Why an address gave no picture: the taxonomy, and how an error finds its place in it.

img2dataset hands on nothing but `str(error)`: an error is judged where it happens, by its type and number, and
travels as "[rule] reason".
"""

from __future__ import annotations

import errno
import http.client
import re
import socket
import ssl
from dataclasses import dataclass
from typing import NamedTuple

LONGEST_REASON = 400  # characters: part of a reason may be what a server says


class Kind(NamedTuple):
    """One row of the taxonomy."""

    name: str
    meaning: str
    heals: bool = False  # asking again may bring the picture
    # Nobody answered. A broken network at the asker's end does this to every address, a dead link to one: a single
    # failure proves nothing, nearly all of them together do.
    network: bool = False


KINDS = {
    kind.name: kind
    for kind in (
        Kind("dns", "there is no such host", network=True),
        Kind("resolver", "host names cannot be looked up at present", heals=True, network=True),
        Kind("unreachable", "no way leads to the host's address", heals=True, network=True),
        Kind("refused", "nobody listens at the host's port", heals=True, network=True),
        Kind("reset", "the connection was cut", heals=True, network=True),
        Kind("tls", "no connection that can be trusted: its certificate or protocol is wrong", network=True),
        Kind("timeout", "not done in time", heals=True, network=True),
        Kind("local_limit", "this machine ran out of files, ports, memory or disk", heals=True, network=True),
        Kind("http_403", "the server forbids it"),
        Kind("http_404", "the server knows no such file"),
        Kind("http_410", "the server has removed it for good"),
        Kind("http_429", "the server was asked too often", heals=True),
        Kind("http_4xx", "the server will not answer this request"),
        Kind("http_5xx", "the server failed", heals=True),
        Kind("blocked_address", "the host is no public address: never connected to"),
        Kind("blocked_scheme", "neither http nor https: never followed"),
        Kind("blocked_by_header", "X-Robots-Tag forbids this use: not read"),
        Kind("bad_url", "not an address that can be asked"),
        Kind("too_many_redirects", "sent from place to place more often than download.max_redirects"),
        Kind("too_many_bytes", "larger than download.max_bytes: not read on"),
        Kind("bad_answer", "the answer is no proper HTTP"),
        Kind("truncated", "the file breaks off before its end", heals=True),
        Kind("fetch_failed", "another error; its reason says more"),
        Kind("not_stored", "the shard that should hold it does not"),
        Kind("missing_row", "img2dataset left no record of it", heals=True),
        Kind("not_an_image", "no picture in a format that is taken"),
        Kind("undecodable", "a damaged picture"),
        Kind("too_many_pixels", "more pixels than download.max_pixels: not decoded"),
        Kind("too_small", "a side shorter than download.min_side"),
        Kind("bad_aspect", "longer in proportion than download.max_aspect"),
        Kind("duplicate", "the picture of an earlier row again"),
        Kind("surplus", "a good picture beyond the number that was wanted"),
    )
}

_BY_STATUS = {403: "http_403", 404: "http_404", 410: "http_410", 429: "http_429"}
_NO_SUCH_HOST = {
    getattr(socket, name) for name in ("EAI_NONAME", "EAI_NODATA", "EAI_ADDRFAMILY") if hasattr(socket, name)
}
_BY_ERRNO = {
    **dict.fromkeys((errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EHOSTDOWN), "unreachable"),
    **dict.fromkeys((errno.EADDRNOTAVAIL, errno.EPERM, errno.EACCES), "unreachable"),  # no route; a local firewall
    **dict.fromkeys((errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.ENOSPC), "local_limit"),
}
# In order: the first that fits. TLS errors carry numbers of their own, which must not be read as the system's.
_BY_TYPE: tuple[tuple[type[BaseException], str], ...] = (
    (ssl.SSLEOFError, "reset"),
    (ssl.SSLError, "tls"),
    (TimeoutError, "timeout"),
    (ConnectionRefusedError, "refused"),
    (ConnectionError, "reset"),
    (http.client.IncompleteRead, "truncated"),
    (http.client.InvalidURL, "bad_url"),
    (http.client.HTTPException, "bad_answer"),
    (MemoryError, "local_limit"),
)
_MESSAGE = re.compile(r"\[(\w+)\] (.+)")


@dataclass(frozen=True)
class Failure:
    """Why one row has no picture: the rule, the original message and, for a limit, what was measured."""

    rule: str  # a name of KINDS
    reason: str  # one line, never empty
    value: float | None = None


class FetchError(Exception):
    """An address that gave no picture; its text is "[rule] reason", for `parse_failure`."""

    def __init__(self, rule: str, reason: str, retry_after: float | None = None) -> None:
        self.rule = KINDS[rule].name
        self.reason = one_line(reason)
        self.retry_after = retry_after  # seconds for which the host asks to be left alone
        super().__init__(f"[{self.rule}] {self.reason}")


def parse_failure(message: str) -> Failure:
    """What the text of a FetchError stands for; `fetch_failed` when it is none."""
    reason = one_line(message)
    match = _MESSAGE.fullmatch(reason)
    if match and match[1] in KINDS:
        return Failure(match[1], match[2])
    if reason.startswith("unknown url type: "):  # urllib's Request, which img2dataset makes before it asks
        return Failure("bad_url", reason)
    return Failure("fetch_failed", reason)


def failure_of(error: BaseException) -> FetchError:
    """The place of any error in the taxonomy, by its type and number."""
    if isinstance(error, FetchError):
        return error
    if isinstance(error, socket.gaierror):
        return FetchError("dns" if error.errno in _NO_SUCH_HOST else "resolver", error.strerror or str(error))
    rule = next((rule for kind, rule in _BY_TYPE if isinstance(error, kind)), None)
    if rule is None and isinstance(error, OSError):
        rule = _BY_ERRNO.get(error.errno or 0)
    if rule is None:
        return FetchError("fetch_failed", f"{type(error).__name__}: {error}")
    return FetchError(rule, str(error) or type(error).__name__)


def is_network(rule: str) -> bool:
    """Whether a rule speaks of the asker's network; "" and rules of other stages do not."""
    return rule in KINDS and KINDS[rule].network


def rule_of_status(status: int) -> str:
    """The rule of an HTTP status that is neither a success nor a redirect."""
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    return {4: "http_4xx", 5: "http_5xx"}.get(status // 100, "bad_answer")


def one_line(text: str) -> str:
    """`text` fit for a ledger and a terminal: one line, bounded, without control characters; never empty."""
    line = " ".join(text[: 4 * LONGEST_REASON].split())[:LONGEST_REASON] or "no message"
    return line if line.isprintable() else "".join(char if char.isprintable() else "?" for char in line)
