"""What a source yields: a picture with its caption, or a row that is none, with the reason."""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import urlsplit

from pipeline.sources.files import LONGEST_LINE

LONGEST_CAPTION = 20_000  # characters; a page of text is none
LONGEST_ADDRESS = 2_048  # characters, about what browsers and servers take
SHOWN = 60  # characters of a bad value in a reason

# Rules that rows of more than one kind of source break.
MISSING_TAB = "missing_tab"
MISSING_COLUMN = "missing_column"
EXTRA_COLUMN = "extra_column"
EMPTY_CAPTION = "empty_caption"
BAD_ENCODING = "bad_encoding"
BAD_JSON = "bad_json"
MISSING_CAPTION = "missing_caption"
NOT_A_URL = "not_a_url"
NOT_TEXT = "not_text"
TOO_LONG = "too_long"

_LETTER = re.compile(r"[^\W\d_]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")  # a byte that is not UTF-8, as Python decodes it when told to go on
_SPACE_OR_CONTROL = re.compile(r"[\s\x00-\x1f\x7f-\x9f]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_USUAL_ADDRESS = re.compile(r"https?://[a-z0-9][a-z0-9.-]*/")  # nearly all there are, and quickly found
# user information, then a host that is a name, an IPv4 address or an IPv6 address in brackets, then a port
_ADDRESS = re.compile(
    r"https?://(?:[^/?#@]*@)?(?:[^/?#@:\[\].][^/?#@:\[\]]*|\[[0-9a-f:.]+\])(?::\d{0,5})?(?:[/?#]|\Z)", re.IGNORECASE
)


class Titled(NamedTuple):
    """A picture with the caption that people gave it ("" where it says nothing)."""

    url: str
    caption: str
    keywords: list[str]
    source: str


class BadRow(NamedTuple):
    """A row of a source that is no picture with a caption."""

    file: str  # relative to corpus.path, or its own name
    number: int  # of the line or record, from 1
    rule: str
    reason: str

    @property
    def place(self) -> str:
        """FILE:NUMBER, as editors and compilers write it."""
        return f"{self.file}:{self.number}"


Place = tuple[str, int]
"""File and number of a row."""


def decoded(place: Place, line: bytes) -> str | BadRow:
    """A line as text, or what is wrong with it; it is one of `numbered_lines`."""
    if len(line) >= LONGEST_LINE:
        return BadRow(*place, TOO_LONG, f"a line of {LONGEST_LINE} bytes or more")
    try:
        return line.decode()
    except UnicodeDecodeError as error:
        return BadRow(*place, BAD_ENCODING, f"byte {error.start + 1} is not UTF-8")


def checked(place: Place, caption: object, url: object, source: str) -> Titled | BadRow:
    """A picture from the two cells of a row, or what is wrong with them."""
    text = checked_caption(place, caption)
    if isinstance(text, BadRow):
        return text
    if not isinstance(url, str):
        return BadRow(*place, NOT_A_URL, "there is no address" if url is None else f"no text: {shown(url)}")
    url = url.strip()
    if len(url) <= LONGEST_ADDRESS and url.isprintable() and " " not in url and _USUAL_ADDRESS.match(url):
        return Titled(url, text, [], source)
    fault = _address_fault(url)
    return BadRow(*place, *fault) if fault else Titled(url, text, [], source)


def checked_caption(place: Place, caption: object) -> str | BadRow:
    """A caption on one line, without white space around it, or what is wrong with it."""
    if not isinstance(caption, str):
        if caption is None:
            return BadRow(*place, EMPTY_CAPTION, "there is no caption")
        return BadRow(*place, NOT_TEXT, f"the caption is no text: {shown(caption)}")
    caption = caption.strip()
    if not caption.isprintable():
        if _SURROGATE.search(caption):
            return BadRow(*place, BAD_ENCODING, f"the caption is not UTF-8: {shown(caption)}")
        caption = " ".join(caption.split())  # a quoted cell of a CSV may hold line ends
    if not (caption[:1].isalpha() or _LETTER.search(caption)):
        return BadRow(*place, EMPTY_CAPTION, f"no letter in the caption {shown(caption)}")
    if len(caption) > LONGEST_CAPTION:
        return BadRow(*place, TOO_LONG, f"a caption of more than {LONGEST_CAPTION} characters")
    return caption


def _address_fault(url: str) -> tuple[str, str] | None:
    """The rule that an address breaks, with the reason; None where it is http or https and names a host."""
    if not url:
        return NOT_A_URL, "there is no address"
    rule = NOT_A_URL
    if _SURROGATE.search(url):
        rule, reason = BAD_ENCODING, "the address is not UTF-8"
    elif len(url) > LONGEST_ADDRESS:
        reason = f"more than {LONGEST_ADDRESS} characters"
    elif not url.lower().startswith(("http://", "https://")):
        reason = "neither http nor https"
    elif _SPACE_OR_CONTROL.search(url):
        reason = "white space or a control character in it"
    elif not _ADDRESS.match(url) or not _splits(url):
        reason = "no host in it"
    else:
        return None
    return rule, f"{reason}: {shown(url)}"


def _splits(url: str) -> bool:
    """Whether the standard library, which will fetch it, can take it apart."""
    try:
        return bool(urlsplit(url).hostname)
    except ValueError:
        return False


def shown(value: object) -> str:
    """A value from outside for a reason: quoted, what cannot be printed escaped, and not too long."""
    text = repr(value[: 2 * SHOWN] if isinstance(value, str) else value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."


def is_text(name: str) -> bool:
    """Whether a name can be written as UTF-8 on one line."""
    return name.isprintable() or not (_SURROGATE.search(name) or _CONTROL.search(name))
