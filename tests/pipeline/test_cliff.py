"""When a run stops for the network's sake, and when it goes on."""

from __future__ import annotations

import pytest

from pipeline.fetch.cliff import WINDOW, Cliff, NetworkDownError
from pipeline.fetch.log import Ended


def ended(rule: str, host: str = "a.example") -> Ended:
    """An address that has ended by `rule` ("": it came)."""
    return Ended(f"http://{host}/1.jpg", rule, f"it was {rule}" if rule else "", 10, 0.1, 1, 0.0)


def feed(cliff: Cliff, rules: list[str]) -> int:
    """Tell it of addresses in turn; returns after how many it stops, or -1."""
    return next((count for count, rule in enumerate(rules, 1) if stops(cliff, ended(rule))), -1)


def stops(cliff: Cliff, last: Ended) -> bool:
    """Whether it stops at this address."""
    try:
        cliff(last)
    except NetworkDownError:
        return True
    return False


@pytest.mark.parametrize(
    ("rules", "stops"),
    [
        (["dns"] * WINDOW, WINDOW),
        (["dns"] * (WINDOW - 1), -1),  # too few to tell
        (["timeout", "refused", "unreachable", "resolver", "reset"] * WINDOW, WINDOW),
        ([""] * 200 + ["dns"] * WINDOW, 200 + WINDOW * 9 // 10),  # it dies on the way
        (["", "dns", "dns"] * 100, -1),  # two thirds of the links are dead
        (["http_404"] * 300, -1),  # a dead site: the network brings its answers
        (["not_an_image", "http_5xx"] * 200, -1),
        (["dns"] * (WINDOW * 9 // 10 - 1) + [""] * 9, -1),
    ],
)
def test_stops_when_nearly_all_of_the_last_addresses_speak_of_the_network(rules: list[str], stops: int) -> None:
    """At nine tenths of the window; answers of a server, whatever they say, show that there is a network."""
    assert feed(Cliff(0.9, own=""), rules) == stops


def test_null_never_stops() -> None:
    """For lists of which almost all is dead."""
    assert feed(Cliff(None, own=""), ["dns"] * 500) == -1


def test_the_corpus_own_server_says_nothing_of_the_network() -> None:
    """Its address is this machine's; one that only begins alike is another's."""
    cliff = Cliff(0.9, own="127.0.0.1:80")
    for _ in range(2 * WINDOW):
        cliff(ended("refused", "127.0.0.1:80"))
    assert sum(stops(cliff, ended("refused", "127.0.0.1:8080")) for _ in range(WINDOW)) == 1


def test_the_line_says_how_many_why_and_what_to_do() -> None:
    """One line, with an example."""
    cliff = Cliff(0.9, own="")
    for rule in ["timeout"] * 20 + ["dns"] * 29:
        cliff(ended(rule))
    with pytest.raises(NetworkDownError) as raised:
        cliff(ended("dns"))
    assert str(raised.value) == (
        "the network seems to be down: 50 of the last 50 addresses failed by dns 30, timeout 20, e.g. "
        "http://a.example/1.jpg: it was dns; what has come is kept: run the same command again when the network is back "
        "(download.cliff sets the share)"
    )
