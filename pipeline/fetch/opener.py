"""The opener through which img2dataset reaches the network: http and https, to public addresses, within limits.

img2dataset calls `urllib.request.urlopen` on whatever a list of links says, and urllib as it comes follows
file:, ftp: and data: addresses and redirects into the machine's own network, and reads bodies of any size for
as long as they drip. `guarded_opener` makes one that does none of that, to be installed in urllib's place for
it. Proxies of the environment are not used: behind one, the address that is reached could not be checked.
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
import time
import urllib.request
from collections.abc import Collection
from contextlib import suppress
from functools import partial
from typing import IO
from urllib.error import HTTPError
from urllib.parse import urlsplit

MAX_BODY = 64 * 2**20  # bytes
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")  # RFC 6052: the IPv4 address is in the last 32 bits
PATIENCE = 6  # a whole answer may take this many socket timeouts


class BlockedAddressError(OSError):
    """A host that resolves to no public address."""


def guarded_opener(trusted: Collection[str]) -> urllib.request.OpenerDirector:
    """An opener that reaches public addresses only, and the `trusted` ones ("IP:PORT")."""
    connect = partial(_connect, trusted=frozenset(trusted))
    opener = urllib.request.OpenerDirector()
    for handler in (
        _Http(connect),
        _Https(connect, ssl.create_default_context()),
        _Redirect(),
        urllib.request.HTTPErrorProcessor(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.UnknownHandler(),
    ):
        opener.add_handler(handler)
    return opener


def _connect(host: str, port: int, timeout: float, trusted: frozenset[str]) -> socket.socket:
    """A connection to the first address of `host` that is allowed and answers: checked and used are the same."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    allowed = [info for info in found if _is_allowed(str(info[4][0]), port, trusted)]
    if not allowed:
        addresses = ", ".join(sorted({str(info[4][0]) for info in found}))
        raise BlockedAddressError(f"{host} is {addresses}, not a public address")
    *others, last = allowed
    for info in others:
        with suppress(OSError):
            return _dial(info[:3], info[4], timeout)
    return _dial(last[:3], last[4], timeout)


def _dial(kind: tuple[int, int, int], address: tuple[object, ...], timeout: float) -> socket.socket:
    sock = socket.socket(*kind)
    sock.settimeout(timeout)
    try:
        sock.connect(address)
    except OSError:
        sock.close()
        raise
    return sock


def _is_allowed(address: str, port: int, trusted: frozenset[str]) -> bool:
    if f"{address}:{port}" in trusted:
        return True
    ip = ipaddress.ip_address(address.partition("%")[0])
    carried = _carried_ipv4(ip) if isinstance(ip, ipaddress.IPv6Address) else None
    return (carried or ip).is_global and not ip.is_multicast


def _carried_ipv4(ip: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address that an IPv6 one leads to, where it is of a kind that does."""
    if ip in _NAT64:
        return ipaddress.IPv4Address(ip.packed[-4:])
    return ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)


class _Answer(http.client.HTTPResponse):
    """An answer whose body is read within a deadline and up to MAX_BODY bytes."""

    def __init__(self, sock: socket.socket, *args: object, **kwargs: object) -> None:
        super().__init__(sock, *args, **kwargs)  # type: ignore[arg-type]
        self._seconds = PATIENCE * (sock.gettimeout() or 0.0)
        self._deadline = time.monotonic() + self._seconds

    def read(self, amt: int | None = None) -> bytes:
        if amt is not None:
            return super().read(amt)
        body = bytearray()
        while piece := self.read1(2**16):
            body += piece
            if len(body) > MAX_BODY:
                raise OSError(f"a body of more than {MAX_BODY} bytes")
            if time.monotonic() > self._deadline:
                raise TimeoutError(f"timed out: no whole body within {self._seconds:.0f} seconds")
        if self.length:  # bytes that were announced and did not come
            raise http.client.IncompleteRead(bytes(body), self.length)
        return bytes(body)


class _Plain(http.client.HTTPConnection):
    response_class = _Answer

    def __init__(self, host: str, *, connect: partial[socket.socket], timeout: float) -> None:
        super().__init__(host, timeout=timeout)
        self._open = connect

    def connect(self) -> None:
        self.sock = self._open(self.host, self.port, self.timeout)


class _Tls(_Plain):
    default_port = http.client.HTTPS_PORT

    def __init__(self, host: str, *, connect: partial[socket.socket], context: ssl.SSLContext, timeout: float) -> None:
        super().__init__(host, connect=connect, timeout=timeout)
        self._tls = context

    def connect(self) -> None:
        super().connect()
        self.sock = self._tls.wrap_socket(self.sock, server_hostname=self.host)


class _Http(urllib.request.HTTPHandler):
    def __init__(self, connect: partial[socket.socket]) -> None:
        super().__init__()
        self._connection = partial(_Plain, connect=connect)

    def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(self._connection, req)


class _Https(urllib.request.HTTPSHandler):
    def __init__(self, connect: partial[socket.socket], context: ssl.SSLContext) -> None:
        super().__init__(context=context)
        self._connection = partial(_Tls, connect=connect, context=context)

    def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(self._connection, req)


class _Redirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        if urlsplit(newurl).scheme not in ("http", "https"):  # urllib itself would follow ftp:
            raise HTTPError(newurl, code, f"Redirection to url '{newurl}' is not allowed", headers, fp)
        return super().redirect_request(req, fp, code, msg, headers, newurl)
