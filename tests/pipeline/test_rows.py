"""What a row must be to enter: a caption with a letter in it, an http address with a host."""

from __future__ import annotations

import pytest

from pipeline.sources.rows import LONGEST_CAPTION, BadRow, Titled, checked, is_text

PLACE = ("cc.tsv", 7)
URL = "http://a.org/1.jpg"


@pytest.mark.parametrize(
    ("caption", "kept"),
    [
        ("a dog", "a dog"),
        ("  a dog \n", "a dog"),
        ("two\r\nlines\there", "two lines here"),
        ("no\u200bbreak", "no\u200bbreak"),  # cannot be printed, and is no line end
        ('"a', '"a'),
        ("犬", "犬"),
        ("é", "é"),
        ("7 x", "7 x"),
        ("a" * LONGEST_CAPTION, "a" * LONGEST_CAPTION),
    ],
)
def test_a_caption_is_taken_as_it_stands(caption: str, kept: str) -> None:
    """White space around it goes, and line ends and tabs inside become spaces."""
    assert checked(PLACE, caption, URL, "s") == Titled(URL, kept, [], "s")


@pytest.mark.parametrize(
    ("caption", "rule", "reason"),
    [
        ("", "empty_caption", "no letter in the caption ''"),
        ("  ", "empty_caption", "no letter in the caption ''"),
        (". . .", "empty_caption", "no letter in the caption '. . .'"),
        ("12 _ 34", "empty_caption", "no letter in the caption '12 _ 34'"),
        (None, "empty_caption", "there is no caption"),
        (7, "not_text", "the caption is no text: 7"),
        (["a dog"], "not_text", "the caption is no text: ['a dog']"),
        ("caf\udce9", "bad_encoding", "the caption is not UTF-8: 'caf\\udce9'"),
        ("a" * (LONGEST_CAPTION + 1), "too_long", "a caption of more than 20000 characters"),
    ],
)
def test_a_bad_caption_says_why(caption: object, rule: str, reason: str) -> None:
    """With the file and line it stands on."""
    row = checked(PLACE, caption, URL, "s")
    assert row == BadRow("cc.tsv", 7, rule, reason)
    assert row.place == "cc.tsv:7"


@pytest.mark.parametrize(
    "url",
    [
        "http://a.org",
        "https://a.org/",
        "HTTP://A.ORG/X.JPG",
        "http://a.org:8080/x",
        "http://a.org?x=1",
        "http://user:word@a.org/x",
        "http://127.0.0.1/x",  # what may be reached is the fetch's to say
        "http://[::1]:80/x",
        "http://bücher.example/ü.jpg",
        "http://a.org/a|b%20c,d;e@f.jpg",
        "http://a.org/\U0001f468\u200d\U0001f469.jpg",  # a joiner is neither white space nor control
        " http://a.org/x\n",
        "http://a.org/" + "x" * (2048 - 13),
    ],
)
def test_an_address_is_http_with_a_host(url: str) -> None:
    """Whatever else it holds is its server's business."""
    assert checked(PLACE, "a dog", url, "s") == Titled(url.strip(), "a dog", [], "s")


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("", "there is no address"),
        (None, "there is no address"),
        (5, "no text: 5"),
        ("a.org/1.jpg", "neither http nor https: 'a.org/1.jpg'"),
        ("ftp://a.org/1.jpg", "neither http nor https: 'ftp://a.org/1.jpg'"),
        ("file:///etc/passwd", "neither http nor https: 'file:///etc/passwd'"),
        ("data:image/png;base64,AAAA", "neither http nor https: 'data:image/png;base64,AAAA'"),
        ("http:/a.org/1.jpg", "neither http nor https: 'http:/a.org/1.jpg'"),
        ("httpx://a.org", "neither http nor https: 'httpx://a.org'"),
        ("http://", "no host in it: 'http://'"),
        ("http:///1.jpg", "no host in it: 'http:///1.jpg'"),
        ("http://:80/1.jpg", "no host in it: 'http://:80/1.jpg'"),
        ("http://user@/1.jpg", "no host in it: 'http://user@/1.jpg'"),
        ("http://?x", "no host in it: 'http://?x'"),
        ("http://[:::::]/1.jpg", "no host in it: 'http://[:::::]/1.jpg'"),
        ("http://ex\u2100mple.com/1.jpg", "no host in it: 'http://ex℀mple.com/1.jpg'"),
        ("http://../x", "no host in it: 'http://../x'"),
        ("http://a.org:port/x", "no host in it: 'http://a.org:port/x'"),
        ("http://[nonsense]/x", "no host in it: 'http://[nonsense]/x'"),
        ("http://a.org/a b.jpg", "white space or a control character in it: 'http://a.org/a b.jpg'"),
        ("http://a.org/a\x00b", "white space or a control character in it: 'http://a.org/a\\x00b'"),
        ("http://a.org/a\u00a0b", "white space or a control character in it: 'http://a.org/a\\xa0b'"),
        ("http://a.org/\r\nHost: b", "white space or a control character in it: 'http://a.org/\\r\\nHost: b'"),
        ("http://a.org/" + "x" * (2049 - 13), f"more than 2048 characters: 'http://a.org/{'x' * 46}..."),
    ],
)
def test_what_is_no_address_says_why(url: object, reason: str) -> None:
    """One rule, and a reason that shows no more than the beginning."""
    assert checked(PLACE, "a dog", url, "s") == BadRow("cc.tsv", 7, "not_a_url", reason)


def test_an_address_that_is_not_utf_8_is_one_of_encoding() -> None:
    """The reason can be written to a table all the same."""
    row = checked(PLACE, "a dog", "http://a.org/caf\udce9", "s")
    assert row == BadRow("cc.tsv", 7, "bad_encoding", "the address is not UTF-8: 'http://a.org/caf\\udce9'")
    row.reason.encode()


@pytest.mark.parametrize(
    ("name", "fit"),
    [("a b.png", True), ("Bild\u202f1 ü.png", True), ("a\nb", False), ("a\x7f", False), ("caf\udce9", False)],
)
def test_a_name_stands_on_one_line(name: str, fit: bool) -> None:
    """Names of files and records become addresses."""
    assert is_text(name) == fit
