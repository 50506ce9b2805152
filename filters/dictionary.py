"""What pyspellchecker's English dictionary, counted from subtitles, knows of a word. It takes 0.4 s to load."""

from __future__ import annotations

from bisect import bisect_left
from functools import cache

from spellchecker import SpellChecker
from spellchecker.spellchecker import WordFrequency

_COMMON = 1000  # times; a word that a sentence may have been about to say
_LEAST_STUMP = 4  # letters; "pho" begins "phone", and is a dish, as "dosa" is
_SUFFIXES = frozenset("es ed er ers ing ings ly al ful less like".split())  # what they end was a word without them


@cache
def dictionary() -> WordFrequency:
    """How often each word was counted; 0 for a word that is not in it, such as a name, a dish, or "colour"."""
    return SpellChecker(language="en").word_frequency


def is_stump(word: str) -> bool:
    """Whether a lower-cased `word` is none and begins a common one: "umbr" of "umbrella"."""
    if len(word) < _LEAST_STUMP + (word[-1] in "aeiouy") or not word.isalpha() or dictionary()[word]:
        return False
    common = _common_words()
    position = bisect_left(common, word)
    rests = []
    while position < len(common) and common[position].startswith(word):
        rests.append(common[position][len(word) :])
        position += 1
    return bool(rests) and not any(len(rest) == 1 or rest in _SUFFIXES for rest in rests)


@cache
def _common_words() -> list[str]:
    words = dictionary()
    return sorted(word for word in words.words() if words[word] >= _COMMON)
