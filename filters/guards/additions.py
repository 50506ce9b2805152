"""Words, numbers and names that an answer has and its source lacks."""

from __future__ import annotations

from collections.abc import Sequence

import snowballstemmer

from filters.english import FRAME_WORDS, FUNCTION_WORDS, PLACE_PREPOSITIONS, stem
from filters.guards.spelling import is_misspelling

NUMBERS = {
    word: str(number)
    for number, word in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen"
        " seventeen eighteen nineteen twenty".split()
    )
} | {"dozen": "12", "pair": "2", "couple": "2"}
NEGATIONS = frozenset("not no n't neither nor never without".split())
_CLAIMS = NEGATIONS | frozenset("both each all every".split())  # function words that state a fact
_MENDING = frozenset("in on into onto additionally overall however together well including shown".split())
# A rewriter needs these to mend a sentence. "under", "left", "both" or "not" would change what the sentence claims.
FREE = (FUNCTION_WORDS - PLACE_PREPOSITIONS - _CLAIMS) | _MENDING | FRAME_WORDS
_SPELLINGS = (("our", "or"), ("ise", "ize"), ("isation", "ization"), ("tre", "ter"), ("grey", "gray"), ("ll", "l"))
_PLAIN = snowballstemmer.stemmer("english")  # `stem` joins "lives" with "life", this one with "live"
_LEAST_CUT = 4  # letters of a word that was cut off which say what word it was


def added_words(source: Sequence[str], answer: Sequence[str], cut: str = "") -> list[str]:
    """The words of `answer` that `source` does not have in any inflection, in order, each once.

    Function words that mend a sentence are free; number words and digits are the same; British and American
    spellings are one; a hyphenated word is its parts; a misspelt word may be mended ("sanwich"). `cut` is the last
    word of a source that breaks off: an answer may finish it where four letters of it are there.
    """
    gone = set(source) - set(answer)
    known = {form for word in source for part in _parts(word) for form in _forms(part)}
    negated = any(word.endswith(("n't", "n’t")) or word in NEGATIONS for word in source)

    def is_known(part: str) -> bool:
        finished = len(cut) >= _LEAST_CUT and part.startswith(cut)
        negation = part in NEGATIONS and negated
        return finished or negation or bool(_forms(part) & known) or any(is_misspelling(word, part) for word in gone)

    return [
        word for word in dict.fromkeys(answer) if word not in FREE and not all(is_known(part) for part in _parts(word))
    ]


def share_kept(source: Sequence[str], answer: Sequence[str]) -> float:
    """Share of the content words of `source`, each counted once, that `answer` still has; 1 where there are none."""
    content = set(source) - FREE
    return 1.0 - len(added_words(answer, source)) / len(content) if content else 1.0


def _parts(word: str) -> list[str]:
    return [part for part in word.split("-") if part] or [word]


def _forms(part: str) -> set[str]:
    """What `part` may be recognised by: its stems, its number, its other spelling."""
    if part in NUMBERS:
        return {NUMBERS[part]}
    others = [part.replace(british, american) for british, american in _SPELLINGS if british in part]
    if part.endswith("ed"):
        others.append(part[:-1])  # "glued" is of "glue"
    elif part.endswith("ing"):
        others.append(part[:-3] + "e")
    adverb = {stem(part[:-2]), stem(part[:-3] + "y")} if part.endswith("ly") else set[str]()
    return {stem(part), _PLAIN.stemWord(part), *map(stem, others)} | adverb
