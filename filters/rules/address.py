"""Web, mail and memory addresses, and file names."""

import re

from filters.english import excerpt
from filters.quotations import own_words
from pipeline.schema import Measurement, Passage, Rule

_MAIL = r"[\w.+\-]+@[\w\-]+(?:\.[\w\-]+)+"
MAIL = re.compile(_MAIL)
_SIGN = re.compile(r"\.\w|@\w|://|\b(?:0x|img|dsc|pxl)", re.IGNORECASE)  # no address is without
ADDRESS = re.compile(
    rf"\b(?:https?|ftp)://\S*|\bwww\.\S+|{_MAIL}|\b[\w\-]+\.(?:com|org|net|edu|gov|info|biz|io|co\.uk|de|fr)\b(?!\.\w)"
    r"|\b[\w\-]+\.(?:jpe?g|png|gif|svg|webp|bmp|tiff?|psd|pdf|html?|php|docx?|txt|mp4)\b|\b0x[0-9a-f]{4,}\b"
    r"|(?<![\w@.])@[a-z]\w{2,}|\b(?:img|dscn?|pxl)_\d{3,}\w*",  # a name on a network; what cameras call their files
    re.IGNORECASE,
)


def measure(passage: Passage) -> Measurement:
    """Number of addresses and file names in the description's own words, and of mail addresses anywhere.

    A web address on a poster can be seen; a mail address belongs to somebody wherever it stands.
    """
    text = passage.text
    if not _SIGN.search(text):
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
