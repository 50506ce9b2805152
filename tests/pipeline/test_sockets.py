"""Sockets whose every wait ends by a deadline, plain and over TLS."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Iterator

import pytest

from pipeline.fetch.addresses import Endpoint
from pipeline.fetch.sockets import BoundedSocket, dial, secure, tls_context
from tests.pipeline.misbehaving import closed_port, drips_headers, hangs, sends, serving
from tests.pipeline.net import Certificate, can_make_certificates

SOON = 0.4  # seconds
ASK = b"GET %b HTTP/1.0\r\n\r\n"
needs_openssl = pytest.mark.skipif(not can_make_certificates(), reason="makes a certificate with the openssl command")


def to(port: int) -> list[Endpoint]:
    """The endpoint of a port of this machine."""
    return [Endpoint(socket.AF_INET, ("127.0.0.1", port))]


def read_all(sock: BoundedSocket, path: bytes) -> bytes:
    """Everything that is answered, as http.client reads it."""
    sock.sendall(ASK % path)
    with sock, sock.makefile("rb") as stream:
        return stream.read()


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """A server with a whole answer and two that never end."""
    with serving({"/": sends(b"whole"), "/drips": drips_headers, "/hangs": hangs}) as server:
        yield server.server_port


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    """Of the host good.test."""
    return Certificate.make(tmp_path_factory.mktemp("tls") / "good.pem", "good.test")


@pytest.fixture(scope="module")
def tls_port(certificate: Certificate) -> Iterator[int]:
    """The same server over TLS."""
    answers = {"/": sends(b"whole"), "/drips": drips_headers, "/hangs": hangs}
    with serving(answers, certificate.server_context()) as server:
        yield server.server_port


def test_a_whole_answer_passes(port: int) -> None:
    """Bounds that are not met change nothing."""
    assert read_all(dial(to(port), 5.0, time.monotonic() + 5.0), b"/").endswith(b"whole")


@pytest.mark.parametrize(("path", "patience"), [(b"/drips", 5.0), (b"/hangs", 5.0), (b"/hangs", SOON)])
def test_an_answer_that_does_not_end_is_ended(port: int, path: bytes, patience: float) -> None:
    """A byte five times a second renews the timeout of an operation, and not the deadline; silence ends at either."""
    deadline = SOON if patience > SOON else 60.0
    with pytest.raises(TimeoutError):
        read_all(dial(to(port), patience, time.monotonic() + deadline), path)


def test_no_operation_begins_after_the_deadline(port: int) -> None:
    """Not even one that would have been quick."""
    sock = dial(to(port), 5.0, time.monotonic() + 5.0)
    with sock:
        sock.limit(5.0, time.monotonic())
        for operation in (
            lambda: sock.sendall(b"GET"),
            lambda: sock.send(b"GET"),
            lambda: sock.recv_into(bytearray(1)),
        ):
            with pytest.raises(TimeoutError, match="the time is up"):
                operation()
    with pytest.raises(TimeoutError, match="the time is up"):
        dial(to(port), 5.0, time.monotonic())


def test_the_next_endpoint_is_tried_and_the_error_that_says_most_is_raised(port: int) -> None:
    """A dead address of a host does not make it a dead host."""
    dead = to(closed_port())
    nowhere = [Endpoint(socket.AF_INET, ("255.255.255.255", 9))]  # the kernel refuses to route it
    dial([*dead, *to(port)], 5.0, time.monotonic() + 5.0).close()
    with pytest.raises(ConnectionRefusedError):
        dial([*nowhere, *dead], 5.0, time.monotonic() + 5.0)
    with pytest.raises(OSError, match=r"unreachable|denied"):
        dial(nowhere, 5.0, time.monotonic() + 5.0)


def trusting(certificate: Certificate) -> ssl.SSLContext:
    """A client's context that trusts one more certificate."""
    context = tls_context()
    context.load_verify_locations(certificate.path)
    return context


@needs_openssl
@pytest.mark.parametrize("host", ["good.test", "good.test."])
def test_tls_carries_a_whole_answer_from_the_right_host(tls_port: int, certificate: Certificate, host: str) -> None:
    """A host name that ends in a dot is the same host."""
    sock = dial(to(tls_port), 5.0, time.monotonic() + 5.0)
    assert read_all(secure(sock, trusting(certificate), host), b"/").endswith(b"whole")


@needs_openssl
@pytest.mark.parametrize(("host", "trusted"), [("other.test", True), ("good.test", False)])
def test_tls_is_verified(tls_port: int, certificate: Certificate, host: str, trusted: bool) -> None:
    """Neither another host's certificate will do, nor one that nobody vouches for."""
    context = trusting(certificate) if trusted else tls_context()
    with pytest.raises(ssl.SSLCertVerificationError):
        secure(dial(to(tls_port), 5.0, time.monotonic() + 5.0), context, host)


@needs_openssl
def test_tls_ends_at_the_deadline_too(tls_port: int, certificate: Certificate) -> None:
    """Its records are whole and small, and come for ever."""
    sock = dial(to(tls_port), 5.0, time.monotonic() + 2 * SOON)
    with pytest.raises(TimeoutError):
        read_all(secure(sock, trusting(certificate), "good.test"), b"/drips")


def test_a_handshake_that_hangs_is_ended() -> None:
    """A server that accepts and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        sock = dial(to(silent.getsockname()[1]), 5.0, time.monotonic() + SOON)
        with pytest.raises(TimeoutError):
            secure(sock, tls_context(), "good.test")


def test_nothing_is_sent_in_the_clear_to_a_peer_that_has_gone() -> None:
    """`ssl` puts off the handshake of a socket that is not connected; here that is an error."""
    sock = BoundedSocket(socket.AF_INET, socket.SOCK_STREAM)
    sock.limit(5.0, time.monotonic() + 5.0)
    with pytest.raises((ConnectionResetError, OSError), match=r"cut before the handshake|not connected"):
        secure(sock, tls_context(), "good.test")
