"""Addresses as people write them: what is connected to, what is asked for, what is refused."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.fetch.failures import FetchError
from pipeline.fetch.target import Target, parse_target


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("http://a.test/b.jpg", Target("http", "a.test", 80, "/b.jpg")),
        ("https://a.test/b.jpg?c=d&e=%20", Target("https", "a.test", 443, "/b.jpg?c=d&e=%20")),
        ("HTTP://A.TEST:8080", Target("http", "a.test", 8080, "/")),
        ("http://a.test?b", Target("http", "a.test", 80, "/?b")),
        ("http://a.test/b#c", Target("http", "a.test", 80, "/b")),
        ("http://user:pass@a.test/b", Target("http", "a.test", 80, "/b")),
        ("http://a.test\\@127.0.0.1/b", Target("http", "127.0.0.1", 80, "/b")),  # what is checked is what is asked
        ("  http://a.test/b c.jpg \n", Target("http", "a.test", 80, "/b%20c.jpg")),
        ("http://a.test/\u732b?\u00e9", Target("http", "a.test", 80, "/%E7%8C%AB?%C3%A9")),
        ("http://a.test/100%/%2F", Target("http", "a.test", 80, "/100%/%2F")),
        ("http://b\u00fccher.test/", Target("http", "xn--bcher-kva.test", 80, "/")),
        ("http://b%C3%BCcher.test/", Target("http", "xn--bcher-kva.test", 80, "/")),
        ("http://under_score.test./", Target("http", "under_score.test.", 80, "/")),
        ("http://[2001:DB8::1]:81/", Target("http", "2001:db8::1", 81, "/")),
        ("http://a.test:/b", Target("http", "a.test", 80, "/b")),
    ],
)
def test_an_address_is_read_as_browsers_read_it(url: str, target: Target) -> None:
    """Host names in ASCII, paths escaped and no more than that, user names and fragments left out."""
    assert parse_target(url) == target


@pytest.mark.parametrize(
    ("url", "rule"),
    [
        ("ftp://a.test/b", "blocked_scheme"),
        ("file:///etc/passwd", "blocked_scheme"),
        ("data:image/png;base64,AAAA", "blocked_scheme"),
        ("javascript:alert(1)", "blocked_scheme"),
        ("a.test/b.jpg", "bad_url"),
        ("", "bad_url"),
        ("http:///b.jpg", "bad_url"),
        ("http://", "bad_url"),
        ("http://a..test/", "bad_url"),
        (f"http://{'a' * 64}.test/", "bad_url"),
        ("http://a.test:99999/", "bad_url"),
        ("http://a.test:port/", "bad_url"),
        ("http://[::1/", "bad_url"),
        ("http://a test/", "bad_url"),
        ("http://a%0d%0aHost:b/", "bad_url"),
        ("http://a.test/\ud800", "bad_url"),
    ],
)
def test_what_cannot_be_asked_is_refused_by_name(url: str, rule: str) -> None:
    """No address gets as far as a look-up that is none."""
    with pytest.raises(FetchError) as raised:
        parse_target(url)
    assert raised.value.rule == rule


@given(st.text() | st.text(alphabet="htps:/@[]%?#.\\\u00e9 0aZ\n").map("http://{}".format), st.text())
def test_any_text_is_a_target_or_refused(url: str, location: str) -> None:
    """What is asked for goes into one line of a request: printable ASCII without a space."""
    hops: list[Target] = []
    with suppress(FetchError):
        hops.append(parse_target(url))
        hops.append(hops[0].redirected(location.encode().decode("latin-1")))
    for hop in hops:
        line = hop.netloc + hop.path
        assert line.isascii()
        assert line.isprintable()
        assert " " not in line


@pytest.mark.parametrize(
    ("location", "url"),
    [
        ("https://b.test/c", "https://b.test/c"),
        ("//b.test/c", "http://b.test/c"),
        ("/c?d", "http://a.test:81/c?d"),
        ("c d", "http://a.test:81/x/c%20d"),
        ("../caf\u00c3\u00a9", "http://a.test:81/caf%C3%A9"),  # UTF-8, as http.client reads it
        ("http://b\u00c3\u00bccher.test/", "http://xn--bcher-kva.test/"),
    ],
)
def test_a_redirect_leads_on_from_where_it_was_given(location: str, url: str) -> None:
    """Relative or whole."""
    assert parse_target("http://a.test:81/x/y").redirected(location).url == url


@pytest.mark.parametrize("location", ["file:///etc/passwd", "data:,hello", "ftp://a.test/"])
def test_a_redirect_to_another_scheme_is_named(location: str) -> None:
    """The reason says that it was a redirect, and where to."""
    with pytest.raises(FetchError) as raised:
        parse_target("http://a.test/").redirected(location)
    assert raised.value.rule == "blocked_scheme"
    assert raised.value.reason == f"a redirect to {location!r}, which is neither http nor https"
