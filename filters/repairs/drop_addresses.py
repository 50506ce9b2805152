"""Drop sentences that hold an address."""

from filters.editing import drop_where, until_settled
from filters.rules import address
from pipeline.schema import Passage, Repair


def apply(text: str) -> str:
    """`text` without the sentences that hold a web or mail address or a file name, if another one stays."""
    return until_settled(lambda once: drop_where(once, _has_address), text)


def _has_address(sentence: str) -> bool:
    return address.measure(Passage(sentence)).value > 0


REPAIR = Repair(
    name="drop_addresses",
    why="A sentence with an address speaks of the page around the picture; the others can be sound.",
    apply=apply,
)
