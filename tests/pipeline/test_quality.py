"""Precision, recall and F1, and the intervals around them."""

from __future__ import annotations

import pytest

from pipeline.quality import proportion, quality


@pytest.mark.parametrize(
    ("hits", "of", "value", "low", "high"),
    [
        # Wilson's interval, from its formula by hand: (p + z2/2n -+ z sqrt(p(1-p)/n + z2/4n2)) / (1 + z2/n)
        (8, 10, 0.8, 0.4902, 0.9433),
        (10, 10, 1.0, 0.7225, 1.0),
        (0, 10, 0.0, 0.0, 0.2775),
        (1, 1, 1.0, 0.2065, 1.0),
        (970, 1000, 0.97, 0.9575, 0.9789),
        (0, 0, None, 0.0, 1.0),
    ],
)
def test_proportion(hits: int, of: int, value: float | None, low: float, high: float) -> None:
    """A share of few rows says little, one of none nothing."""
    found = proportion(hits, of)
    assert (found.value, found.hits, found.of) == (value, hits, of)
    assert [found.low, found.high] == pytest.approx([low, high], abs=1e-4)


@pytest.mark.parametrize(("hits", "of"), [(3, 2), (-1, 2), (1, 0)])
def test_no_proportion(hits: int, of: int) -> None:
    """More hits than rows is a bug of the caller."""
    with pytest.raises(ValueError, match=f"{hits} of {of}"):
        proportion(hits, of)


def rows(hits: int, false_alarms: int, misses: int, right: int = 1) -> tuple[list[bool], list[bool]]:
    """Judgements and labels with these counts."""
    counts = (((True, True), hits), ((True, False), false_alarms), ((False, True), misses), ((False, False), right))
    pairs = [pair for pair, times in counts for _ in range(times)]
    return [judged for judged, _ in pairs], [labelled for _, labelled in pairs]


@pytest.mark.parametrize(
    ("counts", "precision", "recall", "f1"),
    [
        ((8, 2, 2), 0.8, 0.8, 0.8),
        ((6, 2, 4), 0.75, 0.6, 2 / 3),
        ((4, 0, 0), 1.0, 1.0, 1.0),
        ((0, 3, 2), 0.0, 0.0, 0.0),
        ((0, 0, 2), None, 0.0, 0.0),
        ((0, 3, 0), 0.0, None, 0.0),
        ((0, 0, 0), None, None, None),
    ],
)
def test_quality(counts: tuple[int, int, int], precision: float | None, recall: float | None, f1: float | None) -> None:
    """F1 is the harmonic mean of the two, and undefined only where there is nothing to find and nothing was found."""
    found = quality(*rows(*counts))
    assert (found.precision.value, found.recall.value) == (precision, recall)
    assert found.f1.value == (None if f1 is None else pytest.approx(f1))
    assert 0.0 <= found.f1.low <= (f1 or 0.0) <= found.f1.high <= 1.0


def test_rows_that_are_right_change_nothing() -> None:
    """Clean rows that pass count neither for precision nor for recall."""
    assert quality(*rows(6, 2, 4, right=1)) == quality(*rows(6, 2, 4, right=1000))


def test_more_rows_narrow_the_interval() -> None:
    """Of F1 too."""
    few, many = quality(*rows(6, 2, 4)).f1, quality(*rows(60, 20, 40)).f1
    assert few.low < many.low < many.high < few.high


def test_rows_must_match() -> None:
    """A judgement without a label is a bug of the caller."""
    with pytest.raises(ValueError, match="zip"):
        quality([True], [])
