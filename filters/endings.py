"""How sentences end: whether one is finished, and where an unfinished one can be cut back to a clause."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from filters.dictionary import is_stump
from filters.english import (
    ARTICLES,
    CONJUNCTIONS,
    COPULAS,
    FINITE_VERBS,
    POSSESSIVES,
    PREPOSITIONS,
    RELATIVES,
)
from pipeline.schema import WORD

_STOPS = frozenset(".!?")
_STOP = re.compile(r"[.!?…][\"'”’)\]}»]*$")
_ELLIPSIS = re.compile(r"(?:\.\.+|…)[\"'”’)\]}»]*$")
# It trails off on the sign: within quotation marks, or behind "a board that says".
_QUOTED_ELLIPSIS = re.compile(
    r"[\"“][^\"“”]*(?:\.\.+|…)[\"”][.)]?$|\b(?:says?|reads?|words?|titled)[:,]? [A-Z][^.!?]*(?:\.\.+|…)$"
)
_CLOSING = frozenset(')]}"”»')  # a caption of one phrase may end on what it opened
_NUMBER = re.compile(r"\(?\d+[.)]+|[-*•]")
_ITEM = re.compile(r"(?:^|\s)(?:[-*•]|\d+[.)])\s+\S")
_LISTED = re.compile(r"[:\n]\s*(?:[-*•]|\d+[.)])\s+\S")  # a list follows a colon or stands in lines
_BARE, _TRAILS = "no terminal punctuation", "trails off"
_TAIL = re.compile(r"[\s,;:\-–—(\[{\"“'‘.!?…&/]+$")  # what may hang behind the last word of a clause
_BOUNDARY = re.compile(
    r"\s*[,;:(–—]\s|\s-\s|\s(?=(?:and|but|or|that|which|who|where|while|with|as|because|when|so|if|then"
    r"|in|on|at|by|from|under|above|behind|over|near|inside|through|between)\b)",
    re.IGNORECASE,
)
_OPEN = {"(": ")", "[": "]", "{": "}", "“": "”"}
_MARKS = frozenset('()[]{}“”"')
_INCHES = re.compile(r'(?<=\d)"')  # 5" is five inches
_NEVER_LAST = (ARTICLES | POSSESSIVES | CONJUNCTIONS | frozenset("which who whom every very".split())) - {"though"}
_ALLOWED_LAST = frozenset(
    [("a", "while"), ("as", "is"), ("human", "being"), ("a", "little"), ("the", "like"), ("or", "was"), ("or", "were")]
)
# "what it is made of", "the man she talks to" are finished; "a vase full of" is not.
_STRANDED = frozenset("of from to with for at into onto upon between among toward towards during like".split())
_ASKING = RELATIVES | frozenset("to whatever whichever being been".split())
_INNER_SUBJECTS = frozenset("he she it they we you".split())  # "the bus he is waiting for"
_CLAUSAL = RELATIVES | _INNER_SUBJECTS | frozenset("as than whatever so".split())  # "larger than the others are"
_COUNTING = RELATIVES | frozenset("as than all few".split())  # "the smallest that there are"
_BEFORE_VERB = frozenset(
    "seems seem appears appear going trying tries try about ready likely begins begin starts start continues wants"
    " want preparing able attempting".split()
)  # "to" is on its way to a verb behind these
_YET = frozenset("yet used ought".split())  # "has yet to be", "as it used to be"
_LINKING_SIZE = frozenset("by with of".split())
_THAT_AFTER = frozenset(
    "about after all as at before by do did does doing for from in is just know like of on say says than to was"
    " with".split()
)
_BARE_ADJECTIVES = frozenset(
    "red blue green yellow black white brown grey gray pink purple orange large small big little tall short long old"
    " young bright beautiful different".split()
)
_LINKS = frozenset("because when while where who which if and but so that".split())  # "because he."
_SIZES = frozenset("large big little small tall huge tiny long short".split())  # "the young" are people
_PLAIN_END = re.compile(r"\s\w\w+[.!?]$")  # an ordinary word and its stop: nearly every sentence
_SUSPECT = (
    _NEVER_LAST | _STRANDED | COPULAS | _BARE_ADJECTIVES | _SIZES | _INNER_SUBJECTS | frozenset(["that"])
)  # last words that are looked at closely
_CUT_WORD = re.compile(r"\s([a-z]{4,})[.]?$")
_LETTER_NAMES = frozenset(
    "letter letters first second third last capital small big vitamin grade plan type section point line size".split()
)


def find_unfinished(text: str, sentences: Sequence[str]) -> dict[int, str]:
    """Map the position of each of the `sentences` of `text` that is unfinished to what is wrong with it.

    Three kinds of text do without a terminal mark: a caption of one phrase that starts in lower case, as people write
    them ("a man rides a horse"), or closes a bracket or a quotation at its end; the items of a list in lines; and what
    goes on behind a semicolon.
    """
    faults: dict[int, str] = {}
    last = len(sentences) - 1
    for position, sentence in enumerate(sentences):
        fault = fault_of_ending(sentence)
        if (fault == _BARE and _does_without(text, sentences, position)) or (fault == _TRAILS and position < last):
            fault = ""  # what trails off in the middle was meant to ("plums, pears... The labels are")
        if fault == "" and position and position == last and _NUMBER.fullmatch(sentence.strip()):
            fault = "a number without its item"
        if not fault and position == last and (cut := _CUT_WORD.search(sentence)) and is_stump(cut[1]):
            fault = f'cut word "{cut[1]}"'
        if fault:
            faults[position] = fault
    return faults


def _does_without(text: str, sentences: Sequence[str], position: int) -> bool:
    """Whether a sentence whose only fault is that it has no terminal mark needs none."""
    sentence = sentences[position].rstrip()
    if position < len(sentences) - 1 and sentence[-1] in ";:":
        return True
    words = WORD.findall(sentence)
    if not words or sentence[-1] in ",;:-–—&/" or open_mark(sentence) or fault_of_last_word(words):
        return False
    alone = len(sentences) == 1 and len(words) > 3
    phrase = alone and (sentence[-1] in _CLOSING or (words[0][0].islower() and words[-1].isascii()))
    listed = position == len(sentences) - 1 and len(_ITEM.findall(text)) > 1 and _LISTED.search(text) is not None
    return phrase or listed


def fault_of_ending(sentence: str) -> str:
    """Why `sentence` is unfinished, in a few words; "" for a finished one.

    No terminal mark or an ellipsis (C4's terminal punctuation), or a word before the mark that nothing ends with.
    """
    text = sentence.rstrip()
    if _MARKS.isdisjoint(text) and _ends_plainly(text):
        return ""
    if not _STOP.search(text):
        return _BARE
    if _ELLIPSIS.search(text) and not _QUOTED_ELLIPSIS.search(text):
        return fault_of_last_word(WORD.findall(text)) or _TRAILS if WORD.search(text) else "no words"
    body = _STOP.sub("", text)
    if re.search(r"[,;:\-–—&/]\s*$", body):
        return "punctuation before the stop"
    if mark := open_mark(text):
        return f"{mark} is never closed"
    words = WORD.findall(body)
    return fault_of_last_word(words) if words else "no words"


def _ends_plainly(text: str) -> bool:
    """Whether a stop follows an ordinary word, or a symbol that the picture shows ("begins with a ♯.")."""
    if _PLAIN_END.search(text[-24:]):
        return text[:-1].rsplit(None, 1)[-1].lower() not in _SUSPECT
    return text[-1:] in _STOPS and not text.isascii() and unicodedata.category(text[-2:-1] or " ").startswith("S")


def fault_of_last_word(words: list[str]) -> str:
    """Why the last of a sentence's words cannot be its last, or ""."""
    last, before = words[-1].lower(), [word.lower() for word in words[:-1]]
    previous = before[-1] if before else ""
    twice = last in RELATIVES and last in before[-2:-1] and previous in COPULAS | PREPOSITIONS  # "who is who"
    if twice or (last == "be" and previous == "to" and not _YET.isdisjoint(before[-2:-1])):
        return ""
    lettered = previous in _LETTER_NAMES or (previous in {"and", "or", "to"} and len("".join(before[-2:-1])) == 1)
    if (previous, last) in _ALLOWED_LAST or (lettered and len(last) == 1):
        return ""
    asked = any(word in _ASKING for word in before) or any(word in _INNER_SUBJECTS for word in before[1:])
    dangles = (
        (last in _NEVER_LAST and words[-1] != "A")
        or (last in _STRANDED and not asked)
        or (last in COPULAS and _CLAUSAL.isdisjoint(before[:-1]) and previous not in _INNER_SUBJECTS | {"what", "who"})
        or (last in COPULAS and previous in {"that", "which"} and before[-2:-1] not in (["all"], ["than"], ["how"]))
        or (last in COPULAS and previous == "there" and _COUNTING.isdisjoint(before))
        or (last == "to" and previous in _BEFORE_VERB)
        or (last == "that" and previous not in _THAT_AFTER)
        or (last in _BARE_ADJECTIVES and previous in {"a", "an"})
        or (last in _INNER_SUBJECTS - {"it", "you"} and previous in _LINKS)
        or (last in _SIZES and (previous == "the" or previous in _LINKING_SIZE))
    )
    if dangles:
        return f'ends on "{last}"'
    lone = len(last) == 1 and last.isalpha() and words[-1].islower() and last not in "aiox"
    if lone and len(before) > 1 and not previous.isdigit() and len(previous) > 1:  # "3.5 m", "8 a.m."
        return f'cut word "{last}"'
    return ""


def open_mark(text: str) -> str:
    """The first bracket or double quote that `text` opens and never closes; "" if there is none."""
    marks = [mark for mark in text if mark in _MARKS]
    if marks.count('"') % 2 and _INCHES.search(text):
        marks = [mark for mark in _INCHES.sub("", text) if mark in _MARKS]
    waiting: list[str] = []
    for mark in marks:
        if waiting and mark == (_OPEN.get(waiting[-1]) or '"'):
            waiting.pop()
        elif mark in _OPEN or mark == '"':
            waiting.append(mark)
    return waiting[0] if waiting else ""


def trim_ending(text: str) -> str:
    """`text` up to the last word that can end it, marks behind it and a part that opens a bracket cut off."""
    text = _TAIL.sub("", text)
    while (words := WORD.findall(text)) and (fault_of_last_word(words) or words[-1].lower() in PREPOSITIONS):
        text = _TAIL.sub("", text[: text.rindex(words[-1])])
    if mark := open_mark(text):
        return trim_ending(text[: text.index(mark)])
    return text if words else ""


def close_clause(text: str) -> str:
    """`trim_ending` closed by a full stop; "" unless a finite verb is left with words on both sides of it."""
    text = trim_ending(text)
    inner = [word.lower() for word in WORD.findall(text)[1:-1]]
    return f"{text}." if any(word in FINITE_VERBS for word in inner) else ""


def cut_back(sentence: str) -> str:
    """The longest finished clause that opens `sentence`, which is unfinished; "" where there is none.

    It ends before the last comma, linking word or preposition: what stands behind was still on its way.
    """
    cuts = [match.start() for match in _BOUNDARY.finditer(sentence)]
    clauses = (close_clause(sentence[:cut]) for cut in reversed(cuts))
    return next((clause for clause in clauses if clause), "")
