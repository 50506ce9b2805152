"""How well yes-or-no judgements agree with labels: precision, recall and F1 with 95 % intervals. Pure numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from scipy import stats


@dataclass(frozen=True)
class Interval:
    """A share between 0 and 1 with its 95 % interval; of nothing, no value and an interval that says nothing."""

    value: float | None
    low: float
    high: float


@dataclass(frozen=True)
class Proportion(Interval):
    """`hits` out of `of`, with Wilson's 95 % interval (1927), which holds near 0 and 1 and for few rows too."""

    hits: int
    of: int


@dataclass(frozen=True)
class Quality:
    """Precision, recall and their harmonic mean."""

    precision: Proportion
    recall: Proportion
    f1: Interval


def proportion(hits: int, of: int) -> Proportion:
    """`hits` out of `of`. Raises ValueError unless 0 <= hits <= of."""
    if not 0 <= hits <= of:
        raise ValueError(f"{hits} of {of} is no proportion")
    if of == 0:
        return Proportion(None, 0.0, 1.0, hits, of)
    interval = stats.binomtest(hits, of).proportion_ci(method="wilson")
    return Proportion(hits / of, float(interval.low), float(interval.high), hits, of)


def quality(judged: Sequence[bool], labelled: Sequence[bool]) -> Quality:
    """How well `judged` finds what is `labelled`, row by row. Raises ValueError where the lengths differ.

    F1 = 2J / (1 + J) with J = hits / (hits + false alarms + misses), a proportion: F1's interval is J's, so mapped.
    """
    pairs = list(zip(judged, labelled, strict=True))
    hits = sum(found and true for found, true in pairs)
    found, true = sum(judged), sum(labelled)
    jaccard = proportion(hits, found + true - hits)
    f1 = Interval(None if jaccard.value is None else _f1(jaccard.value), _f1(jaccard.low), _f1(jaccard.high))
    return Quality(proportion(hits, found), proportion(hits, true), f1)


def _f1(jaccard: float) -> float:
    return 2 * jaccard / (1 + jaccard)
