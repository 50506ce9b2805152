"""Texts that shuffle a few words."""

from __future__ import annotations

from collections import Counter

from filters.english import PLACE_PREPOSITIONS, content_words, words_of
from filters.quotations import own_words
from pipeline.schema import Measurement, Passage, Rule

_QUOTES = frozenset('"“«‘')
WINDOW = 16  # content words
OFTEN = 5  # uses of one stem in a window; clean captions have four
LEAST = 12  # fewer say too little of how varied a text is


def measure(passage: Passage) -> Measurement:
    """1 - the lowest type-token ratio of the stems of any 16 content words in a row; 0 for a text with less than 12.

    A stem said more than five times in the window takes a type away each time, since "small flowers, small leaves,
    small stars, ..." has as many types as tokens of "small". Prepositions and what is quoted do not count. Clean
    captions reach 0.44 (two teams in the same two colours).
    """
    own = words_of(own_words(passage.text)) if not _QUOTES.isdisjoint(passage.text) else passage.words
    stems = [stem for stem in content_words(own) if stem not in PLACE_PREPOSITIONS]
    if len(stems) < LEAST:
        return Measurement(0.0)
    window = min(WINDOW, len(stems))
    held = Counter(stems[:window])
    fewest, start = _types(held), 0
    for at in range(window, len(stems)):
        held[stems[at]] += 1
        held[stems[at - window]] -= 1
        if not held[stems[at - window]]:
            del held[stems[at - window]]
        if (types := _types(held)) < fewest:
            fewest, start = types, at - window + 1
    return Measurement(1.0 - fewest / window, f'"{" ".join(stems[start : start + window])}"')


def _types(held: Counter[str]) -> int:
    """Different stems, less the uses of the commonest beyond OFTEN; at least one."""
    if len(held) > WINDOW - OFTEN:  # the rest is too few for a stem to be said more often
        return len(held)
    return max(1, len(held) - max(0, max(held.values()) - OFTEN))


RULE = Rule(
    name="monotony",
    why='"The colors are white and blue. The other one is blue and white." repeats itself without a repeated phrase.',
    source="moving-average type-token ratio (Covington and McFall 2010), its lowest window, content words only",
    measure=measure,
    fails="above",
    limit=0.45,
    mendable=True,
)
