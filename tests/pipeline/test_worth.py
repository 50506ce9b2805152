"""The area under the ROC curve of own against wrong pictures, its interval, and the figures of a run."""

from __future__ import annotations

from itertools import product

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.evidence.worth import Worth, auc, worth_of

PAIRS = st.lists(st.tuples(st.integers(-3, 3), st.integers(-3, 3)), min_size=2, max_size=12)


def by_counting(own: list[float], shuffled: list[float]) -> float:
    """The share of all pairs in which the own score is the higher one; equal ones count half."""
    wins = [(a > b) + (a == b) / 2 for a, b in product(own, shuffled)]
    return sum(wins) / len(wins)


@given(PAIRS)
def test_the_area_is_the_share_of_pairs(pairs: list[tuple[int, int]]) -> None:
    """Whatever ties there are, and the interval lies around it."""
    own, shuffled = [float(a) for a, _ in pairs], [float(b) for _, b in pairs]
    found = auc(own, shuffled)
    assert found.auc == pytest.approx(by_counting(own, shuffled))
    assert 0 <= found.low <= found.auc <= found.high <= 1


@pytest.mark.parametrize("shared", [0.0, 0.9], ids=["independent", "of one text"])
def test_the_interval_is_that_of_resampled_rows(shared: float) -> None:
    """Both scores of a row move together: what its text gives both of them widens no interval."""
    rng = np.random.default_rng(0)
    text = rng.normal(size=400) * shared
    own, shuffled = (text + rng.normal(size=400) * (1 - shared**2) ** 0.5 + shift for shift in (0.8, 0.0))
    found = auc(own.tolist(), shuffled.tolist())
    draws = [rng.integers(0, 400, 400) for _ in range(300)]
    low, high = np.percentile([auc(own[rows].tolist(), shuffled[rows].tolist()).auc for rows in draws], [2.5, 97.5])
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.01)


@pytest.mark.parametrize(("own", "shuffled"), [([1.0], [0.0]), ([], []), ([1.0, 2.0], [0.0])])
def test_too_little_is_an_error(own: list[float], shuffled: list[float]) -> None:
    """One pair has no variance, and scores without a partner no cluster."""
    with pytest.raises(ValueError, match="at least 2 pairs"):
        auc(own, shuffled)


ROWS = [
    pytest.param(
        [(0.5, 1, -0.5), (0.25, 2, 0.375), (1.0, 1, 0.0), (None, 1, None)],
        Worth(scored=3, auc=8 / 9, auc_low=0.453, auc_high=1.0, ranked_first=2 / 3, median_score=0.5),
        "3 descriptions tell their picture from a wrong one with AUC 0.889 (0.453 to 1.000), 67% rank it first; "
        "median score 0.500",
        id="some",
    ),
    pytest.param(
        [(0.5, 1, None), (0.25, 2, None)],
        Worth(scored=2, auc=None, auc_low=None, auc_high=None, ranked_first=0.5, median_score=0.375),
        "2 descriptions scored",
        id="nothing to compare",
    ),
    pytest.param(
        [(None, None, None)],
        Worth(scored=0, auc=None, auc_low=None, auc_high=None, ranked_first=None, median_score=None),
        "0 descriptions scored",
        id="nothing scored",
    ),
]


@pytest.mark.parametrize(("scores", "expected", "headline"), ROWS)
def test_the_figures_of_a_run(
    scores: list[tuple[float | None, int | None, float | None]], expected: Worth, headline: str
) -> None:
    """Rows without a score count nowhere."""
    types = {"grounding_score": pa.float64(), "grounding_rank": pa.int32(), "grounding_shuffled": pa.float64()}
    columns = zip(types.items(), zip(*scores, strict=True), strict=True)
    found = worth_of(pa.table({name: pa.array(values, kind) for (name, kind), values in columns}))
    assert found.model_dump() == pytest.approx(expected.model_dump(), abs=1e-3)
    assert found.headline == headline
