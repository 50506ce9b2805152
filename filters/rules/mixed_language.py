"""Sentences of another language in Latin script inside English."""

from __future__ import annotations

import re
from itertools import chain

from filters.foreign import foreign_run, is_unknown, may_be_foreign
from filters.quotations import own_words
from pipeline.schema import WORD, Measurement, Passage, Rule

_CLAUSE = re.compile(r"[^,;:()–—]+")
_NAMING = re.compile(
    r"\b(?:called|named|known as|titles?|titled|songs?|motto|inscription|words?|says?|reads?|reading)\b"
)


def is_foreign_sentence(sentence: str) -> bool:
    """Whether a sentence, what it quotes left out, is in another language or has a clause that is."""
    return bool(_foreign_words(sentence))


def _foreign_words(sentence: str) -> list[str]:
    own = own_words(sentence)
    cased = WORD.findall(own)
    words = [word.lower() for word in cased]
    if run := foreign_run(words, cased):
        return cased[slice(*run)]
    if is_unknown(words, cased, whole=True):
        return cased
    if _NAMING.search(own):
        return []
    clauses = (WORD.findall(clause) for clause in _CLAUSE.findall(own))
    return list(chain(*(clause for clause in clauses if is_unknown([w.lower() for w in clause], clause, whole=False))))


def measure(passage: Passage) -> Measurement:
    """Share of all words that stand in a foreign sentence or clause (`filters.foreign`); 0 to 1."""
    if not may_be_foreign(passage.vocabulary):
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
