"""Host names -> the public addresses behind them, within a deadline."""

from __future__ import annotations

import socket
import threading
from collections.abc import Collection
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from queue import Empty, SimpleQueue
from typing import NamedTuple

from pipeline.fetch.failures import FetchError

# Beside what `ipaddress` knows: its tables differ between Python's patch releases.
_SPECIAL_V4 = (
    IPv4Network("192.0.0.0/24"),  # protocol assignments, RFC 6890
    IPv4Network("192.88.99.0/24"),  # 6to4 relays, RFC 7526
    IPv4Network("198.18.0.0/15"),  # benchmarks, RFC 2544
)
_GLOBAL_V6 = IPv6Network("2000::/3")  # all that IANA has given out for unicast
_SPECIAL_V6 = (
    IPv6Network("2001::/23"),  # protocol assignments, Teredo among them, RFC 2928
    IPv6Network("2001:db8::/32"),  # documentation, RFC 3849
    IPv6Network("3fff::/20"),  # documentation, RFC 9637
)
_NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052: the IPv4 address is in the last 32 bits


class Endpoint(NamedTuple):
    """Where to connect: the socket's family, and its address as `connect` takes it (IP, port, ...)."""

    family: int
    sockaddr: tuple[str, int] | tuple[str, int, int, int]


def endpoints(host: str, port: int, seconds: float, trusted: Collection[str] = ()) -> list[Endpoint]:
    """The endpoints of `host` that may be connected to: public ones, and the `trusted` ("IP:PORT").

    A name is looked up once, for `seconds` at most; connect to what comes back and look nothing up again.
    Raises FetchError (blocked_address) when there is none, `socket.gaierror` and TimeoutError.
    """
    found = _literal(host, port) or _look_up(host, port, seconds)
    allowed = [each for each in found if _may_reach(each.sockaddr, trusted)]
    if not allowed:
        addresses = ", ".join(sorted({each.sockaddr[0] for each in found}))
        what = "is no public address" if addresses == host else f"is {addresses}, no public address"
        raise FetchError("blocked_address", f"{host} {what}")
    return allowed


def _may_reach(sockaddr: tuple[str, int] | tuple[str, int, int, int], trusted: Collection[str]) -> bool:
    return is_public(sockaddr[0]) or f"{sockaddr[0]}:{sockaddr[1]}" in trusted


@lru_cache(maxsize=4096)
def is_public(address: str) -> bool:
    """Whether an IP address belongs to the public internet, and not to a range that leads back inside."""
    ip = ip_address(address.partition("%")[0])
    if isinstance(ip, IPv4Address):
        return ip.is_global and not ip.is_multicast and not any(ip in net for net in _SPECIAL_V4)
    carried = _carried(ip)
    if carried is not None:
        return is_public(str(carried))
    return ip in _GLOBAL_V6 and not any(ip in net for net in _SPECIAL_V6)


def _carried(ip: IPv6Address) -> IPv4Address | None:
    """The IPv4 address that an IPv6 one leads to, where it is of a kind that does."""
    if ip in _NAT64:
        return IPv4Address(ip.packed[-4:])
    return ip.ipv4_mapped or ip.sixtofour


def _literal(host: str, port: int) -> list[Endpoint]:
    """The endpoint of a host that is an IP address itself: nothing to look up, no thread."""
    try:
        ip = ip_address(host)
    except ValueError:
        return []
    if isinstance(ip, IPv4Address):
        return [Endpoint(socket.AF_INET, (str(ip), port))]
    return [Endpoint(socket.AF_INET6, (str(ip), port, 0, 0))]


def _look_up(host: str, port: int, seconds: float) -> list[Endpoint]:
    """`getaddrinfo`, which nothing can interrupt, in a thread that is left behind when it takes too long."""
    result: SimpleQueue[list[Endpoint] | OSError | UnicodeError] = SimpleQueue()

    def ask() -> None:
        try:
            infos = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            result.put([Endpoint(info[0], info[4]) for info in infos])  # type: ignore[arg-type]
        except (OSError, UnicodeError) as error:
            result.put(error)

    threading.Thread(target=ask, daemon=True, name=f"resolve {host}").start()
    try:
        found = result.get(timeout=max(seconds, 0.0))
    except Empty:
        raise TimeoutError(f"the look-up of {host} timed out") from None
    if isinstance(found, UnicodeError):
        raise FetchError("bad_url", f"{host} is no host name") from found
    if isinstance(found, OSError):
        raise found
    return found
