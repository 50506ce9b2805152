"""Which answers fail, the kinds of failure, and their rates."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from filters import RULES, default_limits
from measures.failures import KIND_OF, KINDS, Failures, failed_answers, failed_rules, failure_rates
from pipeline.comparison import mean_with_interval
from pipeline.errors import UsageError
from tools.labels import RULE_KINDS

LIMITS = default_limits()
SOUND = "A brown dog lies on a red sofa. A lamp with a white shade stands behind it, next to a window."


def test_every_rule_has_a_kind() -> None:
    """No rejection is missing from the kinds, and no kind is empty."""
    assert KIND_OF.keys() == {rule.name for rule in RULES}
    assert set(KIND_OF.values()) == set(KINDS)


def test_kinds_are_unions_of_labelled_faults() -> None:
    """Rules that look for the same fault in labelled captions are of one kind."""
    kinds = {(fault, KIND_OF[rule]) for rule, faults in RULE_KINDS.items() for fault in faults}
    assert [fault for fault, count in Counter(fault for fault, _ in kinds).items() if count > 1] == []


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        (SOUND, set()),
        (
            "A dog lies on a sofa. A lamp stands behind it. A dog lies on a sofa. A lamp stands behind it.",
            {"repetition"},
        ),
        ("A brown dog lies on a red sofa. A lamp with a white shade stands behind it, next to the", {"unfinished"}),
        ("I am sorry, but I cannot see any image. " + SOUND, {"talk"}),
        (SOUND + " ###Human: What else is there? ###Assistant: A cat is on it too.", {"talk"}),
        ("Ein brauner Hund liegt auf einem roten Sofa. Hinter ihm steht eine Lampe mit weißem Schirm.", {"language"}),
        ("A dog lies.", {"length"}),
        (SOUND + " See www.example.org/dogs for more of them.", {"unsafe"}),
        ("", {"length"}),
    ],
    ids=["sound", "loop", "cut off", "apology", "role", "German", "short", "address", "empty"],
)
def test_the_kinds_of_an_answer(text: str, kinds: set[str]) -> None:
    """An answer is judged as it is, and its rules add up to the kind that a reader would name."""
    found = {KIND_OF[rule] for rule in failed_rules(text, LIMITS)}
    assert found >= kinds
    assert bool(found) == bool(kinds)


def test_unknown_limits_are_named() -> None:
    """A misspelt rule is no rule that never fails."""
    with pytest.raises(UsageError, match="did you mean 'refrain'"):
        failed_rules(SOUND, {"refrains": 0.3})


FAILURES: Failures = [  # four pictures, two seeds
    [["refrain", "sentence_duplication"], ["refrain", "dangling_ending"]],
    [["dangling_ending"], []],
    [[], []],
    [[], ["refrain"]],
]


def test_rates_count_answers() -> None:
    """Two rules of one kind are one failure of it; an answer with two kinds counts for both, and once overall."""
    rates = failure_rates(FAILURES, LIMITS, 200, seed=0)
    assert rates.overall.value == 4 / 8
    assert {kind: rate.value for kind, rate in rates.by_kind.items() if rate.value} == {
        "repetition": 3 / 8,
        "unfinished": 2 / 8,
    }
    assert {rule: rate.value for rule, rate in rates.by_rule.items() if rate.value} == {
        "refrain": 3 / 8,
        "sentence_duplication": 1 / 8,
        "dangling_ending": 2 / 8,
    }


def test_intervals_are_over_pictures() -> None:
    """The overall interval is that of `failed_answers`, pictures drawn whole; a rate of 0 has one too."""
    rates = failure_rates(FAILURES, LIMITS, 500, seed=4)
    assert failed_answers(FAILURES) == [[True, True], [True, False], [False, False], [False, True]]
    assert rates.overall == mean_with_interval(failed_answers(FAILURES), 500, seed=4)
    assert rates.by_kind["unfinished"] == mean_with_interval([[0, 1], [1, 0], [0, 0], [0, 0]], 500, seed=4)
    assert (rates.by_kind["talk"].low, rates.by_kind["talk"].high) == (0.0, 0.0)


def test_names_hang_on_the_limits_alone() -> None:
    """Every kind, and every rule that is on: `dvc metrics diff` compares like with like."""
    limits = {"refrain": 0.3, "dangling_ending": 0.5, "apology": None}
    found = failure_rates([[["refrain"]]], limits, 10, seed=0)
    assert list(found.by_kind) == list(KINDS)
    assert list(found.by_rule) == ["refrain", "dangling_ending"]
    other = failure_rates([[["apology"]]], limits, 10, seed=0)
    assert (other.overall.value, other.by_kind["talk"].value) == (1.0, 1.0)  # a failure stays one
    none = failure_rates([[[]]], limits, 10, seed=0)
    assert none.by_rule.keys() == found.by_rule.keys()


def test_metrics_are_json() -> None:
    """Flat names for DVC; figures of no answers are null, never NaN."""
    metrics = failure_rates(FAILURES, {"refrain": 0.3}, 50, seed=0).as_dict()
    assert json.loads(json.dumps(metrics, allow_nan=False)) == metrics
    assert metrics.keys() == {"failure_rate", "failure_rate_low", "failure_rate_high", "by_kind", "by_rule"}
    assert metrics["by_rule"] == {"refrain": 3 / 8}
    kinds = metrics["by_kind"]
    assert isinstance(kinds, dict)
    assert kinds.keys() == {f"{kind}{end}" for kind in KINDS for end in ("", "_low", "_high")}
    nothing = failure_rates([], LIMITS, 50, seed=0)
    assert (nothing.overall.value, nothing.overall.low) == (None, None)
