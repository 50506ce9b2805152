"""Letters of other scripts inside English."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from filters.english import excerpt
from pipeline.schema import Measurement, Passage, Rule

_LETTER = re.compile(r"[^\W\d_]")
_SYMBOL = re.compile(r"(?<!\w)[\u0370-\u03ff](?!\w)")  # a Greek letter by itself is a symbol, as in "the sign of π"


@lru_cache(maxsize=4096)
def _foreign(letter: str) -> bool:
    return not unicodedata.name(letter, "").startswith(("LATIN", "FEMININE ORDINAL", "MASCULINE ORDINAL", "MICRO"))


def measure(passage: Passage) -> Measurement:
    """Share of the letters that are not Latin; 0 to 1."""
    text = passage.text
    if text.isascii():
        return Measurement(0.0)
    letters = list(_LETTER.finditer(_SYMBOL.sub(" ", text)))
    foreign = [letter for letter in letters if _foreign(letter[0])]
    if not foreign:
        return Measurement(0.0)
    return Measurement(len(foreign) / len(letters), excerpt(text, *foreign[0].span()))


RULE = Rule(
    name="mixed_script",
    why="langdetect calls an English text with a Chinese sentence in it English.",
    source="Unicode names of letters",
    measure=measure,
    fails="above",
    limit=0.0,
    mendable=True,
)
