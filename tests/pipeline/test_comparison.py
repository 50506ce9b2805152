"""The statistics of before and after, against values that are known by other means."""

from __future__ import annotations

import pytest
from scipy import stats

from pipeline.comparison import mcnemar, rate_with_interval


@pytest.mark.parametrize(
    ("failures", "pictures"), [(50, 100), (10, 240), (237, 240), (1, 30)], ids=["half", "few", "most", "one"]
)
def test_the_interval_is_the_binomial_one(failures: int, pictures: int) -> None:
    """The bootstrap mean of n zeros and ones is Binomial(n, rate) / n, whose quantiles are known."""
    found = rate_with_interval([True] * failures + [False] * (pictures - failures), 4000, seed=0)
    rate = failures / pictures
    assert found["failure_rate"] == pytest.approx(rate)
    low, high = stats.binom.ppf([0.025, 0.975], pictures, rate) / pictures
    assert found["low"] == pytest.approx(low, abs=1.01 / pictures)
    assert found["high"] == pytest.approx(high, abs=1.01 / pictures)


@pytest.mark.parametrize("failed", [True, False])
def test_without_variation_the_interval_is_a_point(failed: bool) -> None:
    """All or none: resampling finds nothing else."""
    assert set(rate_with_interval([failed] * 20, 100, seed=3).values()) == {float(failed)}


def test_a_seed_gives_one_interval() -> None:
    """A report is the same in every run."""
    failed = [number % 3 == 0 for number in range(50)]
    assert rate_with_interval(failed, 200, seed=7) == rate_with_interval(failed, 200, seed=7)
    assert len({rate_with_interval(failed, 200, seed=seed)["low"] for seed in range(20)}) > 1


def outcomes(both: int, cured: int, broken: int, neither: int) -> tuple[list[bool], list[bool]]:
    """Failures before and after, from the four cells of their table."""
    cells = [(True, True)] * both + [(True, False)] * cured + [(False, True)] * broken + [(False, False)] * neither
    return [before for before, _ in cells], [after for _, after in cells]


@pytest.mark.parametrize(
    ("cells", "p"),
    [
        ((5, 10, 2, 30), 158 / 4096),  # 2 (C(12,0) + C(12,1) + C(12,2)) / 2^12
        ((5, 2, 10, 30), 158 / 4096),
        ((0, 10, 0, 0), 2 / 1024),
        ((100, 10, 0, 900), 2 / 1024),
        ((3, 6, 6, 3), 1.0),
        ((0, 1, 0, 9), 1.0),
        ((20, 0, 0, 20), 1.0),
        ((59, 121, 6, 101), 4 * 10**-28),
    ],
    ids=["cured", "broken", "all one way", "concordant pairs say nothing", "even", "one", "no change", "overwhelming"],
)
def test_mcnemar_is_exact(cells: tuple[int, int, int, int], p: float) -> None:
    """Two-sided binomial p over the pictures on which the models differ."""
    if p < 1e-20:
        assert mcnemar(*outcomes(*cells)) < 1e-20
    else:
        assert mcnemar(*outcomes(*cells)) == pytest.approx(p)


def test_models_are_compared_on_the_same_pictures() -> None:
    """Two lists of different lengths are a bug, not a p."""
    with pytest.raises(ValueError, match="shorter"):
        mcnemar([True, False], [True])
