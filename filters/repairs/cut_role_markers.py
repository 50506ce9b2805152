"""Cut what comes after the model's turn."""

from filters.rules.role_leakage import ROLE_MARKER
from pipeline.schema import Repair


def apply(text: str) -> str:
    """`text` up to its first template mark; marks that open the text are cut off first."""
    text = text.strip()
    while opening := ROLE_MARKER.match(text):
        text = text[opening.end() :].strip()
    marker = ROLE_MARKER.search(text)
    return text[: marker.start()].rstrip() if marker else text


REPAIR = Repair(
    name="cut_role_markers",
    why="Behind ### the model plays the user and answers itself; what it said before that can be sound.",
    apply=apply,
)
