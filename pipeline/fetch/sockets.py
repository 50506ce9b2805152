"""Connections that end by a deadline, whatever the other side does.

A socket's timeout starts anew with each operation, so that a byte now and then holds it for ever. Here every
operation is given the timeout or the time that is left, whichever is less.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Sequence
from typing import Any, cast

from pipeline.fetch.addresses import Endpoint


class BoundedSocket(socket.socket):
    """A socket of which no operation waits longer than `patience` seconds, or past `deadline` (`time.monotonic`).

    Set both with `limit` before anything else. Raises TimeoutError when a bound is met.
    """

    patience: float
    deadline: float

    def limit(self, patience: float, deadline: float) -> None:
        """Set the bounds."""
        self.patience, self.deadline = patience, deadline
        self.settimeout(patience)

    def hurry(self) -> None:
        """Have the next operation end in time."""
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("the time is up")
        if left < self.patience:
            self.settimeout(left)

    def connect(self, address: Any) -> None:
        """As any socket's."""
        self.hurry()
        super().connect(address)

    def recv_into(self, buffer: Any, nbytes: int | None = None, flags: int = 0) -> int:
        """As any socket's."""
        self.hurry()
        return super().recv_into(buffer, nbytes or 0, flags)

    def send(self, data: Any, flags: int = 0) -> int:
        """As any socket's."""
        self.hurry()
        return super().send(data, flags)

    def sendall(self, data: Any, flags: int = 0) -> None:
        """As any socket's; over TLS it calls `send`, piece by piece."""
        self.hurry()
        super().sendall(data, flags)


class BoundedTls(BoundedSocket, ssl.SSLSocket):
    """The same over TLS."""


def tls_context() -> ssl.SSLContext:
    """Certificates and host names are verified, as `ssl` does by default; connections are bounded."""
    context = ssl.create_default_context()
    context.sslsocket_class = BoundedTls
    return context


def dial(found: Sequence[Endpoint], patience: float, deadline: float) -> BoundedSocket:
    """A connection to the first of the endpoints that answers; the error that says most when none does."""
    errors: list[OSError] = []
    for endpoint in found:
        sock = BoundedSocket(endpoint.family, socket.SOCK_STREAM)
        try:
            sock.limit(patience, deadline)
            sock.connect(endpoint.sockaddr)
        except OSError as error:
            sock.close()
            errors.append(error)
        else:
            return sock
    # A machine without IPv6 cannot reach half of a host's addresses; what the other half said is the news.
    raise next((error for error in errors if isinstance(error, TimeoutError | ConnectionError)), errors[0])


def secure(sock: BoundedSocket, context: ssl.SSLContext, host: str) -> BoundedTls:
    """Speak TLS from here on, with `host` and nobody else; `context` is `tls_context`'s. Takes `sock` over."""
    sock.hurry()  # the handshake as a whole has the timeout of one operation
    tls = cast("BoundedTls", context.wrap_socket(sock, server_hostname=host.removesuffix(".")))
    if tls.version() is None:  # `ssl` puts off the handshake with a peer that has gone, and would send in the clear
        tls.close()
        raise ConnectionResetError("the connection was cut before the handshake")
    tls.limit(sock.patience, sock.deadline)
    return tls
