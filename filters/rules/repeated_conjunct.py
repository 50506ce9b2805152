"""A thing joined with itself: "flowers and flowers"."""

from __future__ import annotations

import re

from filters.english import excerpt
from pipeline.schema import LETTER, WORD_END, WORD_START, Measurement, Passage, Rule

# English joins these with themselves, and means it.
JOINED = frozenset(
    "again around better bigger brighter by closer darker days deeper down farther faster further half higher hours"
    " larger less longer lower miles months more neck off on one out over round smaller so such taller through two up"
    " weeks worse years".split()
)
_LINKS = frozenset(["and", "or"])
CONJUNCTS = re.compile(
    rf"{WORD_START}(?P<word>[^\W\d_]{LETTER}*(?:['’\-]\w{LETTER}*)*)(?<=\w\w)(?:,\s+(?P=word))*,?\s+(?:and|or)\s+"
    rf"(?P<last>(?P=word)){WORD_END}(?!\s+of\b)",  # "rows and rows of flowers"
    re.IGNORECASE,
)


def is_english(found: re.Match[str]) -> bool:
    """Whether a match of CONJUNCTS is an idiom ("on and on") or a name ("Johnson and Johnson")."""
    return found["word"].lower() in JOINED or (found["word"][0].isupper() and found["last"][0].isupper())


def measure(passage: Passage) -> Measurement:
    """How many lists name one thing twice in a row."""
    words = passage.words
    if not any(link in _LINKS and one == other for one, link, other in zip(words, words[1:], words[2:], strict=False)):
        return Measurement(0.0)
    wrong = [match for match in CONJUNCTS.finditer(passage.text) if not is_english(match)]
    return Measurement(float(len(wrong)), excerpt(passage.text, *wrong[0].span()) if wrong else "")


RULE = Rule(
    name="repeated_conjunct",
    why='A small model that has one thing to say and began a list says it twice ("road and road").',
    source="count of coordinations whose neighbouring members are the same word",
    measure=measure,
    fails="above",
    limit=0.0,
    mendable=True,
)
