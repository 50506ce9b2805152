"""Keep the first of two descriptions."""

from filters.editing import until_settled
from filters.restarts import find_restart
from pipeline.schema import Repair
from pipeline.text import sentence_spans


def apply(text: str) -> str:
    """`text` up to the sentence that opens a description for the second time."""
    return until_settled(_cut_once, text)


def _cut_once(text: str) -> str:
    spans = sentence_spans(text)
    restart = find_restart([text[start:end] for start, end in spans])
    return text if restart is None else text[: spans[restart][0]].rstrip()


REPAIR = Repair(
    name="cut_restart",
    why="What follows a restart repeats the first description or contradicts it; the first pass saw the whole prompt.",
    apply=apply,
)
