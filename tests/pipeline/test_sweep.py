"""Other limits of a rule: which are looked at, what each removes, and which rows change sides."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest

from pipeline.sweep import PER_SIDE, Fails, Measure, Step, sweep

NAN = math.nan


def measure(values: Sequence[float], limit: float | None, fails: Fails = "above") -> Measure:
    """What one rule measured."""
    return Measure(np.array(values, float), fails, limit)


def counts(steps: Sequence[Step]) -> list[tuple[float | None, int, int, int]]:
    """Limit, rows failed, removed, and the change of each step."""
    return [(step.limit, step.fails, step.removed, step.change) for step in steps]


@pytest.mark.parametrize(
    ("values", "limit", "fails", "expected"),
    [
        pytest.param([1, 2, 3, 4], 2, "above", [(1, 3, 3, 1), (2, 2, 2, 0), (3, 1, 1, -1), (4, 0, 0, -2)], id="above"),
        pytest.param([1, 2, 3, 4], 3, "below", [(1, 0, 0, -2), (2, 1, 1, -1), (3, 2, 2, 0), (4, 3, 3, 1)], id="below"),
        pytest.param([0, 0, 0], 0, "above", [(0, 0, 0, 0)], id="nothing_to_choose"),
        pytest.param([0, 0, 5], 0, "above", [(0, 1, 1, 0), (5, 0, 0, -1)], id="only_looser"),
        pytest.param([5, 6], 1, "above", [(1, 2, 2, 0), (5, 1, 1, -1), (6, 0, 0, -2)], id="all_fail_now"),
        pytest.param([1, 2], 9, "above", [(1, 1, 1, 1), (9, 0, 0, 0)], id="all_pass_now"),
        pytest.param([1, 2, 2, 3], None, "above", [(1, 3, 3, 3), (2, 1, 1, 1), (None, 0, 0, 0)], id="off_above"),
        pytest.param([1, 2, 2, 3], None, "below", [(None, 0, 0, 0), (2, 1, 1, 1), (3, 3, 3, 3)], id="off_below"),
        pytest.param([1, NAN, 3, NAN], 1, "above", [(1, 1, 1, 0), (3, 0, 0, -1)], id="not_measured"),
        pytest.param([], 1, "above", [(1, 0, 0, 0)], id="no_rows"),
    ],
)
def test_one_rule(
    values: list[float], limit: float | None, fails: Fails, expected: list[tuple[float | None, int, int, int]]
) -> None:
    """Each limit on show does something else than its neighbours; the one that removes everything is not among them."""
    steps = sweep({"rule": measure(values, limit, fails)})["rule"]
    assert counts(steps) == expected
    assert [step.limit for step in steps if step.present] == [limit]


def test_rows_that_another_rule_fails_do_not_count() -> None:
    """They are removed whatever this rule's limit is, and are no examples of what it does."""
    steps = sweep({"a": measure([1, 2, 3, 4], 2), "b": measure([0, 0, 9, 0], 1)})
    assert counts(steps["a"]) == [(1, 3, 3, 1), (2, 2, 2, 0), (3, 1, 2, 0), (4, 0, 1, -1)]
    assert [step.examples for step in steps["a"]] == [(1,), (), (), (3,)]
    assert counts(steps["b"]) == [(1, 1, 2, 0), (9, 0, 2, 0)]


def test_examples_change_sides_at_their_step() -> None:
    """Two rows at most, the first in the rows' order; those of a step are not those of the steps before it."""
    values = [5, 5, 5, 0, 7, 9, *[0] * 30]
    steps = sweep({"rule": measure(values, 0)})["rule"]
    assert [(step.limit, step.examples) for step in steps] == [(0, ()), (5, (0, 1)), (7, (4,)), (9, (5,))]


def test_far_limits_are_thinned_out() -> None:
    """At most seven a side, the nearest always, and none but the nearest that changes more than a quarter of the rows."""
    steps = sweep({"rule": measure([*range(1000)], 500)})["rule"]
    limits = [step.limit for step in steps if step.limit is not None]
    assert limits == sorted(limits)
    assert sum(limit < 500 for limit in limits) == sum(limit > 500 for limit in limits) == PER_SIDE
    assert {499, 501} <= set(limits)
    assert (limits[0], limits[-1]) == (250, 750)
    gaps = np.diff(limits[PER_SIDE:])
    assert all(gaps[1:] >= gaps[:-1])
    half = sweep({"rule": measure([0] * 60 + [1] * 30 + [2] * 10, 0)})["rule"]
    assert counts(half) == [(0, 40, 40, 0), (1, 10, 10, -30)]


@pytest.mark.parametrize(
    ("values", "limit", "expected"),
    [
        ([0.123456789, 0.2], 0.0, [0.0, 0.16, 0.2]),
        ([1 / 3, 0.9], 0.0, [0.0, 0.6, 0.9]),
        ([2.8585e-06, 3.1e-06, 0.7], 0.5, [3e-06, 0.5, 0.7]),
        ([219.0, 225.0], 300.0, [220.0, 300.0]),
    ],
)
def test_limits_are_short(values: list[float], limit: float, expected: list[float]) -> None:
    """Of all numbers that would do the same the one with the fewest digits: people write it into a profile."""
    steps = sweep({"rule": measure(values, limit)})["rule"]
    assert [step.limit for step in steps] == expected
    for step in steps:
        assert step.fails == sum(value > (step.limit or 0.0) for value in values)


def test_labels_give_precision_and_recall() -> None:
    """Of all that the rules remove at each limit, not of this rule alone."""
    steps = sweep({"a": measure([1, 2, 3, 4], 2), "b": measure([9, 0, 0, 0], 1)}, [True, False, True, True])["a"]
    found = [(s.limit, s.quality.precision.value, s.quality.recall.value) for s in steps if s.quality]
    assert found == [(1, 0.75, 1.0), (2, 1.0, 1.0), (3, 1.0, 2 / 3), (4, 1.0, 1 / 3)]
    assert all(step.quality is None for step in sweep({"a": measure([1, 2], 1)})["a"])
