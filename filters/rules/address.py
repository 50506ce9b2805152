"""Web, mail and memory addresses, and file names."""

import re

from filters.english import excerpt
from filters.quotations import own_words
from pipeline.schema import Measurement, Passage, Rule

_MAIL = r"[\w.+\-]+@[\w\-]+(?:\.[\w\-]+)+"
MAIL = re.compile(_MAIL)
_DOT = re.compile(r"\.\w")
ADDRESS = re.compile(
    r"\b(?:https?|ftp)://\S*|\bwww\.\S+"
    rf"|{_MAIL}"
    r"|\b[\w\-]+\.(?:com|org|net|edu|gov|info|biz|io|co\.uk|de|fr)\b(?!\.\w)"
    r"|\b[\w\-]+\.(?:jpe?g|png|gif|svg|webp|bmp|tiff?|psd|pdf|html?|php|docx?|txt|mp4)\b"
    r"|\b0x[0-9a-f]{4,}\b",
    re.IGNORECASE,
)


def measure(passage: Passage) -> Measurement:
    """Number of addresses and file names in the description's own words, and of mail addresses anywhere.

    A web address on a poster can be seen; a mail address belongs to somebody wherever it stands.
    """
    text = passage.text
    if not _DOT.search(text) and "://" not in text and "0x" not in passage.lower:
        return Measurement(0.0)
    matches = list(ADDRESS.finditer(own_words(text))) or (list(MAIL.finditer(text)) if "@" in text else [])
    return Measurement(float(len(matches)), excerpt(text, *matches[0].span()) if matches else "")


RULE = Rule(
    name="address",
    why="Addresses come from the web page around a picture; no one can see them in it, and some belong to people.",
    source="data-juicer's clean_links_mapper and clean_email_mapper, counted instead of cut",
    measure=measure,
    fails="above",
    limit=0.0,
)
