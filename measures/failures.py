"""Which answers fail, of what kind their failures are, and how often each is seen.

An answer fails when any rule rejects it as it is, unrepaired. An answer set is `failures[picture][seed]`: the names of
the rules that reject each answer, as many answers for each picture.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import numpy as np

from filters import RULES, judge_all
from pipeline.comparison import Estimate, bootstrap_ratios

Failures: TypeAlias = Sequence[Sequence[Sequence[str]]]  # [picture][seed], the names of rules

Kind = Literal["repetition", "unfinished", "language", "talk", "characters", "length", "unsafe"]
KINDS: tuple[Kind, ...] = get_args(Kind)

KIND_OF: Mapping[str, Kind] = {
    "word_stutter": "repetition",
    "repeated_conjunct": "repetition",
    "phrase_loop": "repetition",
    "refrain": "repetition",
    "restart": "repetition",  # it describes the picture a second time
    "sentence_duplication": "repetition",
    "monotony": "repetition",
    "word_repetition": "repetition",
    "character_repetition": "repetition",
    "top_ngram": "repetition",
    "duplicate_ngrams": "repetition",
    "dangling_ending": "unfinished",
    "terminal_punctuation": "unfinished",
    "language": "language",
    "language_fast": "language",
    "mixed_script": "language",
    "mixed_language": "language",
    "stopwords": "language",  # a list of tags is no English
    "apology": "talk",  # to a user, of itself or of the text, where the picture should be described
    "refusal": "talk",
    "self_reference": "talk",
    "role_leakage": "talk",
    "instruction_echo": "talk",
    "rewriter_commentary": "talk",
    "meaningless_characters": "characters",
    "special_characters": "characters",
    "alphanumeric": "characters",
    "too_short": "length",
    "too_long": "length",
    "flagged_words": "unsafe",  # what a set must teach nobody to say
    "address": "unsafe",
}


@dataclass(frozen=True)
class FailureRates:
    """Shares of answers that fail at all, that fail in each kind, and that each rule rejects.

    An answer may fail in several kinds and by several rules: their shares need not sum to the failure rate.
    """

    overall: Estimate
    by_kind: Mapping[Kind, Estimate]
    by_rule: Mapping[str, Estimate]

    def as_dict(self) -> dict[str, object]:
        """`failure_rate` and `by_kind` with intervals, `by_rule` without: `dvc exp show` has a column for each."""
        return {
            **self.overall.as_dict("failure_rate"),
            "by_kind": {
                key: figure for kind, rate in self.by_kind.items() for key, figure in rate.as_dict(kind).items()
            },
            "by_rule": {rule: rate.value for rule, rate in self.by_rule.items()},
        }


def failed_rules(text: str, limits: Mapping[str, float | None]) -> list[str]:
    """The rules that reject `text` as it is, in the order of filters.RULES. Raises UsageError for unknown limits."""
    return [verdict.rule for verdict in judge_all(text, limits) if verdict.failed]


def failed_answers(failures: Failures) -> list[list[bool]]:
    """Whether any rule rejects each answer, [picture][seed]: what `pipeline.comparison.compare_failures` takes."""
    return [[bool(rules) for rules in answers] for answers in failures]


def failure_rates(failures: Failures, limits: Mapping[str, float | None], resamples: int, seed: int) -> FailureRates:
    """Share of answers that fail, per kind and per rule, with 95 % bootstrap intervals over pictures.

    Each rate is failed answers / all answers. All kinds have one, and all rules that have a limit, those that reject
    nothing too: runs with the same limits have the same figures. Without an answer they are None.
    """
    on = [rule.name for rule in RULES if limits.get(rule.name) is not None]
    groups = [frozenset(KIND_OF), *(_rules_of(kind) for kind in KINDS), *(frozenset([rule]) for rule in on)]
    parts = [[sum(not group.isdisjoint(rules) for rules in answers) for group in groups] for answers in failures]
    wholes = [[len(answers)] * len(groups) for answers in failures]
    shape = (len(failures), len(groups))
    rates = bootstrap_ratios(np.reshape(parts, shape), np.reshape(wholes, shape), resamples, seed)
    by_rule = dict(zip(on, rates[1 + len(KINDS) :], strict=True))
    return FailureRates(rates[0], dict(zip(KINDS, rates[1:], strict=False)), by_rule)


def _rules_of(kind: Kind) -> frozenset[str]:
    return frozenset(rule for rule, its_kind in KIND_OF.items() if its_kind == kind)
