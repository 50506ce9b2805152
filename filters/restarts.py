"""Where a description begins for the second time."""

from __future__ import annotations

import re
from collections.abc import Sequence

_PICTURE = r"(?:image|picture|photo|photograph|drawing|illustration|clip ?art|painting|cartoon|graphic|scene)"
_NEW = r"(?:a|an|some|two|three|four|several|many)\b"  # a definite noun goes on: "The image shows the man's hat"
_OPENING = re.compile(
    rf"(?:(?:the|this|an?) {_PICTURE} (?:shows|depicts|features|displays|contains|shown is|is of) {_NEW}"
    rf"|(?:(?:the|this) {_PICTURE}|this|it|here) is an? (?:\w+ ){{0,3}}{_PICTURE} of"
    rf"|this is {_NEW}"
    rf"|(?:in )?this {_PICTURE} is {_NEW})",
    re.IGNORECASE,
)


def find_restart(sentences: Sequence[str]) -> int | None:
    """Position of the second sentence that opens a description; None if there is at most one.

    "The image shows a bus." opens one; "The image also shows a man." and "The image is bright." do not.
    """
    openings = [position for position, sentence in enumerate(sentences) if _OPENING.match(sentence)]
    return openings[1] if len(openings) > 1 else None
