"""What other limits of the rules would keep and remove: every rule's limit moved by itself, all others as they are.

A rule fails a row whose value lies beyond its limit, so only the values that were measured matter: between two
neighbouring values every limit does the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from pipeline.quality import Quality, quality

Fails = Literal["above", "below"]
Bools = NDArray[np.bool_]

PER_SIDE = 7  # limits on each side of the present one
# What a limit on show may change, a share of the rows or so many: those beyond are no choice.
_FARTHEST, _ALWAYS = 0.25, 10
EXAMPLES = 2  # rows shown for each limit


@dataclass(frozen=True)
class Measure:
    """What one rule measured."""

    values: NDArray[np.float64]  # one a row; NaN where the rule did not run
    fails: Fails  # the side of the limit on which a row fails; a value equal to the limit passes
    limit: float | None  # the present one; None: the rule is off

    def failed(self, limit: float | None) -> Bools:
        """The rows that the rule fails at `limit`."""
        if limit is None:
            return np.zeros(len(self.values), bool)
        return self.values > limit if self.fails == "above" else self.values < limit


@dataclass(frozen=True)
class Step:
    """One limit of one rule, and what it does to the rows."""

    limit: float | None
    present: bool
    fails: int  # rows that the rule fails
    removed: int  # rows that any rule fails
    change: int  # `removed` less what is removed now: rows that hang on this rule alone
    examples: tuple[int, ...]  # rows that change sides between this step and the one nearer to the present limit
    quality: Quality | None  # of `removed`, where rows are labelled


def sweep(measures: Mapping[str, Measure], faulty: Sequence[bool] | None = None) -> dict[str, list[Step]]:
    """For every rule its steps by rising limit, the present one among them; a rule that is off passes everything.

    `measures` holds the values of the same rows in the same order, `faulty` what their readers say of them.
    """
    failed = {rule: measure.failed(measure.limit) for rule, measure in measures.items()}
    reasons = np.sum(list(failed.values()), axis=0)
    return {rule: _steps(measure, reasons - failed[rule] > 0, faulty) for rule, measure in measures.items()}


def _steps(measure: Measure, others: Bools, faulty: Sequence[bool] | None) -> list[Step]:
    """`others`: the rows that other rules fail."""
    now = others | measure.failed(measure.limit)
    steps = []
    for stricter in (True, False):
        nearer = now
        for limit in _limits(measure, stricter):
            removed = others | measure.failed(limit)
            steps.append(_step(measure, limit, (removed, nearer, now), faulty))
            nearer = removed
    steps.append(_step(measure, measure.limit, (now, now, now), faulty))
    off = np.inf if measure.fails == "above" else -np.inf
    return sorted(steps, key=lambda step: off if step.limit is None else step.limit)


def _step(
    measure: Measure, limit: float | None, removed: tuple[Bools, Bools, Bools], faulty: Sequence[bool] | None
) -> Step:
    """`removed`: by all rules at `limit`, at the limit next to it, and now."""
    here, nearer, now = removed
    return Step(
        limit=limit,
        present=limit == measure.limit,
        fails=int(measure.failed(limit).sum()),
        removed=int(here.sum()),
        change=int(here.sum()) - int(now.sum()),
        examples=tuple(np.flatnonzero(here != nearer)[:EXAMPLES].tolist()),
        quality=None if faulty is None else quality(here.tolist(), faulty),
    )


def _limits(measure: Measure, stricter: bool) -> list[float]:
    """Limits on one side of the present one, the nearest first, each of which does something else.

    There are at most PER_SIDE, dense near the present limit and then ever farther apart.
    """
    sign = 1.0 if measure.fails == "above" else -1.0  # makes every rule one that fails above its limit
    values = sign * measure.values[~np.isnan(measure.values)]
    present = np.inf if measure.limit is None else sign * measure.limit
    distinct, counts = np.unique(values, return_counts=True)
    # A limit of distinct[n] fails the values behind it; the present one does what distinct[here] would.
    here = int(np.searchsorted(distinct, present, side="right")) - 1
    if stricter:
        numbers = np.arange(here - 1, -1, -1)
        changed = np.cumsum(counts[1 : here + 1][::-1])
    else:
        numbers = np.arange(here + 1, len(distinct))
        changed = np.cumsum(counts[here + 1 :])
    near = max(1, int(np.searchsorted(changed, max(_FARTHEST * len(values), _ALWAYS), side="right")))
    chosen = numbers[:near]
    if len(chosen) > PER_SIDE:
        chosen = chosen[np.unique(np.geomspace(1, len(chosen), PER_SIDE).round().astype(int)) - 1]
    behind = np.append(distinct, np.inf)
    return [sign * _shortest(float(distinct[n]), float(behind[n + 1])) + 0.0 for n in chosen]  # + 0.0: no "-0"


def _shortest(low: float, high: float) -> float:
    """The number of fewest digits in [low, high): people will write it into a profile."""
    candidates = (float(f"{number:.{digits}g}") for digits in range(1, 17) for number in (low, (low + high) / 2))
    return next((number for number in candidates if low <= number < high), low)
