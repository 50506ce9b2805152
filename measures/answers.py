"""Models' answers to one prompt: failures, repetition, how they end, and what has changed."""

from __future__ import annotations

from collections.abc import Sequence

from measures.failures import failed_answers, failed_rules, failure_rates
from measures.repetition import measure_repetition
from pipeline.answering import Answers
from pipeline.backends.completion import LENGTH
from pipeline.comparison import compare_failures
from pipeline.params import EvaluateParams

Failures = list[list[list[str]]]
"""[picture][seed], the rules that reject an answer"""


def judged(answers: Answers, params: EvaluateParams) -> Failures:
    """The rules that reject each answer as it is."""
    return [[failed_rules(answer.text, params.limits) for answer in each] for each in answers]


def measure_answers(
    answers: Answers, failures: Sequence[Sequence[Sequence[str]]], vocabulary: int, params: EvaluateParams
) -> dict[str, object]:
    """One model's figures for metrics.json; `vocabulary` is the number of its tokens.

    `cut_off` is the share of answers that the limit on tokens ended.
    """
    said = [answer for each in answers for answer in each]
    repetition = measure_repetition([answer.text for answer in said], vocabulary, [answer.tokens for answer in said])
    return {
        **failure_rates(failures, params.limits, params.bootstrap, params.seed).as_dict(),
        "cut_off": sum(answer.finish == LENGTH for answer in said) / len(said),
        **repetition.as_dict(),
    }


def failures_change(before: Failures, after: Failures, params: EvaluateParams) -> dict[str, float | None]:
    """By how much the failure rate changed on the same answers, its interval, and p of there being no change."""
    return compare_failures(failed_answers(before), failed_answers(after), params.bootstrap, params.seed).as_dict()
