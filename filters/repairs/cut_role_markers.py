"""Cut what comes after the model's turn."""

import re

from filters.editing import until_settled
from filters.quotations import own_words
from filters.rules.role_leakage import ROLE_MARKER
from pipeline.schema import Repair

_ASKING = re.compile(r"\W*(?:human|user|q|question|prompt|instruction)\b", re.IGNORECASE)
_ANSWERING = re.compile(r"\W*(?:assistant|a|answer|response|bot|gpt|ai)\b|\[/INST\]", re.IGNORECASE)


def apply(text: str) -> str:
    """`text` up to its first template mark; marks that open it are cut off, with the user's turn if they open one."""
    return until_settled(_cut_once, text.strip())


def _cut_once(text: str) -> str:
    marks = list(ROLE_MARKER.finditer(own_words(text)))
    if not marks:
        return text
    if marks[0].start() > 0:
        return text[: marks[0].start()].rstrip()
    if _ASKING.match(marks[0][0]):
        answers = (mark.end() for mark in marks[1:] if _ANSWERING.match(mark[0]))
        return text[next(answers, marks[0].end()) :].strip()
    return text[marks[0].end() :].strip()


REPAIR = Repair(
    name="cut_role_markers",
    why="Behind ### the model plays the user and answers itself; what it said before that can be sound.",
    apply=apply,
)
