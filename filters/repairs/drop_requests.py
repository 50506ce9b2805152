"""Drop the instruction that a description repeats."""

from filters.editing import drop_where, until_settled
from filters.rules.instruction_echo import is_request
from pipeline.schema import Repair


def apply(text: str) -> str:
    """`text` without the sentences that ask for a description, or are a part of such a request."""
    return until_settled(lambda once: drop_where(once, is_request), text)


REPAIR = Repair(
    name="drop_requests",
    why="A model that repeats its instruction often goes on to follow it.",
    apply=apply,
)
