"""The guarded opener: where it goes, where it refuses to go, and how long and how much it listens."""

from __future__ import annotations

import http.client
import urllib.error
from collections.abc import Iterator

import pytest

from pipeline.fetch.opener import _is_allowed, guarded_opener
from tests.pipeline import misbehaving
from tests.pipeline.misbehaving import JPEG, Server, drips_body, floods, redirects, sends, serving

TIMEOUT = 0.5  # seconds


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A server whose address the tests trust, with redirects to one (closed) that they do not."""
    private = f"http://127.0.0.1:{misbehaving.closed_port()}/"
    answers = {
        "/moved": redirects("/picture.jpg"),
        "/to-file": redirects("file:///etc/passwd"),
        "/to-ftp": redirects("ftp://127.0.0.1/etc/passwd"),
        "/to-data": redirects("data:text/plain,hello"),
        "/to-private": redirects(private),
        "/short": sends(JPEG[:500], missing=len(JPEG) - 500),
        "/flood": floods,
        "/drip": drips_body,
    }
    with serving(answers) as running:
        yield running


def fetched(server: Server, path: str) -> bytes:
    """The body behind a path, through an opener that trusts the server."""
    url = path if ":" in path else f"http://{server.address}{path}"
    with guarded_opener([server.address]).open(url, timeout=TIMEOUT) as answer:
        return bytes(answer.read())


@pytest.mark.parametrize("path", ["/picture.jpg", "/moved"])
def test_reads_a_whole_body_and_follows_a_redirect_to_http(server: Server, path: str) -> None:
    """What the guard lets through arrives unchanged."""
    assert fetched(server, path) == JPEG


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("/to-file", "Redirection to url 'file:///etc/passwd' is not allowed"),
        ("/to-ftp", "Redirection to url 'ftp://127.0.0.1/etc/passwd' is not allowed"),
        ("/to-data", "Redirection to url 'data:text/plain,hello' is not allowed"),
        ("/to-private", "127.0.0.1 is 127.0.0.1, not a public address"),
        ("file:///etc/passwd", "unknown url type: file"),
        ("ftp://127.0.0.1/etc/passwd", "unknown url type: ftp"),
        ("data:text/plain,hello", "unknown url type: data"),
        ("http://localhost:1/", "not a public address"),
        ("http://[::1]:1/", "not a public address"),
        ("http://0.0.0.0:1/", "not a public address"),
        ("https://127.0.0.1:1/", "not a public address"),
    ],
)
def test_refuses_other_schemes_and_addresses_that_are_not_public(server: Server, path: str, message: str) -> None:
    """Neither an address nor a redirect leads to a file, another protocol or this machine's own network."""
    with pytest.raises(urllib.error.URLError) as raised:
        fetched(server, path)
    assert message in str(raised.value)


@pytest.mark.parametrize(
    ("path", "error", "message"),
    [
        ("/short", http.client.IncompleteRead, "500 bytes read"),
        ("/flood", OSError, "a body of more than 67108864 bytes"),
        ("/drip", TimeoutError, "timed out: no whole body within 3 seconds"),
    ],
)
def test_gives_up_on_bodies_that_are_cut_short_or_never_end(
    server: Server, path: str, error: type[Exception], message: str
) -> None:
    """A body ends in bounded time and memory, or as an error that says which bound it met."""
    with pytest.raises(error, match=message):
        fetched(server, path)


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.215.14", True),
        ("2606:2800:21f:cb07:6820:80da:af6b:8b2c", True),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("169.254.169.254", False),  # a cloud's metadata
        ("100.64.0.1", False),  # carrier-grade NAT
        ("224.0.0.1", False),  # multicast
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("::ffff:10.1.2.3", False),  # IPv4 in IPv6
        ("::ffff:93.184.215.14", True),
        ("2002:7f00:1::", False),  # 6to4 of 127.0.0.1
        ("64:ff9b::a01:203", False),  # NAT64 of 10.1.2.3
        ("64:ff9b::5db8:d70e", True),
    ],
)
def test_tells_public_addresses_from_private_ones(address: str, public: bool) -> None:
    """Every range that leads back inside is refused, in whatever notation."""
    assert _is_allowed(address, 80, frozenset()) is public


def test_trusts_an_address_on_its_one_port_only() -> None:
    """The exception for our own server does not open the machine."""
    trusted = frozenset({"127.0.0.1:4711"})
    assert _is_allowed("127.0.0.1", 4711, trusted)
    assert not _is_allowed("127.0.0.1", 471, trusted)
    assert not _is_allowed("127.0.0.2", 4711, trusted)
