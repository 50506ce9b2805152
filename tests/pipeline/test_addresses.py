"""Which addresses are public, and that a name is looked up once, in time, and connected to as it was checked."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from typing import Any

import pytest

from pipeline.fetch.addresses import endpoints, is_public
from pipeline.fetch.failures import FetchError

PUBLIC, PUBLIC6 = "93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"


@pytest.mark.parametrize(
    ("address", "public"),
    [
        (PUBLIC, True),
        ("8.8.8.8", True),
        ("0.0.0.0", False),  # noqa: S104 - this machine
        ("0.1.2.3", False),
        ("10.1.2.3", False),
        ("11.0.0.0", True),
        ("100.63.255.255", True),
        ("100.64.0.1", False),  # carrier-grade NAT
        ("100.128.0.0", True),
        ("127.0.0.1", False),
        ("127.255.255.254", False),
        ("169.253.0.1", True),
        ("169.254.169.254", False),  # a cloud's metadata
        ("172.15.255.255", True),
        ("172.16.0.1", False),
        ("172.32.0.0", True),
        ("192.0.0.1", False),  # protocol assignments
        ("192.0.0.200", False),
        ("192.0.1.0", True),
        ("192.0.2.1", False),  # documentation
        ("192.88.99.1", False),  # 6to4 relays
        ("192.168.1.1", False),
        ("192.169.0.0", True),
        ("198.17.255.255", True),
        ("198.18.0.1", False),  # benchmarks
        ("198.19.255.255", False),
        ("198.20.0.0", True),
        ("203.0.113.5", False),  # documentation
        ("223.255.255.255", True),
        ("224.0.0.1", False),  # multicast
        ("240.0.0.1", False),  # reserved
        ("255.255.255.255", False),
        (PUBLIC6, True),
        ("2a00:1450:4001::1", True),
        ("::", False),
        ("::1", False),
        ("::93.184.215.14", False),  # IPv4-compatible, given up by RFC 4291
        ("::ffff:10.1.2.3", False),  # IPv4 in IPv6
        ("::ffff:93.184.215.14", True),
        ("64:ff9b::a01:203", False),  # NAT64 of 10.1.2.3
        ("64:ff9b::5db8:d70e", True),
        ("64:ff9b:1::5db8:d70e", False),  # NAT64 of a local net
        ("100::1", False),  # discard
        ("2001::1", False),  # Teredo
        ("2001:db8::1", False),  # documentation
        ("2002:7f00:1::", False),  # 6to4 of 127.0.0.1
        ("2002:5db8:d70e::", True),
        ("3fff::1", False),  # documentation
        ("5f00::1", False),  # segment routing
        ("fd00::1", False),  # private
        ("fe80::1%eth0", False),  # link-local
        ("fec0::1", False),  # site-local
        ("ff02::1", False),  # multicast
    ],
)
def test_tells_public_addresses_from_those_that_lead_back_inside(address: str, public: bool) -> None:
    """Every special range is refused, in whatever notation, and its neighbours are not."""
    assert is_public(address) is public


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, Callable[[], list[str]]]:
    """A resolver of the test's own: each name calls its function."""
    table: dict[str, Callable[[], list[str]]] = {}
    real = socket.getaddrinfo

    def resolve(host: str, port: int, **options: Any) -> list[Any]:
        return [info for address in table[host]() for info in real(address, port, **options)]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    return table


def reached(host: str, *trusted: str, port: int = 80, seconds: float = 5.0) -> list[str]:
    """The addresses behind a host that may be connected to."""
    return [endpoint.sockaddr[0] for endpoint in endpoints(host, port, seconds, trusted)]


@pytest.mark.parametrize(
    ("host", "found", "expected"),
    [
        ("one.test", [PUBLIC], [PUBLIC]),
        ("both.test", [PUBLIC6, PUBLIC], [PUBLIC6, PUBLIC]),
        ("mixed.test", ["10.0.0.1", PUBLIC], [PUBLIC]),  # only what is public is left
        (PUBLIC, None, [PUBLIC]),  # an address needs no look-up
        (PUBLIC6, None, [PUBLIC6]),
    ],
)
def test_a_host_is_its_public_addresses(
    names: dict[str, Callable[[], list[str]]], host: str, found: list[str] | None, expected: list[str]
) -> None:
    """In the resolver's order."""
    if found is not None:
        names[host] = lambda: found
    assert reached(host) == expected


@pytest.mark.parametrize(
    ("host", "found", "reason"),
    [
        ("inside.test", ["192.168.0.1", "10.0.0.1"], "inside.test is 10.0.0.1, 192.168.0.1, no public address"),
        ("loop.test", ["::1"], "loop.test is ::1, no public address"),
        ("127.0.0.1", None, "127.0.0.1 is no public address"),
        ("::ffff:7f00:1", None, "::ffff:7f00:1 is no public address"),
    ],
)
def test_a_host_without_a_public_address_is_blocked(
    names: dict[str, Callable[[], list[str]]], host: str, found: list[str] | None, reason: str
) -> None:
    """The reason says what was found."""
    if found is not None:
        names[host] = lambda: found
    with pytest.raises(FetchError) as raised:
        reached(host)
    assert (raised.value.rule, raised.value.reason) == ("blocked_address", reason)


def test_a_name_is_looked_up_once(names: dict[str, Callable[[], list[str]]]) -> None:
    """What was checked is what is returned: an answer that changes has no second chance."""
    answers = iter([[PUBLIC], ["127.0.0.1"]])
    names["rebinds.test"] = lambda: next(answers)
    assert reached("rebinds.test") == [PUBLIC]
    assert next(answers) == ["127.0.0.1"]


def test_an_address_is_trusted_on_its_one_port_only() -> None:
    """The exception for our own server does not open the machine."""
    assert reached("127.0.0.1", "127.0.0.1:4711", port=4711) == ["127.0.0.1"]
    for host, port in (("127.0.0.1", 471), ("127.0.0.2", 4711), ("::ffff:127.0.0.1", 4711)):
        with pytest.raises(FetchError):
            reached(host, "127.0.0.1:4711", port=port)


def test_a_look_up_that_hangs_is_left_behind(names: dict[str, Callable[[], list[str]]]) -> None:
    """Nothing can interrupt the system's resolver; nobody waits for it either."""
    answered = threading.Event()
    names["hangs.test"] = lambda: [str(answered.wait())]
    with pytest.raises(TimeoutError, match=r"the look-up of hangs\.test timed out"):
        reached("hangs.test", seconds=0.05)
    answered.set()


def test_the_resolver_speaks_for_itself(names: dict[str, Callable[[], list[str]]]) -> None:
    """Its error comes with its number."""

    def unknown() -> list[str]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    names["unknown.test"] = unknown
    with pytest.raises(socket.gaierror) as raised:
        reached("unknown.test")
    assert raised.value.errno == socket.EAI_NONAME
