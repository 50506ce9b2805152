"""The opener that stands in urllib's place: whom it asks, how often, how it introduces itself, what it writes down."""

from __future__ import annotations

import json
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline.fetch.exchange import Answer
from pipeline.fetch.failures import FetchError
from pipeline.fetch.opener import GuardedOpener, install
from tests.pipeline.misbehaving import (
    JPEG,
    Server,
    drips_headers,
    in_turn,
    redirects,
    resets,
    says,
    sends,
    serving,
)
from tests.pipeline.net import policy

ANSWERS = {
    "/moved": redirects("http://{server}/picture.jpg"),
    "/far": redirects("/moved"),
    "/full": sends(bytes(2**16)),
    "/over": sends(bytes(2**16 + 1)),
    "/drip": drips_headers,
    "/404": says(404),
    "/429": says(429),
    "/busy": in_turn(says(503), resets, sends(JPEG)),
    "/wait": in_turn(says(429, Retry_After="1"), sends(JPEG)),
    "/sunday": says(503, Retry_After="Sunday"),
    "/past": in_turn(says(503, Retry_After="Sun, 06 Nov 1994 08:49:37 GMT"), sends(JPEG)),
    "/hour": says(429, Retry_After="3600"),
    "/noai": sends(JPEG, X_Robots_Tag="noai, nofollow"),
    "/noai-for-us": sends(JPEG, X_Robots_Tag="Pairmill: noimageindex"),
    "/noai-for-others": sends(JPEG, X_Robots_Tag="otherbot: noai"),
    "/nofollow": sends(JPEG, X_Robots_Tag="nofollow"),
}


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A server whose address the tests trust."""
    with serving(ANSWERS) as running:
        yield running


def opened(folder: Path, server: Server, path: str, **update: Any) -> Answer:
    """What is behind a path, through an opener of its own."""
    guarded = GuardedOpener(policy(folder, server.address, **update))
    return guarded.open(f"http://{server.address}{path}")


def failure(folder: Path, server: Server, path: str, **update: Any) -> FetchError:
    """Why there is nothing behind a path."""
    with pytest.raises(FetchError) as raised:
        opened(folder, server, path, **update)
    return raised.value


def log(folder: Path) -> list[dict[str, Any]]:
    """The lines that were written."""
    return [json.loads(line) for path in folder.glob("log-*.jsonl") for line in path.read_text().splitlines()]


@pytest.mark.parametrize("path", ["/picture.jpg", "/moved", "/noai-for-others", "/nofollow"])
def test_what_may_pass_arrives_unchanged(tmp_path: Path, server: Server, path: str) -> None:
    """Redirected or not, and whatever X-Robots-Tag forbids that is not ours."""
    with opened(tmp_path, server, path) as answer:
        assert answer.read() == JPEG
        assert answer.headers["Content-Length"] == str(len(JPEG))


@pytest.mark.parametrize(
    ("path", "update", "rule", "reason"),
    [
        ("/404", {}, "http_404", "HTTP 404 Not Found"),
        ("/429", {}, "http_429", "HTTP 429 Too Many Requests"),
        ("/hour", {"retries": 5}, "http_429", "HTTP 429 Too Many Requests, which asks for a pause of 3600 s"),
        (
            "/wait",
            {"retries": 5, "total_timeout": 0.9},
            "http_429",
            "HTTP 429 Too Many Requests, which asks for a pause of 1 s",
        ),
        ("/sunday", {}, "http_5xx", "HTTP 503 Service Unavailable"),
        ("/over", {}, "too_many_bytes", "65537 bytes are announced, 65536 are the most"),
        ("/drip", {}, "timeout", "not done after 1 s (download.total_timeout)"),
        ("/drip", {"timeout": 0.1}, "timeout", "timed out (download.timeout: 0.1 s)"),
        (
            "/moved",
            {"max_redirects": 0},
            "too_many_redirects",
            "more than 0, the last one to http://{server}/picture.jpg",
        ),
        (
            "/far",
            {"max_redirects": 1},
            "too_many_redirects",
            "more than 1, the last one to http://{server}/picture.jpg",
        ),
        ("/noai", {}, "blocked_by_header", "X-Robots-Tag: noai, nofollow"),
        ("/noai-for-us", {}, "blocked_by_header", "X-Robots-Tag: Pairmill: noimageindex"),
    ],
)
def test_what_may_not_pass_is_named(
    tmp_path: Path, server: Server, path: str, update: dict[str, Any], rule: str, reason: str
) -> None:
    """The rule, and words that give the number and the param."""
    error = failure(tmp_path, server, path, **update)
    assert (error.rule, error.reason) == (rule, reason.format(server=server.address))


def test_a_body_may_have_as_many_bytes_as_the_limit(tmp_path: Path, server: Server) -> None:
    """And not one more: see `/over`."""
    assert len(opened(tmp_path, server, "/full").read()) == 2**16


@pytest.mark.parametrize(
    ("path", "retries", "tries", "rule"),
    [
        ("/404", 5, 1, "http_404"),
        ("/429", 1, 2, "http_429"),
        ("/busy", 1, 2, "reset"),
        ("/busy", 2, 3, None),
        ("/wait", 1, 2, None),
        ("/past", 1, 2, None),
        ("/hour", 5, 1, "http_429"),
        ("/noai", 5, 1, "blocked_by_header"),
    ],
)
def test_only_what_can_heal_is_asked_again(
    tmp_path: Path, server: Server, path: str, retries: int, tries: int, rule: str | None
) -> None:
    """So many times and no more, within the time; the log says how it went."""
    server.asked.clear()
    limits = {"retries": retries, "total_timeout": 20.0, "max_pause": 1.0 if path == "/wait" else 0.1}
    if rule is None:
        assert opened(tmp_path, server, path, **limits).read() == JPEG
    else:
        assert failure(tmp_path, server, path, **limits).rule == rule
    assert server.asked[path] == tries
    (line,) = log(tmp_path)
    assert (line["rule"] or None, line["tries"]) == (rule, tries)
    assert line["bytes"] == (len(JPEG) if rule is None else 0)


def test_a_host_that_was_asked_too_often_is_left_alone_by_everybody(tmp_path: Path, server: Server) -> None:
    """The next address of it waits, which is not that address's own time."""
    failure(tmp_path, server, "/429", max_pause=0.7)
    assert opened(tmp_path, server, "/picture.jpg", total_timeout=0.5).read() == JPEG
    assert [line["seconds"] < 0.5 for line in log(tmp_path)] == [True, True]
    first, second = (line["at"] for line in log(tmp_path))
    assert second - first > 0.4


def test_the_servers_own_host_is_not_paused_nor_rationed(tmp_path: Path, server: Server) -> None:
    """The corpus's server is asked without pause: no slot is taken."""
    failure(tmp_path, server, "/429", own=server.address)
    assert list((tmp_path / "hosts").iterdir()) == []


@pytest.mark.parametrize(
    "variables", [("http_proxy", "https_proxy", "all_proxy"), ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")]
)
def test_proxies_of_the_environment_are_not_used(
    tmp_path: Path, server: Server, variables: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Behind one, the address that is reached could not be checked."""
    with serving({}) as proxy:
        for variable in variables:
            monkeypatch.setenv(variable, f"http://{proxy.address}")
        assert urllib.request.getproxies()["http"] == f"http://{proxy.address}"  # urllib itself would use it
        assert opened(tmp_path, server, "/picture.jpg").read() == JPEG
        assert failure(tmp_path, server, "/404").rule == "http_404"
        assert proxy.asked == {}


def test_a_redirect_from_outside_does_not_lead_to_a_trusted_server(tmp_path: Path, server: Server) -> None:
    """Trust is for the addresses that we list ourselves; a name, even one of this machine, is somebody else's."""
    with serving({"/in": redirects(f"http://{server.address}/picture.jpg")}) as other:
        trusted = (server.address, other.address)
        guarded = GuardedOpener(policy(tmp_path, *trusted))
        assert guarded.open(f"http://{other.address}/in").read() == JPEG
        with pytest.raises(FetchError, match="blocked_address"):
            guarded.open(f"http://localhost:{other.server_port}/in")
        assert other.asked["/in"] == 2


def test_urlopen_goes_by_the_policy_that_was_installed_last(
    tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As img2dataset calls it: its user agent and its timeout are overruled."""
    monkeypatch.setattr(urllib.request, "_opener", None)
    url = f"http://{server.address}/picture.jpg"
    install(policy(tmp_path))
    with pytest.raises(FetchError, match="blocked_address"):
        urllib.request.urlopen(url)
    install(policy(tmp_path, server.address))
    guarded = urllib.request._opener  # type: ignore[attr-defined]
    install(policy(tmp_path, server.address))
    assert urllib.request._opener is guarded  # type: ignore[attr-defined]
    request = urllib.request.Request(url, headers={"User-Agent": "Mozilla/5.0 Firefox/72.0"})
    with urllib.request.urlopen(request, timeout=0.001) as answer:  # noqa: S310 - ours
        assert answer.read() == JPEG
    assert server.heads["/picture.jpg"]["User-Agent"] == "pairmill/1.0 (+me@example.org)"
    install.cache_clear()


def test_lines_of_many_threads_are_whole(tmp_path: Path, server: Server) -> None:
    """Each address once, however they are mixed."""
    guarded = GuardedOpener(policy(tmp_path, server.address, own=server.address))
    urls = [f"http://{server.address}/{number}" for number in range(40)]

    def fetch(part: list[str]) -> None:
        for url in part:
            guarded.open(url)

    threads = [threading.Thread(target=fetch, args=(urls[start::4],)) for start in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(line["url"] for line in log(tmp_path)) == sorted(urls)
    assert all(set(line) == {"url", "rule", "reason", "bytes", "seconds", "tries", "at"} for line in log(tmp_path))
