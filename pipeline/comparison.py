"""Two models on the same pictures: failure rates with intervals, and whether they differ."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import stats


def rate_with_interval(failed: Sequence[bool], resamples: int, seed: int) -> dict[str, float]:
    """Share of failures and its 95 % percentile bootstrap interval (Efron 1979) over pictures."""
    values = np.asarray(failed, dtype=float)
    rng = np.random.default_rng(seed)
    means = values[rng.integers(0, len(values), (resamples, len(values)))].mean(axis=1)
    low, high = np.percentile(means, [2.5, 97.5])
    return {"failure_rate": float(values.mean()), "low": float(low), "high": float(high)}


def mcnemar(before: Sequence[bool], after: Sequence[bool]) -> float:
    """p of McNemar's exact test (1947): do the two models fail on different pictures by chance alone?"""
    cured = sum(b and not a for b, a in zip(before, after, strict=True))
    broken = sum(a and not b for b, a in zip(before, after, strict=True))
    if cured + broken == 0:
        return 1.0
    return float(stats.binomtest(cured, cured + broken, 0.5).pvalue)
