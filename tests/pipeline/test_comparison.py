"""The statistics of before and after, against values that are known by other means."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from pipeline.comparison import (
    Estimate,
    bootstrap_ratios,
    compare_failures,
    difference_with_interval,
    mean_with_interval,
    sign_flip,
)


@pytest.mark.parametrize(
    ("failures", "pictures"), [(50, 100), (10, 240), (237, 240), (1, 30)], ids=["half", "few", "most", "one"]
)
def test_the_interval_is_the_binomial_one(failures: int, pictures: int) -> None:
    """The bootstrap mean of n zeros and ones is Binomial(n, rate) / n, whose quantiles are known."""
    found = mean_with_interval([True] * failures + [False] * (pictures - failures), 4000, seed=0)
    rate = failures / pictures
    assert found.value == pytest.approx(rate)
    low, high = stats.binom.ppf([0.025, 0.975], pictures, rate) / pictures
    assert found.low == pytest.approx(low, abs=1.01 / pictures)
    assert found.high == pytest.approx(high, abs=1.01 / pictures)


@pytest.mark.parametrize("failed", [True, False])
def test_without_variation_the_interval_is_a_point(failed: bool) -> None:
    """All or none: resampling finds nothing else."""
    assert mean_with_interval([failed] * 20, 100, seed=3) == Estimate(*[float(failed)] * 3)


def test_a_seed_gives_one_interval() -> None:
    """A report is the same in every run."""
    failed = [number % 3 == 0 for number in range(50)]
    assert mean_with_interval(failed, 200, seed=7) == mean_with_interval(failed, 200, seed=7)
    assert len({mean_with_interval(failed, 200, seed=seed).low for seed in range(20)}) > 1


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
def test_with_one_seed_p_is_exact(cells: tuple[int, int, int, int], p: float) -> None:
    """Two-sided binomial p over the pictures on which the models differ, as McNemar's exact test has it."""
    if p < 1e-20:
        assert sign_flip(*outcomes(*cells)) < 1e-20
    else:
        assert sign_flip(*outcomes(*cells)) == pytest.approx(p)


def mcnemar(before: Sequence[bool], after: Sequence[bool]) -> float:
    """p of McNemar's exact test (1947), to hold `sign_flip` against."""
    cured = sum(b and not a for b, a in zip(before, after, strict=True))
    broken = sum(a and not b for b, a in zip(before, after, strict=True))
    return float(stats.binomtest(cured, cured + broken, 0.5).pvalue) if cured + broken else 1.0


def pictures(*answers: str) -> list[list[bool]]:
    """A picture for each word, an answer for each letter: x has failed."""
    return [[letter == "x" for letter in each] for each in answers]


def drawn(seed: int, count: int, seeds: int, spread: float) -> list[list[bool]]:
    """Answers of pictures that differ in how hard they are; with `spread` 0 all are alike."""
    rng = np.random.default_rng(seed)
    rates = np.clip(0.5 + spread * rng.choice([-0.5, 0.5], count), 0, 1)
    return [[bool(failed) for failed in row] for row in rng.random((count, seeds)) < rates[:, None]]


def width(estimate: Estimate) -> float:
    """Of an interval that there is."""
    assert estimate.low is not None
    assert estimate.high is not None
    return estimate.high - estimate.low


def test_answers_to_one_picture_stay_together() -> None:
    """Three answers that always agree say no more than one does: the interval is that of the pictures."""
    once = drawn(1, 100, 1, spread=0)
    thrice = [answers * 3 for answers in once]
    assert mean_with_interval(thrice, 2000, seed=0) == mean_with_interval(once, 2000, seed=0)
    apart = mean_with_interval([failed for answers in thrice for failed in answers], 2000, seed=0)
    assert width(apart) < 0.65 * width(mean_with_interval(thrice, 2000, seed=0))


def test_the_interval_is_the_one_of_scipy() -> None:
    """The percentile bootstrap of a mean over pictures, by another program."""
    failed = drawn(2, 150, 3, spread=0.6)
    theirs = stats.bootstrap(
        (np.mean(failed, axis=1),), np.mean, n_resamples=9000, method="percentile", rng=np.random.default_rng(5)
    )
    ours = mean_with_interval(failed, 9000, seed=5)
    assert ours.value == pytest.approx(np.mean(failed))
    assert [ours.low, ours.high] == pytest.approx(list(theirs.confidence_interval), abs=0.005)


def test_a_ratio_is_of_sums() -> None:
    """A picture with many objects weighs more, in the figure and in each resample (Rohrbach's CHAIR_i)."""
    parts, wholes = [[1, 0], [0, 1], [9, 1]], [[2, 1], [2, 1], [10, 1]]
    first, second = bootstrap_ratios(parts, wholes, 4000, seed=0)
    assert first.value == 10 / 14
    assert second.value == 2 / 3
    # 27 resamples, of which [0, 0, 0] has the least and [9, 9, 9] the largest ratio, each 1 / 27 > 2.5 %
    assert (first.low, first.high) == (0.0, 0.9)


def test_a_resample_in_which_nothing_counts_has_no_ratio() -> None:
    """One picture of two that counts: the resamples without it are left out, and not counted as 0."""
    assert bootstrap_ratios([[3], [0]], [[4], [0]], 500, seed=0) == [Estimate(0.75, 0.75, 0.75)]


@pytest.mark.parametrize(
    ("parts", "wholes"),
    [(np.zeros((0, 1)), np.zeros((0, 1))), ([[0]], [[0]]), ([[0], [0]], [[0], [0]])],
    ids=["no pictures", "one that does not count", "two"],
)
def test_nothing_has_no_rate(parts: Sequence[Sequence[int]], wholes: Sequence[Sequence[int]]) -> None:
    """Neither 0 nor NaN, which is no JSON."""
    assert bootstrap_ratios(parts, wholes, 50, seed=0) == [Estimate(None, None, None)]


@pytest.mark.parametrize("values", [[], [[], []]], ids=["no pictures", "no answers"])
def test_nothing_has_no_mean(values: list[list[float]]) -> None:
    """As of ratios."""
    assert mean_with_interval(values, 50, seed=0) == Estimate(None, None, None)


@pytest.mark.parametrize(
    ("parts", "wholes"), [([[1]], [[1], [1]]), ([[1]], [[1, 1]]), ([1], [1])], ids=["rows", "columns", "flat"]
)
def test_parts_have_their_wholes(parts: list[list[int]], wholes: list[list[int]]) -> None:
    """What does not fit is a bug, and is not broadcast."""
    with pytest.raises(ValueError, match="not both"):
        bootstrap_ratios(parts, wholes, 10, seed=0)


def test_every_picture_has_as_many_answers() -> None:
    """A lost answer is a bug, not a rate."""
    with pytest.raises(ValueError, match="inhomogeneous"):
        mean_with_interval(pictures("x.", "x"), 10, seed=0)


@given(
    st.integers(1, 3).flatmap(
        lambda seeds: st.lists(
            st.tuples(*[st.lists(st.booleans(), min_size=seeds, max_size=seeds)] * 2), min_size=1, max_size=7
        )
    )
)
def test_sign_flip_counts_all_flips(pairs: list[tuple[list[bool], list[bool]]]) -> None:
    """p is the share of all 2^pictures sign changes that give a sum as large, as counted one by one."""
    before, after = [first for first, _ in pairs], [second for _, second in pairs]
    differences = np.array([sum(second) - sum(first) for first, second in pairs])
    signs = np.array(np.meshgrid(*[[-1, 1]] * len(pairs))).reshape(len(pairs), -1)
    sums = np.abs(differences @ signs)
    assert sign_flip(before, after) == pytest.approx(np.mean(sums >= abs(differences.sum())))


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=60))
def test_with_one_seed_sign_flip_is_mcnemar(pairs: list[tuple[bool, bool]]) -> None:
    """Both count heads among the pictures on which the models differ."""
    before, after = [first for first, _ in pairs], [second for _, second in pairs]
    assert sign_flip(before, after) == pytest.approx(mcnemar(before, after))
    assert sign_flip([[each] for each in before], [[each] for each in after]) == sign_flip(before, after)


@pytest.mark.parametrize(
    ("before", "after", "p"),
    [
        (["xxx"] * 10, ["..."] * 10, 2 / 1024),
        (["x.."] * 10, ["..."] * 10, 2 / 1024),
        (["xxx"], ["..."], 1.0),
        (["x..", "..x"], [".x.", "x.."], 1.0),
        (["xxx", "..."], ["...", "xxx"], 1.0),
        (["xxx", "x..", "x.."], ["...", "...", "..."], 2 / 8),
        (["xxx", "x..", "x.."], ["...", "..x", "..x"], 1.0),
        (["xxx", "x..", "..."], ["...", "...", "x.."], 6 / 8),  # |sum| is 5, 3, 3 or 1
        (["xxx"] * 200, ["..."] * 200, 2.0**-199),
        ([], [], 1.0),
    ],
    ids=[
        "all",
        "by one",
        "one picture",
        "the same number",
        "even",
        "three",
        "one differs",
        "three to one",
        "many",
        "nothing",
    ],
)
def test_sign_flip_of(before: list[str], after: list[str], p: float) -> None:
    """Exact p, in either direction."""
    assert sign_flip(pictures(*before), pictures(*after)) == pytest.approx(p, rel=1e-9)
    assert sign_flip(pictures(*after), pictures(*before)) == pytest.approx(p, rel=1e-9)


def test_agreeing_seeds_prove_no_more_than_one() -> None:
    """Were answers counted as independent, three copies of one experiment would be significant."""
    before, after = ["x"] * 5 + ["."] * 20, ["."] * 25
    thrice = pictures(*(each * 3 for each in before)), pictures(*(each * 3 for each in after))
    assert sign_flip(*thrice) == pytest.approx(2 / 32)
    assert mcnemar(*([failed for answers in each for failed in answers] for each in thrice)) < 1e-3


def test_the_difference_is_paired() -> None:
    """Pictures differ more than the models do: what they share is no doubt about the difference."""
    before = drawn(3, 300, 2, spread=1.0)
    after = [answers if number % 10 else [False, False] for number, answers in enumerate(before)]
    difference = difference_with_interval(before, after, 2000, seed=0)
    assert difference.value == pytest.approx(np.mean(after) - np.mean(before))
    assert width(difference) < 0.6 * width(mean_with_interval(before, 2000, seed=0))
    assert difference.high is not None
    assert difference.high < 0


def test_the_difference_of_figures() -> None:
    """Losses or recalls are compared as failures are; all pictures moved alike, so there is no doubt."""
    assert difference_with_interval([1.5, 2.5, 4.0], [1.0, 2.0, 3.5], 200, seed=0) == Estimate(-0.5, -0.5, -0.5)


def test_compare_failures_has_everything() -> None:
    """After less before: a cure is negative."""
    found = compare_failures(pictures("xx", "xx", "x."), pictures("..", "..", ".."), 200, seed=1)
    assert found.as_dict() == {
        "difference": pytest.approx(-5 / 6),
        "difference_low": pytest.approx(-1.0),
        "difference_high": pytest.approx(-0.5),
        "p": pytest.approx(0.25),
    }


@pytest.mark.parametrize(
    ("before", "after"),
    [(["x", "x"], ["x"]), (["xx"], ["x"]), (["xx", "xx"], ["x", "x"])],
    ids=["pictures", "seeds", "seeds that would broadcast"],
)
def test_only_like_sets_are_paired(before: list[str], after: list[str]) -> None:
    """One model has answered more: nothing is compared."""
    for compare in (sign_flip, lambda first, second: difference_with_interval(first, second, 10, seed=0)):
        with pytest.raises(ValueError, match="not of the same answers"):
            compare(pictures(*before), pictures(*after))
