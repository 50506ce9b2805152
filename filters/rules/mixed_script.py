"""Letters of other scripts inside English."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from filters.depicted import is_written
from filters.english import excerpt
from filters.quotations import own_words
from pipeline.schema import Measurement, Passage, Rule

_LETTER = re.compile(r"[^\W\d_]")
_BEYOND = re.compile(r"[\u0250-\u1dff\u1f00-\u1fff\u2c00-\ud7ff\uf900-\uffff\U00010000-\U0010ffff]")  # Latin ends
_SYMBOL = re.compile(r"(?<!\w)[\u0370-\u03ff](?!\w)")  # a Greek letter by itself is a symbol, as in "the sign of π"
_LATIN = ("LATIN", "FEMININE ORDINAL", "MASCULINE ORDINAL", "MICRO", "FULLWIDTH LATIN", "MODIFIER")


@lru_cache(maxsize=4096)
def is_foreign(letter: str) -> bool:
    """Whether a letter is of another script than the Latin one."""
    return not unicodedata.name(letter, "").startswith(_LATIN)


def measure(passage: Passage) -> Measurement:
    """Share of the letters of the description's own words that are not Latin; 0 to 1.

    A sign may be written in any script, within quotation marks or without (`filters.depicted`).
    """
    if not _BEYOND.search(passage.text):
        return Measurement(0.0)
    text = own_words(passage.text)
    letters = list(_LETTER.finditer(_SYMBOL.sub(" ", text)))
    strange = (
        letter for letter in letters if letter[0].isalpha() and not letter[0].isascii() and is_foreign(letter[0])
    )
    foreign = [letter for letter in strange if not is_written(text, letter.start())]
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
