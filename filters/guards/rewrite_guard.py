"""A rewriter may remove and mend; it may not invent, comment, repeat or break off."""

from __future__ import annotations

from collections.abc import Callable

from filters.duplicates import find_repeats
from filters.endings import fault_of_ending
from filters.english import FRAME_WORDS, FUNCTION_WORDS, PLACE_PREPOSITIONS, stem, words_of
from filters.loops import looped_words
from filters.rules import apology, instruction_echo, rewriter_commentary, role_leakage, self_reference
from pipeline.schema import Passage, Verdict

_NEGATIONS = frozenset("not no n't neither nor".split())
_MENDING = frozenset("in on into onto additionally overall however together well".split())
# A rewriter needs these to mend a sentence. "under", "left" or "not" would change what the sentence claims.
_FREE = (FUNCTION_WORDS - PLACE_PREPOSITIONS - _NEGATIONS) | _MENDING | FRAME_WORDS
_NUMBERS = {
    word: str(number)
    for number, word in enumerate("zero one two three four five six seven eight nine ten eleven twelve".split())
}
_TALK = (rewriter_commentary, apology, self_reference, role_leakage)
_ECHO_LIMIT = 0.8  # share of an instruction's words said in a row

Check = Callable[[Passage, Passage], Verdict]


def judge_rewrite(source: str, answer: str, shortest: float = 0.5) -> Verdict:
    """Hold a rewriter's `answer` against the text it was given; the first check that fails gives its reason.

    `shortest` is the least share of the source's words that the answer must keep. Returns a verdict whose
    `rule` names the check, or "rewrite_guard" for an answer that passes all of them.
    """
    given, said = Passage(source), Passage(answer)
    for check in _CHECKS:
        verdict = check(given, said)
        if verdict.failed:
            return verdict
    share = len(said.words) / max(1, len(given.words))
    if share < shortest:
        reason = f"the answer has {share:.0%} of the source's words, less than {shortest:.0%}"
        return Verdict("rewrite_shorter", True, share, shortest, reason)
    return Verdict("rewrite_guard", False, 0.0, 0.0, "")


def _empty(source: Passage, answer: Passage) -> Verdict:
    return _verdict("rewrite_empty", 0.0 if answer.words else 1.0, "the answer is empty")


def _talks_about_text(source: Passage, answer: Passage) -> Verdict:
    for rule in _TALK:
        found = rule.measure(answer)
        if found.value:
            return _verdict("rewrite_comments", found.value, f"the answer is not only a description: {found.evidence}")
    echo = instruction_echo.measure(answer)
    return _verdict("rewrite_comments", max(0.0, echo.value - _ECHO_LIMIT), f"the answer echoes {echo.evidence}")


def _adds_words(source: Passage, answer: Passage) -> Verdict:
    known = _stems(source.words)
    added = [word for word in dict.fromkeys(answer.words) if word not in _FREE and not _stems([word]) <= known]
    return _verdict("rewrite_adds", len(added), f"the source does not say: {', '.join(added[:5])}")


def _repeats_more(source: Passage, answer: Passage) -> Verdict:
    more = _repetition(answer) - _repetition(source)
    return _verdict("rewrite_repeats", max(0, more), "the answer repeats itself more than its source")


def _breaks_off(source: Passage, answer: Passage) -> Verdict:
    faults = [fault for sentence in answer.sentences if (fault := fault_of_ending(sentence))]
    return _verdict("rewrite_unfinished", len(faults), f"the answer is unfinished: {faults[-1] if faults else ''}")


def _stems(words: list[str]) -> set[str]:
    """Stems of words and of the parts of hyphenated ones, number words as digits."""
    parts = [part for word in words for part in word.split("-") if part]
    return {_NUMBERS.get(part, stem(part)) for part in parts}


def _repetition(passage: Passage) -> int:
    """Words in loops, and sentences that repeat earlier ones."""
    looped = sum(len(looped_words(words_of(sentence))) for sentence in passage.sentences)
    return looped + len(find_repeats(passage.sentences))


def _verdict(rule: str, value: float, reason: str) -> Verdict:
    """A verdict on a count that must be 0."""
    return Verdict(rule, value > 0, float(value), 0.0, reason if value > 0 else "")


_CHECKS: tuple[Check, ...] = (_empty, _talks_about_text, _adds_words, _repeats_more, _breaks_off)
