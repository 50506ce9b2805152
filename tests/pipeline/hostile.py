"""Kinds of answers that a list of old links meets, and what has to become of each.

An address names {server} (IP:PORT) and {port} of the server that is trusted, {tls} and {self_signed} (ports of https
servers, the first with a certificate that is trusted), {closed} (a trusted port where nobody listens), {secret} (a port
of 127.0.0.1 that is not trusted, where a server listens). Every name under .test is 127.0.0.1, but for
those in NAMES.
"""

from __future__ import annotations

import gzip
import struct
import zlib
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import NamedTuple

from tests.pipeline.misbehaving import (
    OK,
    Answer,
    after,
    chunked,
    drawing,
    drips_body,
    drips_headers,
    encoded,
    floods,
    hangs,
    in_turn,
    keeps_sending,
    photo,
    redirects,
    resets,
    resets_in_body,
    says,
    sends,
    writes,
)
from tests.pipeline.net import Names

MAX_BYTES = 2**20  # of one body, in these tests
MAX_REDIRECTS = 3


class Case(NamedTuple):
    """One address: how it is answered, and the rule under which the fetch and then the whole stage end it."""

    name: str
    answer: Answer | None
    fetched: str | None  # None: its bytes come
    staged: str | None  # None: its picture is kept
    url: str = "http://{name}.test:{port}/{name}"


def good(name: str, answer: Answer | None, url: str = Case._field_defaults["url"]) -> Case:
    """A picture that is kept."""
    return Case(name, answer, None, None, url)


def comes(name: str, staged: str, body: bytes, **headers: str) -> Case:
    """Bytes that come and are no picture to keep."""
    return Case(name, sends(body, 0, **headers), None, staged)


def bad(name: str, rule: str, answer: Answer | None = None, url: str = Case._field_defaults["url"]) -> Case:
    """An address that gives no bytes."""
    return Case(name, answer, rule, rule, url)


def jpeg(seed: int, quality: int = 90) -> bytes:
    """A JPEG like no other seed's."""
    return encoded(photo(seed), "JPEG", quality=quality)


def rotated() -> bytes:
    """A JPEG that lies on its side and says so."""
    image = photo(5)
    exif = image.getexif()
    exif[0x0112] = 6  # Orientation
    return encoded(image, "JPEG", exif=exif)


def animation() -> bytes:
    """A GIF of three frames."""
    first, *others = (photo(seed).convert("P") for seed in (7, 8, 9))
    return encoded(first, "GIF", save_all=True, append_images=others)


def bomb(side: int) -> bytes:
    """A PNG of `side` x `side` black pixels, 1 bit each, without ever holding them."""
    packer = zlib.compressobj(9)
    rows = b"".join(packer.compress(bytes(1 + (side + 7) // 8)) for _ in range(side)) + packer.flush()
    chunks = ((b"IHDR", struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)), (b"IDAT", rows), (b"IEND", b""))
    parts = [
        struct.pack(">I", len(data)) + tag + data + struct.pack(">I", zlib.crc32(tag + data)) for tag, data in chunks
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def in_an_hour() -> str:
    """An HTTP date."""
    return format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)


PNG = encoded(photo(2))
GOOD = (
    good("jpeg", sends(jpeg(1))),
    good("png", sends(PNG)),
    good("webp", sends(encoded(photo(3), "WEBP"))),
    good("gif", sends(encoded(photo(4).convert("P"), "GIF"))),
    good("rotated", sends(rotated())),
    good("cmyk", sends(encoded(photo(6).convert("CMYK"), "JPEG"))),
    good("animation", sends(animation())),
    good("transparent", sends(encoded(drawing((200, 320), "LA")))),
    good("wrong-type", sends(jpeg(10), Content_Type="text/html")),
    good("no-length", writes(OK, b"\r\n", jpeg(11))),
    good("chunked", writes(chunked(jpeg(12)[:1000], jpeg(12)[1000:]))),
    good("chunked-extras", writes(chunked(jpeg(13), end=b"0;last\r\nX-Trailer: yes\r\n\r\n"))),
    good(
        "interim",
        writes(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n", OK, b"\r\n", jpeg(14)),
    ),
    good("moved", redirects("http://{server}/jpeg-15"), "http://{server}/moved"),
    good("as-far-as-allowed", redirects("http://{server}/two-more"), "http://{server}/as-far-as-allowed"),
    good("moved-to-a-path", redirects("jpeg-17"), "http://{server}/moved-to-a-path"),
    good("spaces", None, "http://spaces.test:{port}/a picture (1).jpg?size=big one"),
    good("letters", None, "http://letters.test:{port}/caf\u00e9/\u732b.jpg"),
    good("user-name", sends(jpeg(20)), "http://user:secret@user-name.test:{port}/user-name"),
    good("other-robots", sends(jpeg(21), X_Robots_Tag="otherbot: noai")),
    good("gone-for-a-moment", in_turn(says(503), sends(jpeg(22)))),
    good("busy-for-a-moment", in_turn(says(429, Retry_After="1"), sends(jpeg(23)))),
    good("reset-once", in_turn(resets, sends(jpeg(24)))),
)
COMES = (
    comes("same-bytes", "duplicate", jpeg(1)),
    comes("same-picture", "duplicate", jpeg(1, quality=60)),
    comes("html", "not_an_image", b"<html>Buy this domain!</html>", Content_Type="image/jpeg"),
    comes("empty", "not_an_image", b""),
    comes("cut-file", "truncated", jpeg(30)[:-200]),
    comes("damaged", "undecodable", PNG[:90] + b"damage" + PNG[96:]),
    comes("gzip-bomb", "not_an_image", gzip.compress(bytes(2**25)), Content_Encoding="gzip"),
    comes("pixel-bomb", "too_many_pixels", bomb(20000)),
    comes("tiny", "too_small", encoded(drawing((8, 8)))),
    comes("ribbon", "bad_aspect", encoded(drawing((1200, 40)))),
)
STATUS = (
    bad("403", "http_403", says(403)),
    bad("404", "http_404", says(404)),
    bad("410", "http_410", says(410)),
    bad("451", "http_4xx", says(451)),
    bad("429", "http_429", says(429)),
    bad("429-patient", "http_429", says(429, Retry_After="1")),
    bad("429-an-hour", "http_429", says(429, Retry_After="3600")),
    bad("429-until", "http_429", says(429, Retry_After=in_an_hour())),
    bad("500", "http_5xx", says(500)),
    bad("503", "http_5xx", says(503)),
    bad("503-an-hour", "http_5xx", says(503, Retry_After="3600")),
    bad("304", "bad_answer", says(304)),
    bad("noai", "blocked_by_header", sends(jpeg(31), X_Robots_Tag="noai")),
    bad("noai-for-us", "blocked_by_header", sends(jpeg(31), X_Robots_Tag="pairmill: noindex, nofollow")),
)
SLOW = (
    bad("hangs", "timeout", hangs),
    bad("slow-headers", "timeout", drips_headers),
    bad("slow-body", "timeout", drips_body),
    bad("slow-chunks", "timeout", keeps_sending(chunked(end=b""), b"1\r\n.\r\n", every=0.1)),
    bad("slow-trailer", "timeout", keeps_sending(chunked(b".", end=b"0\r\n"), b"X-More: yes\r\n", every=0.1)),
    bad("interim-for-ever", "timeout", keeps_sending(b"", b"HTTP/1.1 100 Continue\r\n\r\n", every=0.1)),
    bad(
        "slow-redirects",
        "timeout",
        after(0.8, redirects("http://{server}/slow-redirects")),
        "http://{server}/slow-redirects",
    ),
    bad("slow-dns", "timeout"),
)
BROKEN = (
    bad("endless", "too_many_bytes", floods),
    bad("endless-chunks", "too_many_bytes", keeps_sending(chunked(end=b""), b"8000\r\n" + bytes(0x8000) + b"\r\n")),
    bad("huge-chunk", "too_many_bytes", keeps_sending(chunked(end=b"7fffffffffffffff\r\n"), bytes(2**16))),
    bad("announced", "too_many_bytes", sends(b".", missing=10**12)),
    bad("one-byte-too-many", "too_many_bytes", writes(OK, b"\r\n", bytes(MAX_BYTES + 1))),
    bad("short", "truncated", sends(jpeg(40)[:900], missing=500)),
    bad("short-chunks", "truncated", writes(chunked(jpeg(41)[:900], end=b""))),
    bad("broken-chunks", "truncated", writes(chunked(jpeg(41)[:900], end=b"what?\r\n"))),
    bad("reset", "reset", resets),
    bad("reset-in-body", "reset", resets_in_body),
    bad("says-nothing", "reset", writes()),
    bad("no-http", "bad_answer", writes(b"220 smtp.example ESMTP\r\n")),
    bad("endless-headers", "bad_answer", keeps_sending(OK, b"X-More: yes\r\n")),
    bad("endless-header", "bad_answer", keeps_sending(OK, b"." * 2**16)),
    bad("switches", "bad_answer", says(101)),
    bad("strange-coding", "bad_answer", sends(b"...", Transfer_Encoding="gzip, chunked")),
)
REDIRECTED = (
    bad("loop", "too_many_redirects", redirects("http://{server}/loop"), "http://{server}/loop"),
    bad("too-far", "too_many_redirects", redirects("http://{server}/as-far-as-allowed"), "http://{server}/too-far"),
    bad("to-nowhere", "bad_answer", says(302)),
    bad("to-loopback", "blocked_address", redirects("http://localhost:{secret}/")),
    bad("to-this-machine", "blocked_address", redirects("http://{server}/jpeg-15")),  # nobody but us may say that
    bad("to-metadata", "blocked_address", redirects("http://169.254.169.254/latest/meta-data/")),
    bad("to-private-name", "blocked_address", redirects("http://private.test/")),
    bad("to-file", "blocked_scheme", redirects("file:///etc/passwd")),
    bad("to-data", "blocked_scheme", redirects("data:image/png;base64,aGVsbG8=")),
    bad("to-ftp", "blocked_scheme", redirects("ftp://ftp.test/a.jpg")),
)
ELSEWHERE = (
    bad("refused", "refused", url="http://refused.test:{closed}/"),
    bad("no-such-host", "dns"),
    bad("no-dns", "resolver"),
    bad("public", "unreachable", url="http://public.test/a.jpg"),
    bad("private", "blocked_address", url="http://private.test/"),
    bad("cloud-metadata", "blocked_address", url="http://cloud-metadata.test/"),
    bad("carrier", "blocked_address", url="http://carrier.test/"),
    bad("rebinds", "blocked_address", url="http://rebinds.test:{secret}/"),
    bad("rebinds-in-redirect", "blocked_address", redirects("http://rebinds-too.test:{secret}/")),
    bad("loopback6-name", "blocked_address", url="http://loopback6.test:{secret}/"),
    bad("loopback6", "blocked_address", url="http://[::1]:{secret}/"),
    bad("mapped", "blocked_address", url="http://[::ffff:127.0.0.1]:{secret}/"),
    bad("mapped-hex", "blocked_address", url="http://[::ffff:7f00:1]:{secret}/"),
    bad("decimal", "blocked_address", url="http://2130706433:{secret}/"),
    bad("short-form", "blocked_address", url="http://127.1:{secret}/"),
    bad("unspecified", "blocked_address", url="http://0.0.0.0:{secret}/"),
    bad("other-port", "blocked_address", url="http://127.0.0.1:{secret}/"),
    bad("file", "blocked_scheme", url="file:///etc/passwd"),
    bad("ftp", "blocked_scheme", url="ftp://ftp.test/a.jpg"),
    bad("data", "blocked_scheme", url="data:image/png;base64,aGVsbG8="),
    bad("no-scheme", "bad_url", url="www.example.com/a.jpg"),
    bad("no-host", "bad_url", url="http:///a.jpg"),
    bad("no-port", "bad_url", url="http://a.test:99999/"),
    bad("long-label", "bad_url", url="http://" + "a" * 64 + ".test/"),
)
TLS = (
    good("https", sends(jpeg(50)), "https://secure.test:{tls}/https"),
    bad("https-other-name", "tls", url="https://other.test:{tls}/"),
    bad("https-self-signed", "tls", url="https://self-signed.test:{self_signed}/"),
    bad("https-without-tls", "tls", url="https://plain.test:{port}/"),
    bad("https-hangs", "timeout", hangs, "https://secure.test:{tls}/https-hangs"),
    bad("https-slow-headers", "timeout", drips_headers, "https://secure.test:{tls}/https-slow-headers"),
    bad("https-slow-body", "timeout", drips_body, "https://secure.test:{tls}/https-slow-body"),
)
CASES = (*GOOD, *COMES, *STATUS, *SLOW, *BROKEN, *REDIRECTED, *ELSEWHERE)

PUBLIC = "93.184.215.14"
NAMES: Names = {
    "no-such-host.test": ["EAI_NONAME"],
    "no-dns.test": ["EAI_AGAIN"],
    "slow-dns.test": [60],
    "public.test": [[PUBLIC]],
    "private.test": [["10.0.0.1", "192.168.0.1"]],
    "cloud-metadata.test": [["169.254.169.254"]],
    "carrier.test": [["100.64.0.1"]],
    "loopback6.test": [["::1"]],
    "localhost": [["127.0.0.1", "::1"]],
    "rebinds.test": [[PUBLIC], ["127.0.0.1"]],
    "rebinds-too.test": [[PUBLIC], ["127.0.0.1"]],
}
# What the addresses above lead on to, and those whose path is not their name.
FURTHER: dict[str, Answer] = {
    "/jpeg-15": sends(jpeg(15)),
    "/two-more": redirects("/one-more"),
    "/one-more": redirects("/jpeg-16"),
    "/jpeg-16": sends(jpeg(16)),
    "/jpeg-17": sends(jpeg(17)),
    "/a%20picture%20(1).jpg?size=big%20one": sends(jpeg(18)),
    "/caf%C3%A9/%E7%8C%AB.jpg": sends(jpeg(19)),
}


def answers() -> dict[str, Answer]:
    """What the server does about each path."""
    own = {f"/{case.name}": case.answer for case in (*CASES, *TLS) if case.answer is not None}
    return own | FURTHER
