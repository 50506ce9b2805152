"""Drop sentences that break off."""

from filters.editing import until_settled, without_sentences
from filters.endings import cut_back, find_unfinished
from pipeline.schema import Repair
from pipeline.text import split_sentences

_ENOUGH = 50  # characters that make a description (MiniGPT-4's); with fewer, half of a broken sentence is worth keeping


def apply(text: str) -> str:
    """`text` without its unfinished sentences, at the end and at the seam of the two passes.

    Where too little would be left, the broken sentence is cut back to its last clause and closed with a full stop;
    a text without any clause stays as it is, for `dangling_ending` to judge.
    """
    return until_settled(_mend_once, text)


def _mend_once(text: str) -> str:
    sentences = split_sentences(text)
    unfinished = find_unfinished(text, sentences)
    if not unfinished:
        return text
    kept = without_sentences(text, unfinished)
    if len(kept) >= _ENOUGH or (kept and len(unfinished) > 1):
        return kept
    broken = min(unfinished)
    clause = cut_back(sentences[broken])
    if not clause:
        return kept or text
    return " ".join(clause if position == broken else sentence for position, sentence in enumerate(sentences))


REPAIR = Repair(
    name="mend_ending",
    why="A token limit cuts the last sentence anywhere; the sentences before it are sound.",
    apply=apply,
)
