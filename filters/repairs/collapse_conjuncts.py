"""Name a thing once that is joined with itself."""

import re

from filters.editing import until_settled
from filters.rules.repeated_conjunct import CONJUNCTS, is_english
from pipeline.schema import Repair


def apply(text: str) -> str:
    """Make "flowers and flowers" and "food, food and food" one word; "on and on" stays."""
    return until_settled(lambda once: CONJUNCTS.sub(_collapse, once), text)


def _collapse(found: re.Match[str]) -> str:
    return found[0] if is_english(found) else found["word"]


REPAIR = Repair(
    name="collapse_conjuncts",
    why="The list says no more than its one member, and the sentence around it can be sound.",
    apply=apply,
)
