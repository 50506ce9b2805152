"""Sentences that say nothing which an earlier sentence has not said."""

from __future__ import annotations

from collections.abc import Sequence

from filters.english import content_stems, words_of

_SHARE = 0.9  # of a sentence's content that must have been said: long sentences may differ by a word
_ALIKE = 0.8  # share of its content that an earlier sentence must hold to be read together with others like it


def find_repeats(sentences: Sequence[str]) -> dict[int, int]:
    """Map the position of each sentence that repeats earlier ones to the position of the first of those.

    A sentence repeats an earlier one if 90 % of its content words (stemmed) are in that one, or in several that
    are nearly the same: "It is a map of a country." after "This is a map of a country."; "The man wears a blue
    shirt and a blue hat." after "The man wears a blue shirt." and "The man wears a blue hat."
    The same words in a new place are new content ("on the left", "on the right"), and so are other colours and
    numbers. A sentence without any content ("It is a picture.") repeats whatever came first.
    """
    repeats: dict[int, int] = {}
    seen: list[frozenset[str]] = []
    for position, sentence in enumerate(sentences):
        content = content_stems(words_of(sentence))
        alike = [earlier for earlier, other in enumerate(seen) if len(content & other) >= _ALIKE * len(content)]
        said = content & frozenset[str]().union(*(seen[earlier] for earlier in alike))
        if alike and len(said) >= _SHARE * len(content):
            repeats[position] = alike[0]
        seen.append(content)
    return repeats
