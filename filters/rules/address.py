"""Web, mail and memory addresses, and file names."""

import re

from filters.english import excerpt
from pipeline.schema import Measurement, Passage, Rule

ADDRESS = re.compile(
    r"\b(?:https?|ftp)://\S*|\bwww\.\S+"
    r"|[\w.+\-]+@[\w\-]+\.\w+"
    r"|\b[\w\-]+\.(?:com|org|net|edu|gov|info|biz|io|co\.uk|de|fr)\b(?!\.\w)"
    r"|\b[\w\-]+\.(?:jpe?g|png|gif|svg|webp|bmp|tiff?|psd|pdf|html?|php)\b"
    r"|\b0x[0-9a-f]{4,}\b",
    re.IGNORECASE,
)


def measure(passage: Passage) -> Measurement:
    """Number of addresses and file names."""
    matches = list(ADDRESS.finditer(passage.text))
    return Measurement(float(len(matches)), excerpt(passage.text, *matches[0].span()) if matches else "")


RULE = Rule(
    name="address",
    why="Addresses come from the web page around a picture; no one can see them in it, and some belong to people.",
    source="data-juicer's clean_links_mapper and clean_email_mapper, counted instead of cut",
    measure=measure,
    fails="above",
    limit=0.0,
)
