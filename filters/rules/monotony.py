"""Texts that shuffle a few words."""

from __future__ import annotations

from collections.abc import Sequence

from filters.english import PLACE_PREPOSITIONS, content_words, words_of
from filters.quotations import own_words
from pipeline.schema import Measurement, Passage, Rule

_QUOTES = frozenset('"“«‘')
WINDOW = 16  # content words
LEAST = 12  # fewer say too little of how varied a text is


def measure(passage: Passage) -> Measurement:
    """1 - the lowest type-token ratio of the stems of any 16 content words in a row; 0 for a text with less than 12.

    Prepositions and what is quoted do not count. Clean captions reach 0.44 (two teams in the same two colours).
    """
    own = words_of(own_words(passage.text)) if not _QUOTES.isdisjoint(passage.text) else passage.words
    stems = [stem for stem in content_words(own) if stem not in PLACE_PREPOSITIONS]
    if len(stems) < LEAST:
        return Measurement(0.0)
    window = min(WINDOW, len(stems))
    repeats, start = _worst_window(stems, window)
    return Measurement(repeats / window, f'"{" ".join(stems[start : start + window])}"' if repeats else "")


def _worst_window(stems: Sequence[str], window: int) -> tuple[int, int]:
    """How many words of a window are said in it before, where they are most, and where that window starts.

    A window of the most repeats can start at the first of two equal words, so only those starts are tried.
    """
    last: dict[str, int] = {}
    pairs = []  # of equal words that fit into one window: where the word is said, where it was said before
    for position, stem in enumerate(stems):
        earlier = last.get(stem, -window)
        if position - earlier < window:
            pairs.append((position, earlier))
        last[stem] = position
    worst = (0, 0)
    for first in sorted({min(earlier, len(stems) - window) for _, earlier in pairs}):
        repeats = sum(first <= earlier and position < first + window for position, earlier in pairs)
        worst = max(worst, (repeats, first), key=lambda found: found[0])
    return worst


RULE = Rule(
    name="monotony",
    why='"The colors are white and blue. The other one is blue and white." repeats itself without a repeated phrase.',
    source="moving-average type-token ratio (Covington and McFall 2010), its lowest window, on content words",
    measure=measure,
    fails="above",
    limit=0.45,
    mendable=True,
)
