"""Words as the guard reads them: which carry content, which count."""

from __future__ import annotations

from filters.english import CONJUNCTIONS, FRAME_WORDS, FUNCTION_WORDS, HUES, RELATIVES, stem
from filters.guards.additions import NUMBERS

Sentences = list[list[str]]
"""Lower-cased words, sentence by sentence."""

COUNTS = NUMBERS.keys() - {"zero", "one"}  # "one of the men" counts nothing
SEVERAL = frozenset("many several some few various these those multiple numerous".split()) | COUNTS
LINKS = CONJUNCTIONS | RELATIVES  # a clause ends before them
IRREGULAR_PLURALS = frozenset("men women children people feet teeth geese mice leaves wolves knives shelves".split())
_NO_CONTENT = FUNCTION_WORDS | HUES | SEVERAL | {"another"}


def is_content(word: str) -> bool:
    """Whether a word is neither a function word nor a colour nor a quantity."""
    return word not in _NO_CONTENT


def is_thing(word: str) -> bool:
    """Whether a word of content may own an attribute: "image" and "shows" do not."""
    return word not in _NO_CONTENT and word not in FRAME_WORDS


def root(word: str) -> str:
    """The stem; "womens" is a slip for "women"."""
    return stem(word[:-1] if word[:-1] in IRREGULAR_PLURALS else word)
