"""Sentences of another language in Latin script inside English."""

from __future__ import annotations

import re
from itertools import chain

from filters.foreign import foreign_run, is_sentence, is_unknown, may_be_foreign
from filters.quotations import own_words
from pipeline.schema import WORD, Measurement, Passage, Rule

_CLAUSE = re.compile(r"[^,;:()–—]+")
_NAMING = re.compile(
    r"\b(?:called|named|known as|titles?|titled|songs?|motto|inscription|words?|says?|reads?|reading)\b"
)
# Where dishes are named; a run of foreign words there is no sentence unless it has two words that names have not.
_SERVING = re.compile(
    r"\b(?:menus?|slate|chalkboard|bistro|restaurants?|trattoria|café|bakery|deli|dish(?:es)?|plates?|bowls?|platter"
    r"|offers?|offering|serv(?:es|ed|ing)|street food|stall|tray|pastr(?:y|ies)|cheeses?|wines?)\b",
    re.IGNORECASE,
)
# What has a title: "a poster for Der Himmel über Berlin".
_TITLED = re.compile(
    r"\b(?:posters?|films?|movies?|books?|novels?|albums?|records?|songs?|operas?|plays?|paintings?|cop(?:y|ies) of"
    r"|magazines?|newspapers?|hymns?|carols?|statues?|shops?|street|square|bridge|ship|boat)\b",
    re.IGNORECASE,
)
_LONGEST_TITLE = 6  # words
_LONGEST_ITEM = 3  # words of what is listed ("diatoms, radiolarians, foraminifera")


def is_foreign_sentence(sentence: str) -> bool:
    """Whether a sentence, what it quotes left out, is in another language or has a clause that is."""
    return bool(_foreign_words(sentence))


def _foreign_words(sentence: str) -> list[str]:
    own = own_words(sentence)
    cased = WORD.findall(own)
    words = [word.lower() for word in cased]
    run = foreign_run(words, cased)
    if run and not _is_name(own, cased, *run):
        return cased[slice(*run)]
    clauses = [WORD.findall(clause) for clause in _CLAUSE.findall(own)]
    listed = len(clauses) > 2 and max(map(len, clauses)) <= _LONGEST_ITEM
    if not listed and is_unknown(words, cased, whole=True):
        return cased
    if listed or _NAMING.search(own):
        return []
    return list(chain(*(clause for clause in clauses if is_unknown([w.lower() for w in clause], clause, whole=False))))


def _is_name(sentence: str, words: list[str], start: int, end: int) -> bool:
    """Whether the foreign words from `start` to `end` name a dish or a work in an English sentence."""
    if not 0 < end - start < len(words) or end - start > _LONGEST_TITLE:
        return False
    if words[start][0].isupper() and start and _TITLED.search(sentence):
        return True
    return _SERVING.search(sentence) is not None and not is_sentence(words[start:end])


def measure(passage: Passage) -> Measurement:
    """Share of all words that stand in a foreign sentence or clause (`filters.foreign`); 0 to 1."""
    if not may_be_foreign(passage):
        return Measurement(0.0)
    found, evidence = 0, ""
    for sentence in passage.sentences:
        if foreign := _foreign_words(sentence):
            found += len(foreign)
            evidence = evidence or f'"{" ".join(foreign[:8])}"'
    return Measurement(found / len(passage.words) if found else 0.0, evidence)


RULE = Rule(
    name="mixed_language",
    why="langdetect calls an English text with a German sentence in it English, and so do all who vote by the text.",
    source="stop-word language identification (Grefenstette 1995), by sentence and clause",
    measure=measure,
    fails="above",
    limit=0.0,
    mendable=True,
)
