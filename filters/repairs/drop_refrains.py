"""Say a closing clause once."""

import re

from filters.editing import until_settled
from filters.endings import fault_of_ending
from filters.english import FINITE_VERBS
from pipeline.schema import Repair, split_words
from pipeline.text import sentence_spans

_LEAST = 4  # words; `refrain` counts runs of as many
_LAST_CLAUSE = re.compile(r",\s+([^,]+?)[.!?]$")


def apply(text: str) -> str:
    """`text` with clauses that close a sentence cut off where they have closed an earlier one.

    Of "..., giving the scene a lively atmosphere." in each sentence the first stays.
    """
    return until_settled(_drop_first, text)


def _drop_first(text: str) -> str:
    said: set[tuple[str, ...]] = set()
    for start, end in sentence_spans(text):
        clause = _LAST_CLAUSE.search(text, start, end)
        words = split_words(clause[1]) if clause else ()
        if clause is None or len(words) < _LEAST:
            continue
        shortened = text[start : clause.start()] + text[end - 1 : end]
        if words in said and not fault_of_ending(shortened) and not FINITE_VERBS.isdisjoint(split_words(shortened)):
            return text[:start] + shortened + text[end:]
        said.add(words)
    return text


REPAIR = Repair(
    name="drop_refrains",
    why="A clause that closes sentence after sentence says nothing of any; the sentences before it can be sound.",
    apply=apply,
)
