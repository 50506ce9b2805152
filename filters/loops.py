"""Phrases that a sentence says again and again: where they are, found once for the rule and the repair."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from filters.english import CONJUNCTIONS, FUNCTION_WORDS, RELATIVES, words_of
from filters.quotations import blank_quotations
from pipeline.schema import WORD

_PAIRING = frozenset(["and", "or"])  # these join as little as "a cat and a cat"; other links need three words
_LINKS = CONJUNCTIONS | RELATIVES | frozenset(["with"])
_LONGEST_PERIOD = 40  # words; a longer phrase is a sentence, and sentence duplication finds it
GRAM, TIMES = 4, 3
_WAYS = frozenset("up down back forth left right in out round over to fro here there and".split())
_SAYING = frozenset("say says read reads go goes sings sing chant chants".split())
_CHANT = 4  # rounds that a song, a label or a slogan may have; more in quotation marks are the captioner's own loop


@dataclass(frozen=True)
class Loop:
    """`length` words from `start` on repeat with a period of `period` words (the last round may be cut short)."""

    start: int
    period: int
    length: int


def find_loop(words: list[str]) -> Loop | None:
    """The first phrase that is said again at once, with the shortest period; None where nothing loops.

    A phrase of three words or more must be said twice in full ("a cat and a cat and"), or twice joined by a
    link ("a cat on a mat and a cat on a mat"); one of two words three times ("and red and red and red"), or twice
    if neither means anything ("of the of the").
    Single words are `word_stutter`'s. So "a dog on the left, a dog on the right" is no loop.
    """
    found: Loop | None = None
    for period in _periods(words) if _recurs(words) else ():
        run = 0
        for position in range(period, len(words) + 1):
            if position < len(words) and words[position] == words[position - period]:
                run += 1
                continue
            if run and _is_loop(words, position - run - period, period, run):
                loop = Loop(position - run - period, period, run + period)
                if found is None or loop.start < found.start:
                    found = loop
                break
            run = 0
    return found


def loop_words(sentence: str) -> list[str]:
    """The words of a sentence, lower-cased; each quoted word is made a different one, lest a chant looks like a loop.

    What is quoted may be sung ("whatever will be, will be"), but not for more than four rounds.
    """
    words = words_of(sentence)
    own = blank_quotations(sentence)
    if own == sentence or not _recurs(words):
        return words
    spans = [match.span() for match in WORD.finditer(sentence)]
    quoted = {place for place, (start, end) in enumerate(spans) if not own[start:end].strip()}
    if (loop := find_loop(words)) and loop.length > _CHANT * loop.period:
        quoted -= set(range(loop.start, loop.start + loop.length))
    return [f'"{place}"' if place in quoted else word for place, word in enumerate(words)]


def _recurs(words: list[str]) -> bool:
    """Whether any two words in a row are said again. Few sentences of a sound text do that, and all that loop."""
    return len(set(pairwise(words))) < len(words) - 1


def _periods(words: list[str]) -> list[int]:
    """The distances, shortest first, at which two words in a row are said again: a loop has one of these periods."""
    places: dict[tuple[str, str], list[int]] = {}
    for place, pair in enumerate(pairwise(words)):
        places.setdefault(pair, []).append(place)
    distances = {
        late - early
        for place in places.values()
        for number, early in enumerate(place)
        for late in place[number + 1 : number + 1 + _LONGEST_PERIOD]  # those further on are further away
    }
    return sorted(distance for distance in distances if 2 <= distance <= _LONGEST_PERIOD)


def _is_loop(words: list[str], start: int, period: int, run: int) -> bool:
    """Whether `run` words that equal the words `period` before them make a loop that begins at `start`."""
    if len(set(words[start : start + period])) == 1:
        return False  # one word over and over
    if period == 2:  # "of the of the" never is English, while "on and on and on" is
        empty = all(word in FUNCTION_WORDS and word not in _PAIRING for word in words[start : start + 2])
        return run >= 4 or (run >= 2 and empty)
    if run >= period:
        return not (run == period and _is_meant(words, start, period))
    link = words[start + run]
    return run == period - 1 and (link in _PAIRING or (run >= 3 and link in _LINKS))


def _is_meant(words: list[str], start: int, period: int) -> bool:
    """Whether a phrase said twice is a movement ("up and down, up and down") or what the next word says it is."""
    following = words[start + 2 * period : start + 2 * period + 1]
    return _WAYS.issuperset(words[start : start + period]) or not _SAYING.isdisjoint(following)


def find_refrain(words: list[str]) -> list[int]:
    """Starts of every run of four words that `words` holds three times or more, in order; empty if there is none.

    It finds loops with a changing word: "a red flower that is a green flower that is a blue flower that is a".
    """
    grams = list(zip(words, words[1:], words[2:], words[3:], strict=False))
    if len(set(grams)) > len(grams) - (TIMES - 1):
        return []  # nearly every text: too few are said again
    starts: dict[tuple[str, ...], list[int]] = {}
    for position, gram in enumerate(grams):
        starts.setdefault(gram, []).append(position)
    return sorted(start for places in starts.values() if len(places) >= TIMES for start in places)


def refrain_words(words: list[str]) -> set[int]:
    """Positions of the words that lie in a refrain."""
    return {position for start in find_refrain(words) for position in range(start, start + GRAM)}


def looped_words(words: list[str]) -> set[int]:
    """Positions of one sentence's words that lie in its first loop or in a refrain."""
    if not _recurs(words):
        return set()
    covered = refrain_words(words)
    if loop := find_loop(words):
        covered.update(range(loop.start, loop.start + loop.length))
    return covered
