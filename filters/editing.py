"""Small tools of the repairs: leave sentences out, and repeat a mend until nothing is left to mend."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection

from pipeline.schema import split_words
from pipeline.text import split_sentences


def without_sentences(text: str, positions: Collection[int]) -> str:
    """`text` without the sentences at `positions`; the very same text when there are none."""
    if not positions:
        return text
    return " ".join(s for position, s in enumerate(split_sentences(text)) if position not in positions)


def drop_where(text: str, wrong: Callable[[str], bool]) -> str:
    """`text` without the sentences that are `wrong`; the very same text where none is, or none would stay."""
    sentences = split_sentences(text)
    positions = {position for position, sentence in enumerate(sentences) if wrong(sentence)}
    return without_sentences(text, positions) if len(positions) < len(sentences) else text


def adds_word(text: str, before: str) -> bool:
    """Whether `text` has a word that `before` has not, or has it more often."""
    return not Counter(split_words(text)) <= Counter(split_words(before))


def until_settled(mend: Callable[[str], str], text: str) -> str:
    """Apply `mend`, which must take characters from a text that it changes, until it changes nothing.

    White space does not count: sentences that stood together are joined by a blank. What is left is idempotent.
    """
    while (mended := mend(text)) != text:
        if _ink(mended) >= _ink(text):
            raise ValueError(f"a mend must shorten its text, but {text!r} became {mended!r}")
        text = mended
    return text


def _ink(text: str) -> int:
    return sum(not character.isspace() for character in text)
