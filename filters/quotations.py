"""Matching what a description says itself, not the words it reads off a sign."""

from __future__ import annotations

import re

from filters.english import excerpt
from pipeline.schema import Measurement

_QUOTED = re.compile(r'"[^"]*"|“[^”]*”|(?<!\w)[\'‘](?:[^\'’]|(?<=\w)[\'’](?=\w))*[\'’](?!\w)')


def blank_quotations(text: str) -> str:
    """`text` with everything in quotation marks replaced by as many spaces."""
    return _QUOTED.sub(lambda quoted: " " * len(quoted[0]), text)


def count_matches(pattern: re.Pattern[str], text: str) -> Measurement:
    """How often `pattern` matches outside quotation marks, and the first place where it does.

    A text that is one quotation as a whole is looked into: nobody else is speaking there.
    """
    own = blank_quotations(text)
    matches = list(pattern.finditer(own if own.strip(" .") else text))
    return Measurement(float(len(matches)), excerpt(text, *matches[0].span()) if matches else "")
