"""Say a stuttered word once."""

import re

from filters.editing import until_settled
from filters.quotations import own_words
from filters.rules.word_stutter import STUTTER, kept_words
from pipeline.schema import Repair


def apply(text: str) -> str:
    """Make "the the the" one "the", and "very very very" a "very very", since English doubles that word itself."""
    return until_settled(_collapse_all, text)


def _collapse_all(text: str) -> str:
    position, pieces = 0, []
    for run in STUTTER.finditer(own_words(text)):
        pieces += [text[position : run.start()], _collapse(run)]
        position = run.end()
    return "".join(pieces) + text[position:]


def _collapse(run: re.Match[str]) -> str:
    words = list(re.finditer(r"[^\s,/]+", run[0]))
    return run[0][: words[kept_words(run) - 1].end()]


REPAIR = Repair(
    name="collapse_stutter",
    why="A stuttered word carries no more than the word, and the sentence around it can be sound.",
    apply=apply,
)
