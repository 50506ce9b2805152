"""Two models on the same pictures: rates with intervals, and whether the models differ.

The unit is the picture. Answers to one picture, drawn with several seeds, are alike, so they stay together: the
bootstrap draws pictures, not answers (cluster bootstrap, Davison and Hinkley 1997, section 3.8), and the test
exchanges the two models picture by picture. Answers counted as independent would make intervals too narrow and p
too small.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

Failures: TypeAlias = Sequence[bool] | Sequence[Sequence[bool]]  # [pictures], or [pictures][seeds]


@dataclass(frozen=True)
class Estimate:
    """A figure with its 95 % interval; all None where nothing counts towards it."""

    value: float | None
    low: float | None
    high: float | None

    def as_dict(self, name: str) -> dict[str, float | None]:
        """`name`, `name_low` and `name_high`, for a file of metrics."""
        return {name: self.value, f"{name}_low": self.low, f"{name}_high": self.high}


@dataclass(frozen=True)
class PairedDifference:
    """By how much the failure rate changed, after less before, and the p of there being no change."""

    difference: Estimate
    p: float

    def as_dict(self) -> dict[str, float | None]:
        """`difference`, `difference_low`, `difference_high` and `p`."""
        return {**self.difference.as_dict("difference"), "p": self.p}


def bootstrap_ratios(parts: ArrayLike, wholes: ArrayLike, resamples: int, seed: int) -> list[Estimate]:
    """C figures, each the sum of its `parts` over pictures / the sum of its `wholes`, with their intervals.

    `parts` and `wholes` are [pictures, C]. A rate has the failed answers of a picture as part and all its answers as
    whole. The interval is the 95 % percentile bootstrap (Efron 1979) over pictures, the ratio computed anew in each
    resample; a resample in which nothing counts (a whole of 0) has no ratio and is left out. All C figures are
    taken from the same resamples.
    """
    numerators, denominators = np.asarray(parts, dtype=float), np.asarray(wholes, dtype=float)
    if numerators.shape != denominators.shape or numerators.ndim != 2:
        raise ValueError(f"parts {numerators.shape} and wholes {denominators.shape} are not both [pictures, figures]")
    pictures, figures = numerators.shape
    columns = np.concatenate([numerators, denominators], axis=1)
    rng = np.random.default_rng(seed)
    drawn = (rng.integers(0, pictures, pictures) for _ in range(resamples))
    sums = np.array([columns.sum(axis=0), *(np.bincount(each, minlength=pictures) @ columns for each in drawn)])
    return [_estimate(sums[:, figure], sums[:, figures + figure]) for figure in range(figures)]


def _estimate(parts: NDArray[np.float64], wholes: NDArray[np.float64]) -> Estimate:
    """From the sums of the sample, which come first, and of its resamples."""
    if not wholes[0]:
        return Estimate(None, None, None)
    defined = wholes[1:] > 0
    ratios = parts[1:][defined] / wholes[1:][defined]
    low, high = np.percentile(ratios, [2.5, 97.5]).tolist() if len(ratios) else (None, None)
    return Estimate(float(parts[0] / wholes[0]), low, high)


def mean_with_interval(values: ArrayLike, resamples: int, seed: int) -> Estimate:
    """Mean of `values` ([pictures] or [pictures, seeds]) and its 95 % bootstrap interval over pictures."""
    answers = np.asarray(values, dtype=float)
    sums = _picture_sums(answers)[:, None]
    return bootstrap_ratios(sums, np.full_like(sums, answers.size / max(len(answers), 1)), resamples, seed)[0]


def difference_with_interval(before: ArrayLike, after: ArrayLike, resamples: int, seed: int) -> Estimate:
    """Mean of `after` less `before` on the same pictures, with its paired 95 % bootstrap interval over pictures.

    Both are [pictures] or [pictures, seeds], of any figure. Raises ValueError where their shapes differ.
    """
    first, second = _paired(before, after)
    return mean_with_interval(second - first, resamples, seed)


def compare_failures(before: Failures, after: Failures, resamples: int, seed: int) -> PairedDifference:
    """The change of the failure rate with its paired interval, and p by `sign_flip`."""
    return PairedDifference(difference_with_interval(before, after, resamples, seed), sign_flip(before, after))


def sign_flip(before: Failures, after: Failures) -> float:
    """Exact two-sided p of the paired permutation test on the difference of the failure rates.

    Were the models alike, each picture's two sets of answers could be exchanged, which flips the sign of its
    difference d, the failures after less those before (Fisher 1935, section 21). p is the share of the 2^pictures
    ways to flip that give a |sum of d| as large as the one seen. With S seeds d is a whole number from -S to S, and
    the sum's distribution is the convolution of S binomial ones: no random draws (Zmigrod et al. 2022,
    arXiv 2205.01416). With one seed it is McNemar's exact test. Wilcoxon's signed-rank test would ask of the ranks of
    differences that are mostly ties, and answer about another figure than the one reported.

    Raises ValueError where the shapes differ.
    """
    first, second = _paired(before, after)
    differences = _picture_sums(second - first).astype(int)
    total, reach = abs(int(differences.sum())), int(np.abs(differences).sum())
    spread = np.ones(1)  # spread[i]: probability that the positive differences sum to i, and all to 2 i - reach
    for size, pictures in enumerate(np.bincount(np.abs(differences)).tolist()):
        if size and pictures:
            steps = np.zeros(size * pictures + 1)
            steps[::size] = stats.binom.pmf(np.arange(pictures + 1), pictures, 0.5)
            spread = np.convolve(spread, steps)
    sums = 2 * np.arange(reach + 1) - reach
    return min(1.0, float(spread[np.abs(sums) >= total].sum()))


def _picture_sums(answers: NDArray[np.float64]) -> NDArray[np.float64]:
    sums: NDArray[np.float64] = answers.sum(axis=tuple(range(1, answers.ndim)))
    return sums


def _paired(before: ArrayLike, after: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    first, second = np.asarray(before, dtype=float), np.asarray(after, dtype=float)
    if first.shape != second.shape:
        raise ValueError(f"{first.shape} figures before and {second.shape} after are not of the same answers")
    return first, second
