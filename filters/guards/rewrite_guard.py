"""A rewriter may remove and mend; it may not invent, comment, repeat, break off or forget.

Everything is measured for every answer, so that the audit can show it; the first check that fails gives the reason.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from filters import judge_all, repair
from filters.endings import fault_of_ending
from filters.guards.additions import added_words, share_kept
from filters.guards.attributes import dropped_negations, moved_attributes, moved_deeds, moved_places
from filters.guards.counts import changed_counts, given_sexes
from filters.rules import (
    apology,
    instruction_echo,
    language,
    refusal,
    rewriter_commentary,
    role_leakage,
    self_reference,
)
from pipeline.schema import Passage, Verdict

FINISHED = "stop"  # the `finish_reason` of an answer that the model ended itself
_TALK = (rewriter_commentary, apology, refusal, self_reference, role_leakage)
_FACTS = (moved_attributes, moved_deeds, moved_places, dropped_negations, changed_counts, given_sexes)
LONGER = "rewrite_longer"
_TIMES, _MORE = 4, 1000  # an answer of more characters than so many times its source's and so many more
_ECHO = 0.8  # share of an instruction's words said in a row
_LANGUAGE = language.RULE.name
_NOT_ENGLISH = 0.5  # 1 - P(English)


@dataclass(frozen=True)
class Allowance:
    """What an answer may do to its source: the profile's say."""

    min_kept: float  # share of the source's content words that must stay, in whatever inflection
    max_added: int  # content words that the source does not have
    limits: Mapping[str, float | None]  # of the rules by which the answer must be no worse than its source


@dataclass(frozen=True)
class Guarded:
    """What the guard measured; `check` names the first check that failed, and is empty where the answer may stay."""

    check: str
    reason: str
    kept: float  # share of the source's content words that the answer keeps; 1 where the source has none
    added: list[str]  # content words that only the answer has
    changed: list[str]  # facts that changed hands without a new word: "red bus"
    not_english: float  # 1 - P(English) of the answer
    failed_before: list[str]  # rules that the source fails
    failed_after: list[str]  # rules that the answer fails


def judge_rewrite(source: str, answer: str, finish: str, allowance: Allowance) -> Guarded:
    """Hold a rewriter's `answer` against the text it was given; `finish` is the server's `finish_reason`.

    Who does what to whom is not checked, as long as all words are the source's.
    """
    if len(answer) > _TIMES * len(source) + _MORE:  # not worth measuring, which would take minutes
        reason = f"the answer has {len(answer)} characters, the source {len(source)}"
        return Guarded(LONGER, reason, 0.0, [], [], 0.0, [], [])
    given, said = Passage(source), Passage(answer)
    before, after = judge_all(source, allowance.limits), judge_all(answer, allowance.limits)
    kept = share_kept(Passage(repair(source)[0]).words, said.words)  # what a repair drops need not be kept
    added = added_words(given.words, said.words, _cut_word(given))
    changed = changed_facts(given, said)
    measured = {verdict.rule: verdict.value for verdict in after}  # without the costly ones that have no limit
    foreign = measured[_LANGUAGE] if _LANGUAGE in measured else language.measure(said).value
    faults = {
        "rewrite_empty": "" if said.words else "the answer is empty",
        "rewrite_comments": _talk(said),
        "rewrite_unfinished": _unfinished(said, finish),
        # langdetect errs on short texts, and an answer in another language has words of its own.
        "rewrite_language": f"the answer is English with probability {1 - foreign:.2f}"
        * (foreign > _NOT_ENGLISH and bool(added)),
        "rewrite_adds": f"the source does not say: {', '.join(added[:5])}" * (len(added) > allowance.max_added),
        "rewrite_changes": f"the source does not say: {', '.join(changed[:5])}" * bool(changed),
        "rewrite_shorter": _shorter(kept, allowance.min_kept),
        "rewrite_worse": _worse(before, after),
    }
    check, reason = next(((name, fault) for name, fault in faults.items() if fault), ("", ""))
    return Guarded(check, reason, kept, added, changed, foreign, _failed(before), _failed(after))


def changed_facts(source: Passage, answer: Passage) -> list[str]:
    """What `answer` claims in words of `source`, and `source` does not, each as a short phrase.

    Heuristics over the order of words, since there is no parser here: a colour belongs to the words that follow it,
    or else to those before it in its clause.
    """
    return [phrase for check in _FACTS for phrase in check(source.sentence_words, answer.sentence_words)]


def _cut_word(source: Passage) -> str:
    """The last word of a source that stops without any mark, as a token limit leaves it."""
    return source.words[-1] if source.words and source.text.rstrip()[-1].isalpha() else ""


def _unfinished(answer: Passage, finish: str) -> str:
    if finish != FINISHED:
        return f"the answer did not end by itself (finish_reason: {finish or 'none'})"
    faults = [fault for sentence in answer.sentences if (fault := fault_of_ending(sentence))]
    return f"the answer is unfinished: {faults[-1]}" if faults else ""


def _talk(answer: Passage) -> str:
    for rule in _TALK:
        found = rule.measure(answer)
        if found.value:
            return f"the answer is not only a description: {found.evidence}"
    echo = instruction_echo.measure(answer)
    return f"the answer echoes {echo.evidence}" if echo.value > _ECHO else ""


def _shorter(kept: float, least: float) -> str:
    return f"the answer keeps {kept:.0%} of the source's content words, less than {least:.0%}" if kept < least else ""


def _worse(before: Sequence[Verdict], after: Sequence[Verdict]) -> str:
    """The first rule that the answer fails and the source passes, or fails by less."""
    sources = {verdict.rule: verdict for verdict in before}
    for verdict in after:
        source = sources[verdict.rule]
        if verdict.failed and not (source.failed and _excess(verdict) <= _excess(source)):
            return f"worse than its source: {verdict.reason}"
    return ""


def _excess(verdict: Verdict) -> float:
    """How far a value lies beyond its limit."""
    return abs(verdict.value - (verdict.limit or 0.0))


def _failed(verdicts: Sequence[Verdict]) -> list[str]:
    return [verdict.rule for verdict in verdicts if verdict.failed]
