"""Drop sentences that break off."""

from filters.editing import until_settled, without_sentences
from filters.endings import cut_back, fault_of_ending
from pipeline.schema import Repair
from pipeline.text import split_sentences


def apply(text: str) -> str:
    """`text` without its unfinished sentences, at the end and at the seam of the two passes.

    If none is finished, the first is cut back to its last clause and closed with a full stop; where it has no
    clause the text stays as it is, for `dangling_ending` to judge.
    """
    return until_settled(_mend_once, text)


def _mend_once(text: str) -> str:
    sentences = split_sentences(text)
    unfinished = {position for position, sentence in enumerate(sentences) if fault_of_ending(sentence)}
    if not unfinished:
        return text
    if len(unfinished) < len(sentences):
        return without_sentences(text, unfinished)
    return cut_back(sentences[0]) or text


REPAIR = Repair(
    name="mend_ending",
    why="A token limit cuts the last sentence anywhere; the sentences before it are sound.",
    apply=apply,
)
