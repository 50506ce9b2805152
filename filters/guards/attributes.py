"""Attributes that change hands without a new word: whose colour, how many of what, who stands where and does what."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

from filters.english import HUES, stem
from filters.guards.additions import NEGATIONS, NUMBERS
from filters.guards.words import COUNTS, LINKS, Sentences, is_content, is_thing, root

_PLACES = frozenset("left right top bottom front behind above below under over".split())


def moved_attributes(source: Sentences, answer: Sentences) -> Iterator[str]:
    """Colours and numbers that `answer` gives to other words than `source`: "a red car, a blue bus" -> "a blue car"."""
    owned = dict[str, set[str]]()
    for word, owners in _owners(source):
        owned.setdefault(word, set()).update(owners)
    for word, owners in _owners(answer):
        if owners and owned.get(word) and not owners & owned[word]:
            yield f"{word} {min(owners)}"


def moved_deeds(source: Sentences, answer: Sentences) -> Iterator[str]:
    """What the other of two things did that differ by colour alone: "the black cat", when it was the orange one."""
    given = list(_coloured(source))
    colours: dict[str, set[str]] = {}
    for colour, noun, _ in given:
        colours.setdefault(noun, set()).add(colour)
    for colour, noun, rest in _coloured(answer):
        known = [others for a, b, others in given if (a, b) == (colour, noun)]
        if len(colours.get(noun, ())) > 1 and rest and known and not any(rest & others for others in known):
            yield f"{colour} {noun} {min(rest)}"


def moved_places(source: Sentences, answer: Sentences) -> Iterator[str]:
    """Words of place that `answer` says more often, or of other things: a lamp on the left that was on the right."""
    given, said = (Counter(word for words in each for word in words if word in _PLACES) for each in (source, answer))
    yield from said - given
    if len(given) < 2:
        return
    around: dict[str, set[str]] = {}
    for place, before, after in _placed(source):
        around.setdefault(place, set()).update(before | after)
    for place, before, after in _placed(answer):
        owners = before or after
        if owners and not owners & around.get(place, owners):
            yield f"{place} {min(owners)}"


def dropped_negations(source: Sentences, answer: Sentences) -> Iterator[str]:
    """Things that `source` denies and nowhere affirms, and `answer` affirms: "is wearing a hat" for "is not"."""
    denied, affirmed = _denied(source)
    for name in sorted(_denied(answer)[1] & (denied - affirmed)):
        yield f"no more: not {name}"


def _denied(sentences: Sentences) -> tuple[set[str], set[str]]:
    """Stems of what stands behind a negation in its clause, and of all else."""
    denied: set[str] = set()
    affirmed: set[str] = set()
    for clause in _clauses(sentences):
        negated = False
        for word in clause:
            negated = negated or word in NEGATIONS or word.endswith(("n't", "n’t"))
            if is_thing(word):
                (denied if negated else affirmed).add(root(word))
    return denied, affirmed


def _placed(sentences: Sentences) -> Iterator[tuple[str, set[str], set[str]]]:
    """Each word of place with the stems of what its clause names before and after it."""
    for clause in _clauses(sentences):
        for at, word in enumerate(clause):
            if word in _PLACES:
                before, after = ({root(w) for w in part if is_thing(w)} for part in (clause[:at], clause[at + 1 :]))
                yield word, before - _PLACES, after - _PLACES


def _clauses(sentences: Sentences) -> Iterator[list[str]]:
    for words in sentences:
        starts = [0, *(at + 1 for at, word in enumerate(words) if word in LINKS), len(words) + 1]
        yield from (words[start : end - 1] for start, end in pairwise(starts))


def _coloured(sentences: Sentences) -> Iterator[tuple[str, str, set[str]]]:
    """Each colour with the word behind it, and the other content words of their clause; stems."""
    for clause in _clauses(sentences):
        content = {root(word) for word in clause if is_thing(word)}
        for colour, noun in pairwise(clause):
            if colour in HUES and is_content(noun):
                yield stem(colour), root(noun), content - {root(noun)}


def _owners(sentences: Sentences) -> Iterator[tuple[str, set[str]]]:
    """Each colour and number, by its stem, with the stems of the words that it may belong to.

    Those that follow at once ("red sports car"), else those before it in its clause ("the car in the garage is
    red"), else, in a clause that names nothing ("It is red"), all of the sentence before.
    """
    before: set[str] = set()
    for words in sentences:
        content = [root(word) if is_thing(word) else "" for word in words]
        clause: set[str] = set()
        for at, word in enumerate(words):
            if word in HUES or word in COUNTS:
                yield NUMBERS.get(word, stem(word)), _following(words, content, at) or set(clause) or before
            elif word in LINKS and not HUES.intersection(words[max(0, at - 1) : at + 2]):  # "red and gold" is one
                clause.clear()
            clause |= {content[at]} - {""}
        before = set(content) - {""}


def _following(words: list[str], content: list[str], at: int) -> set[str]:
    """Stems of the content words that stand behind words[at] in a row, other colours and numbers skipped."""
    found: set[str] = set()
    for word, name in zip(words[at + 1 :], content[at + 1 :], strict=True):
        listed = not found and (word in HUES or (word in {"and", "or"} and words[at] in HUES))
        if not name and not listed:
            break
        found |= {name} - {""}
    return found
