"""Counting kinds of characters, fast for the ASCII that most captions are."""

from __future__ import annotations

import string

_LETTERS = string.ascii_letters.encode()
_ALPHANUMERIC = _LETTERS + string.digits.encode()


def count_letters(text: str) -> int:
    """Letters of any script in `text`."""
    if text.isascii():
        return len(text) - len(text.encode().translate(None, _LETTERS))
    return sum(map(str.isalpha, text))


def count_alphanumeric(text: str) -> int:
    """Letters and digits of any script in `text`."""
    if text.isascii():
        return len(text) - len(text.encode().translate(None, _ALPHANUMERIC))
    return sum(map(str.isalnum, text))
