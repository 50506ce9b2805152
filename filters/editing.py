"""Small tools of the repairs: leave sentences out, and repeat a mend until nothing is left to mend."""

from __future__ import annotations

from collections.abc import Callable, Collection

from pipeline.text import split_sentences


def without_sentences(text: str, positions: Collection[int]) -> str:
    """`text` without the sentences at `positions`; the very same text when there are none."""
    if not positions:
        return text
    return " ".join(s for position, s in enumerate(split_sentences(text)) if position not in positions)


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
