"""One way to write each character, and one blank between words."""

import unicodedata

from filters.restarts import part_seams
from pipeline.schema import Repair

_NO_CHARACTER = frozenset(["Cc", "Cs", "Co", "Cn"])  # control, surrogate, private use, unassigned
_REPLACEMENTS = "\ufffc\ufffd"


def apply(text: str) -> str:
    """Unicode NFC; format characters dropped; control and replacement characters and runs of white space one space.

    A full stop and a sentence that touches it get a space between them.
    """
    return part_seams(unicodedata.normalize("NFC", " ".join("".join(map(_plain, text)).split())))


def _plain(character: str) -> str:
    """Nothing for a format character, a space for one that stands for no character, else the character itself."""
    category = unicodedata.category(character)
    if category == "Cf":
        return ""
    return " " if category in _NO_CHARACTER or character in _REPLACEMENTS else character


REPAIR = Repair(
    name="normalise",
    why="Two ways to write one text would count as two texts, and invisible characters hide from a reader.",
    apply=apply,
)
