"""Leave a loop after its first round."""

from __future__ import annotations

from filters.editing import until_settled
from filters.endings import close_clause, cut_back, fault_of_ending, trim_ending
from filters.english import content_stems, enumerates
from filters.loops import GRAM, Loop, find_loop, find_refrain, loop_words
from pipeline.schema import WORD, Repair
from pipeline.text import sentence_spans


def apply(text: str) -> str:
    """`text` with every looping sentence cut back to a clean clause, or dropped where it has none.

    "The flower is a flower that is a flower that is a flower that" becomes "The flower is a flower."
    """
    return until_settled(_cut_first, text)


def _cut_first(text: str) -> str:
    for start, end in sentence_spans(text):
        sentence = text[start:end]
        words = loop_words(sentence)
        if loop := find_loop(words):
            mended = _leave_loop(sentence, words, loop)
        elif not enumerates(words) and (refrain := find_refrain(words)):
            mended = cut_back(sentence[: _offsets(sentence)[_second_round(words, refrain)][0]])
        else:
            continue
        return " ".join(part for part in (text[:start].rstrip(), mended, text[end:].lstrip()) if part)
    return text


def _leave_loop(sentence: str, words: list[str], loop: Loop) -> str:
    offsets = _offsets(sentence)
    end = loop.start + loop.length
    if end < len(words):
        # The words behind the loop join on at the same point of the period, so whole rounds can go unseen.
        kept = _kept_words(words, loop)
        return sentence[: offsets[loop.start][0]] + sentence[offsets[end - kept][0] :]
    first_round = sentence[: offsets[loop.start + loop.period - 1][1]]
    if fault_of_ending(sentence):
        return close_clause(first_round)
    trimmed = trim_ending(first_round)
    return f"{trimmed}." if trimmed else ""


def _second_round(words: list[str], refrain: list[int]) -> int:
    """Where the first phrase of a refrain is said for the second time."""
    phrase = words[refrain[0] : refrain[0] + GRAM]
    return next(start for start in refrain[1:] if words[start : start + GRAM] == phrase)


def _kept_words(words: list[str], loop: Loop) -> int:
    """How many of the loop's last words keep all that it says."""
    rest = loop.length % loop.period
    round_ = words[loop.start : loop.start + loop.period]
    whole = rest > 0 and content_stems(round_) <= content_stems(round_[:rest])
    return rest if whole else rest + loop.period


def _offsets(sentence: str) -> list[tuple[int, int]]:
    return [match.span() for match in WORD.finditer(sentence)]


REPAIR = Repair(
    name="cut_loop",
    why="Small captioners fall into a loop after a sound start; the start is worth keeping.",
    apply=apply,
)
