"""Say each thing once."""

from filters.duplicates import find_repeats
from filters.editing import until_settled, without_sentences
from pipeline.schema import Repair
from pipeline.text import split_sentences


def apply(text: str) -> str:
    """`text` without the sentences that repeat an earlier one, word for word or nearly; the first stays."""
    return until_settled(lambda once: without_sentences(once, find_repeats(split_sentences(once))), text)


REPAIR = Repair(
    name="drop_duplicate_sentences",
    why='MiniGPT-4\'s repair asks to "remove any repeating sentences"; leaving them out needs no language model.',
    apply=apply,
)
