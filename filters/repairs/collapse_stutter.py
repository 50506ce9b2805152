"""Say a stuttered word once."""

import re

from filters.editing import until_settled
from filters.rules.word_stutter import STUTTER, allowed_run
from pipeline.schema import Repair


def apply(text: str) -> str:
    """Make "the the the" one "the", and "very very very" a "very very", since English doubles that word itself."""
    return until_settled(lambda once: STUTTER.sub(_collapse, once), text)


def _collapse(run: re.Match[str]) -> str:
    kept = allowed_run(run[0])
    words = list(re.finditer(r"[^\s,]+", run[0]))
    return run[0][: words[kept - 1].end()]


REPAIR = Repair(
    name="collapse_stutter",
    why="A stuttered word carries no more than the word, and the sentence around it can be sound.",
    apply=apply,
)
