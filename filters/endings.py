"""How sentences end: whether one is finished, and where an unfinished one can be cut back to a clause."""

from __future__ import annotations

import re

from filters.english import (
    ARTICLES,
    CONJUNCTIONS,
    COPULAS,
    FINITE_VERBS,
    POSSESSIVES,
    PREPOSITIONS,
    RELATIVES,
)

_STOP = re.compile(r"[.!?…][\"'”’)\]}»]*$")
_ELLIPSIS = re.compile(r"(?:\.\.+|…)[\"'”’)\]}»]*$")
_WORD = re.compile(r"\w+(?:['’\-]\w+)*")
_TAIL = re.compile(r"[\s,;:\-–—(\[{\"“'‘.!?…&/]+$")  # what may hang behind the last word of a clause
_BOUNDARY = re.compile(
    r"\s*[,;:(–—]\s|\s-\s|\s(?=(?:and|but|or|that|which|who|where|while|with|as|because|when|so|if|then"
    r"|in|on|at|by|from|under|above|behind|over|near|inside|through|between)\b)",
    re.IGNORECASE,
)
_OPEN = {"(": ")", "[": "]", "{": "}", "“": "”"}
_NEVER_LAST = (ARTICLES | POSSESSIVES | CONJUNCTIONS | frozenset("which who whom every very".split())) - {"though"}
_ALLOWED_LAST = frozenset([("a", "while"), ("as", "is"), ("human", "being")])
# "what it is made of", "the man she talks to" are finished; "a vase full of" is not.
_STRANDED = frozenset("of from to with for at into onto upon between among toward towards during like".split())
_ASKING = RELATIVES | frozenset("to whatever whichever being been".split())
_INNER_SUBJECTS = frozenset("he she it they we you".split())  # "the bus he is waiting for"
_THAT_AFTER = frozenset(
    "about after all as at before by do did does doing for from in is just know like of on say says than to was"
    " with".split()
)
_BARE_ADJECTIVES = frozenset(
    "red blue green yellow black white brown grey gray pink purple orange large small big little tall short long"
    " old young bright beautiful different".split()
)
_LETTER_NAMES = frozenset("letter letters vitamin grade plan type section point line size".split())


def fault_of_ending(sentence: str) -> str:
    """Why `sentence` is unfinished, in a few words; "" for a finished one.

    No terminal mark or an ellipsis (C4's terminal punctuation), or a word before the mark that nothing ends with.
    """
    text = sentence.rstrip()
    if not _STOP.search(text):
        return "no terminal punctuation"
    if _ELLIPSIS.search(text):
        return "trails off"
    body = _STOP.sub("", text)
    if re.search(r"[,;:\-–—&/]\s*$", body):
        return "punctuation before the stop"
    if mark := open_mark(text):
        return f"{mark} is never closed"
    words = _WORD.findall(body)
    return _fault_of_last_word(words) if words else "no words"


def _fault_of_last_word(words: list[str]) -> str:
    """Why the last of a sentence's words cannot be its last, or ""."""
    last, before = words[-1].lower(), [word.lower() for word in words[:-1]]
    previous = before[-1] if before else ""
    if (previous, last) in _ALLOWED_LAST or (previous in _LETTER_NAMES and len(last) == 1):
        return ""
    asked = any(word in _ASKING for word in before) or any(word in _INNER_SUBJECTS for word in before[1:])
    dangles = (
        (last in _NEVER_LAST and words[-1] != "A")
        or (last in _STRANDED | COPULAS and not asked)
        or (last == "that" and previous not in _THAT_AFTER)
        or (last in _BARE_ADJECTIVES and previous in {"a", "an"})
    )
    if dangles:
        return f'ends on "{last}"'
    lone = len(last) == 1 and last.isalpha() and words[-1].islower() and last not in "aiox"
    if lone and len(before) > 1 and not previous.isdigit():  # "3.5 m" is a measure
        return f'cut word "{last}"'
    return ""


def open_mark(text: str) -> str:
    """The first bracket or double quote that `text` opens and never closes; "" if there is none."""
    waiting: list[str] = []
    for mark in re.sub(r'(?<=\d)"', "", text):  # 5" is five inches
        if waiting and mark == (_OPEN.get(waiting[-1]) or '"'):
            waiting.pop()
        elif mark in _OPEN or mark == '"':
            waiting.append(mark)
    return waiting[0] if waiting else ""


def trim_ending(text: str) -> str:
    """`text` up to the last word that can end it, marks behind it and a part that opens a bracket cut off."""
    text = _TAIL.sub("", text)
    while (words := _WORD.findall(text)) and (_fault_of_last_word(words) or words[-1].lower() in PREPOSITIONS):
        text = _TAIL.sub("", text[: text.rindex(words[-1])])
    if mark := open_mark(text):
        return trim_ending(text[: text.index(mark)])
    return text if words else ""


def close_clause(text: str) -> str:
    """`trim_ending` closed by a full stop; "" unless a finite verb is left with words on both sides of it."""
    text = trim_ending(text)
    inner = [word.lower() for word in _WORD.findall(text)[1:-1]]
    return f"{text}." if any(word in FINITE_VERBS for word in inner) else ""


def cut_back(sentence: str) -> str:
    """The longest finished clause that opens `sentence`, which is unfinished; "" where there is none.

    It ends before the last comma, linking word or preposition: what stands behind was still on its way.
    """
    cuts = [match.start() for match in _BOUNDARY.finditer(sentence)]
    clauses = (close_clause(sentence[:cut]) for cut in reversed(cuts))
    return next((clause for clause in clauses if clause), "")
