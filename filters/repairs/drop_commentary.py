"""Drop what the writer says of the text."""

import re

from filters.editing import until_settled, without_sentences
from filters.quotations import count_matches
from filters.rules.rewriter_commentary import COMMENTARY
from pipeline.schema import Repair
from pipeline.text import split_sentences

_LEAD = re.compile(r"^[^.!?:\"]{0,120}:\s*(?=\S)")
_WRAPPED = re.compile(r'^"([^"]+)"$|^“([^”]+)”$')


def apply(text: str) -> str:
    """`text` without remarks about it; of "Here is the corrected paragraph: A cat." the description stays."""
    return until_settled(_drop_first, text)


def _drop_first(text: str) -> str:
    lead = _LEAD.match(text)
    if lead and count_matches(COMMENTARY, lead[0]).value:
        return _unwrap(text[lead.end() :])
    for position, sentence in enumerate(split_sentences(text)):
        if count_matches(COMMENTARY, sentence).value:
            return _unwrap(without_sentences(text, {position}))
    return text


def _unwrap(text: str) -> str:
    """A description that was quoted as a whole, without the quotation marks."""
    wrapped = _WRAPPED.match(text)
    return next(group for group in wrapped.groups() if group).strip() if wrapped else text


REPAIR = Repair(
    name="drop_commentary",
    why="A remark about the text is not about the picture, and the description beside it can be sound.",
    apply=apply,
)
