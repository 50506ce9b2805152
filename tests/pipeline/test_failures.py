"""The taxonomy of failures: where an error belongs, and that nothing is lost on the way through img2dataset."""

from __future__ import annotations

import errno
import http.client
import socket
import ssl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.fetch.failures import KINDS, LONGEST_REASON, FetchError, failure_of, parse_failure, rule_of_status


@pytest.mark.parametrize(
    ("error", "rule"),
    [
        (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), "dns"),
        (socket.gaierror(socket.EAI_NODATA, "No address associated with hostname"), "dns"),
        (socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution"), "resolver"),
        (socket.gaierror(socket.EAI_FAIL, "Non-recoverable failure in name resolution"), "resolver"),
        (OSError(errno.ENETUNREACH, "Network is unreachable"), "unreachable"),
        (OSError(errno.EHOSTUNREACH, "No route to host"), "unreachable"),
        (OSError(errno.EADDRNOTAVAIL, "Cannot assign requested address"), "unreachable"),
        (OSError(errno.EPERM, "Operation not permitted"), "unreachable"),  # a local firewall
        (OSError(errno.EMFILE, "Too many open files"), "local_limit"),
        (MemoryError(), "local_limit"),
        (OSError(errno.ECONNREFUSED, "Connection refused"), "refused"),
        (OSError(errno.ECONNRESET, "Connection reset by peer"), "reset"),
        (OSError(errno.EPIPE, "Broken pipe"), "reset"),
        (http.client.RemoteDisconnected("Remote end closed connection without response"), "reset"),
        (ssl.SSLEOFError(8, "EOF occurred in violation of protocol"), "reset"),
        (ssl.SSLCertVerificationError(1, "certificate verify failed"), "tls"),
        (ssl.SSLError(1, "wrong version number"), "tls"),  # 1 is EPERM to the system
        (OSError(errno.ETIMEDOUT, "Connection timed out"), "timeout"),
        (TimeoutError("timed out"), "timeout"),
        (ConnectionRefusedError(errno.ECONNREFUSED, "timed out"), "refused"),  # its words do not count
        (http.client.IncompleteRead(b"12345", 5), "truncated"),
        (http.client.BadStatusLine("220 smtp"), "bad_answer"),
        (http.client.LineTooLong("header line"), "bad_answer"),
        (http.client.InvalidURL("nonnumeric port"), "bad_url"),
        (OSError(errno.EIO, "Input/output error"), "fetch_failed"),
        (OSError("no number"), "fetch_failed"),
        (ValueError("timed out"), "fetch_failed"),
        (FetchError("too_many_bytes", "so many"), "too_many_bytes"),
    ],
)
def test_an_error_is_judged_by_type_and_number(error: BaseException, rule: str) -> None:
    """Its rule and its words survive img2dataset, which keeps nothing but the text."""
    failure = failure_of(error)
    assert failure.rule == rule
    parsed = parse_failure(str(failure))
    assert (parsed.rule, parsed.reason) == (rule, failure.reason)


@pytest.mark.parametrize(
    ("status", "rule"),
    [
        (403, "http_403"),
        (404, "http_404"),
        (410, "http_410"),
        (429, "http_429"),
        (400, "http_4xx"),
        (499, "http_4xx"),
        (500, "http_5xx"),
        (599, "http_5xx"),
        (304, "bad_answer"),
        (101, "bad_answer"),
        (600, "bad_answer"),
    ],
)
def test_a_status_has_a_rule(status: int, rule: str) -> None:
    """The ones people ask about have their own."""
    assert rule_of_status(status) == rule


@pytest.mark.parametrize(
    ("message", "rule", "reason"),
    [
        ("[dns] Name or service not known", "dns", "Name or service not known"),
        ("[http_404] [dns] of a server's own", "http_404", "[dns] of a server's own"),
        ("[nonsense] words", "fetch_failed", "[nonsense] words"),
        ("[Errno 104] Connection reset by peer", "fetch_failed", "[Errno 104] Connection reset by peer"),
        ("dns: no brackets", "fetch_failed", "dns: no brackets"),
        ("[dns]", "fetch_failed", "[dns]"),
        ("", "fetch_failed", "no message"),
        ("two\n  lines", "fetch_failed", "two lines"),
        ("unknown url type: 'www.example.com/a.jpg'", "bad_url", "unknown url type: 'www.example.com/a.jpg'"),
    ],
)
def test_a_message_is_read_back(message: str, rule: str, reason: str) -> None:
    """Only ours carries a rule; any other is kept as it is."""
    failure = parse_failure(message)
    assert (failure.rule, failure.reason, failure.value) == (rule, reason, None)


def test_a_reason_is_one_bounded_line_whatever_a_server_says() -> None:
    """Line breaks, terminal codes and a header of 64 KB do not reach the ledger."""
    failure = failure_of(http.client.BadStatusLine("\x1b[31mred\r\n\ud800" + "a" * 2**16))
    assert failure.reason.startswith("?[31mred ?aaa")
    assert len(failure.reason) == LONGEST_REASON
    assert failure.reason.isprintable()


@given(st.sampled_from(sorted(KINDS)), st.text())
def test_any_reason_survives(rule: str, reason: str) -> None:
    """Whatever is in it, the rule is not lost, and the reason is as it stood."""
    error = FetchError(rule, reason)
    assert (parse_failure(str(error)).rule, parse_failure(str(error)).reason) == (rule, error.reason)


def test_kinds_are_told_apart() -> None:
    """An answer, however bad, proves that the network works; what cannot heal is named, not assumed."""
    answered = {name for name in KINDS if name.startswith(("http_", "too_", "bad_", "blocked_"))}
    assert [name for name in answered if KINDS[name].network] == []
    assert [name for name, kind in KINDS.items() if kind.name != name or not kind.meaning] == []
    assert not any(KINDS[name].heals for name in ("http_404", "http_410", "dns", "blocked_address", "not_an_image"))
