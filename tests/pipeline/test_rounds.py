"""How many candidates a round draws."""

from __future__ import annotations

import random

import pytest

from pipeline.fetch.rounds import to_draw


@pytest.mark.parametrize(
    ("missing", "share", "drawn"),
    [
        (300, None, 300),  # nothing is known: no more than are wanted
        (1, None, 1),
        (100, 1.0, 100),
        (100, 0.5, 215),  # (100 + sqrt(100 * 0.5)) / 0.5
        (1, 0.5, 4),
        (1, 0.01, 200),
    ],
)
def test_draws_what_is_missing_over_the_share_and_a_standard_deviation_more(
    missing: int, share: float | None, drawn: int
) -> None:
    """Rounded up."""
    assert to_draw(missing, share) == drawn


@pytest.mark.parametrize("share", [0.3, 0.65, 0.95])
def test_few_rounds_and_few_too_many(share: float) -> None:
    """Over 200 simulated lists: five rounds at the most on average, and a tenth too many pictures."""
    rounds, surplus = 0, 0
    for seed in range(200):
        rng = random.Random(seed)
        good = drawn = 0
        while good < 300:
            more = to_draw(300 - good, (good + 1) / (drawn + 2) if drawn else None)
            good += sum(rng.random() < share for _ in range(more))
            drawn += more
            rounds += 1
        surplus += good - 300
    assert rounds / 200 < 5
    assert surplus / 200 < 30
