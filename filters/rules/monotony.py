"""Texts that shuffle a few words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from filters.claims import COLOURS
from filters.english import PLACE_PREPOSITIONS, content_words, words_of
from filters.quotations import own_words
from pipeline.schema import Measurement, Passage, Rule

_QUOTES = ('"', "“", "«", "‘")
WINDOW = 16  # content words
OFTEN = 5  # uses of one stem in a window; clean captions have four
_COLOURFUL = 2  # different colours, from which on they are looked at with what they colour
LEAST = 12  # fewer say too little of how varied a text is


def measure(passage: Passage) -> Measurement:
    """1 - the lowest type-token ratio of the stems of any 16 content words in a row; 0 for a text with less than 12.

    A stem said more than five times in the window takes a type away each time, since "small flowers, small leaves,
    small stars, ..." has as many types as tokens of "small". Prepositions and what is quoted do not count, and of two
    colours or more each counts together with the word that it stands before. Clean captions reach 0.44 (two teams in
    the same two colours).
    """
    quotes = any(mark in passage.text for mark in _QUOTES)
    own = words_of(own_words(passage.text)) if quotes else passage.words
    stems = _stems(own)
    if len(stems) < LEAST:
        return Measurement(0.0)
    if len(COLOURS.intersection(own)) >= _COLOURFUL:
        stems = _stems(_with_colours(own))
    window = min(WINDOW, len(stems))
    held = dict(Counter(stems[:window]))
    fewest, start = _types(held), 0
    for at, (new, old) in enumerate(zip(stems[window:], stems, strict=False), 1):
        if new == old:
            continue
        held[new] = held.get(new, 0) + 1
        if held[old] == 1:
            del held[old]
        else:
            held[old] -= 1
        # A look at the commonest stem is due only where there are few.
        types = len(held) if len(held) > WINDOW - OFTEN else _types(held)
        if types < fewest:
            fewest, start = types, at
    return Measurement(1.0 - fewest / window, f'"{" ".join(stems[start : start + window])}"')


def _stems(words: Iterable[str]) -> list[str]:
    return [stem for stem in content_words(words) if stem not in PLACE_PREPOSITIONS]


def _with_colours(words: Sequence[str]) -> Iterator[str]:
    """`words`, a colour and the word that it stands before as one: "white socks, red socks" are two things."""
    colour = ""
    for word in words:
        if word in COLOURS:
            if colour:
                yield colour
            colour = word
        elif colour:
            yield from (f"{colour}{word}",) if content_words([word]) else (colour, word)
            colour = ""
        else:
            yield word
    if colour:
        yield colour


def _types(held: Mapping[str, int]) -> int:
    """Different stems, less the uses of the commonest beyond OFTEN; at least one."""
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
