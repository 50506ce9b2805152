"""Web, mail and memory addresses, and file names."""

import re

from filters.english import excerpt
from filters.quotations import own_words
from pipeline.schema import Measurement, Passage, Rule

_MAIL = r"[\w.+\-]+@[\w\-]+(?:\.[\w\-]+)+"
MAIL = re.compile(_MAIL)
# No address is without one of these.
_DOTTED = re.compile(r"\.\w")
_SIGNS = ("@", "://", "0x", "img", "dsc", "pxl")
ADDRESS = re.compile(
    rf"\b(?:https?|ftp)://\S*|\bwww\.\S+|{_MAIL}|\b[\w\-]+\.(?:com|org|net|edu|gov|info|biz|io|co\.uk|de|fr)\b(?!\.\w)"
    r"|\b[\w\-]+\.(?:jpe?g|png|gif|svg|webp|bmp|tiff?|psd|pdf|html?|php|docx?|txt|mp4)\b|\b0x[0-9a-f]{4,}\b"
    r"|(?<![\w@.])@[a-z]\w{2,}|\b(?:img|dscn?|pxl)_\d{3,}\w*",  # a name on a network; what cameras call their files
    re.IGNORECASE,
)


# What carries an address that can be seen, and what speaks of the page around the picture instead.
_CARRIER = re.compile(
    r"\b(?:signs?|signboards?|posters?|banners?|vans?|truck|lorry|bus|billboards?|screens?|laptop|monitor|jerseys?"
    r"|(?:t-)?shirts?|hoodie|windows?|book|cup|mug|labels?|card|tickets?|plate|wall|logo|sponsors?|handle|hashtag|sticker"
    r"|flyers?|leaflet|stencill?ed|painted|printed|embroidered|written|letter(?:s|ing)|bag|box|crate|hull|kayak|awning"
    r"|reads?|says?|spells?)\b",
    re.IGNORECASE,
)
_PAGE = re.compile(
    r"\b(?:visit|see|seen|source|credits?|courtesy|via|follow|click|check|contact|posted|uploaded|downloaded?"
    r"|taken from|available|more|copyright|by|from|write to|e-?mail|file|link)\b|https?:|©",
    re.IGNORECASE,
)
_STOP = re.compile(r"[.!?]\s")


def _is_seen(text: str, found: re.Match[str]) -> bool:
    """Whether the sentence of an address says what it is written on, and nothing of the page around the picture."""
    start = max((stop.end() for stop in _STOP.finditer(text, 0, found.start())), default=0)
    stop = _STOP.search(text, found.end() - 1)
    sentence = text[start : stop.start() if stop else len(text)]
    return _CARRIER.search(sentence) is not None and _PAGE.search(sentence) is None


def measure(passage: Passage) -> Measurement:
    """Number of addresses and file names in the description's own words, and of mail addresses anywhere.

    A web address on a poster can be seen; a mail address belongs to somebody wherever it stands.
    """
    text = passage.text
    if not (_DOTTED.search(text) or any(sign in passage.lower for sign in _SIGNS)):
        return Measurement(0.0)
    own = own_words(text)
    matches = [found for found in ADDRESS.finditer(own) if MAIL.match(found[0]) or not _is_seen(own, found)]
    matches = matches or (list(MAIL.finditer(text)) if "@" in text else [])
    return Measurement(float(len(matches)), excerpt(text, *matches[0].span()) if matches else "")


RULE = Rule(
    name="address",
    why="Addresses come from the web page around a picture; no one can see them in it, and some belong to people.",
    source="data-juicer's clean_links_mapper and clean_email_mapper, counted instead of cut",
    measure=measure,
    fails="above",
    limit=0.0,
)
