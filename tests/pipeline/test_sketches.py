"""A count-min sketch: never too low, exact while there is room, and honest about when there is none."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.sketches import CountMin, Hashes


def hashes_of(things: list[int], depth: int = 2) -> Hashes:
    """Independent hashes of each thing."""
    rows = [np.random.default_rng(thing).integers(0, 2**63, depth, dtype=np.uint64) for thing in things]
    return np.array(rows, np.uint64).reshape(-1, depth)


@given(st.lists(st.lists(st.integers(0, 30))), st.randoms())
def test_few_things_are_counted_exactly_in_any_order(batches: list[list[int]], random: object) -> None:
    """However they are cut into batches; a thing that was never added counts 0."""
    sketch, shuffled = CountMin(1 << 16, 2), CountMin(1 << 16, 2)
    for batch in batches:
        sketch.add(hashes_of(batch))
    things = [thing for batch in batches for thing in batch]
    order = things.copy()
    random.shuffle(order)  # type: ignore[attr-defined]
    shuffled.add(hashes_of(order))
    counted = Counter(things)
    for each in (sketch, shuffled):
        assert each.counts(hashes_of(list(range(31)))).tolist() == [counted[thing] for thing in range(31)]


def test_many_things_are_never_counted_too_low() -> None:
    """With a quarter of the counters used, a few are too high: about as many as the formula says."""
    sketch, many = CountMin(1 << 12, 2), list(range(1_000))
    sketch.add(hashes_of(many))
    counts = sketch.counts(hashes_of(many))
    assert counts.min() == 1
    odds = (1 - math.exp(-1_000 / 4096)) ** 2
    assert 0 < np.mean(counts > 1) < 2 * odds


@pytest.mark.parametrize(("most", "adds", "count"), [(255, 254, 254), (255, 300, 255), (1_000, 300, 300)])
def test_counters_stop_at_their_largest_value(most: int, adds: int, count: int) -> None:
    """They do not begin at 0 again; a larger value takes larger counters."""
    sketch = CountMin(16, 2, most)
    for _ in range(adds):
        sketch.add(hashes_of([1]))
    assert sketch.counts(hashes_of([1])).tolist() == [count]


@pytest.mark.parametrize("things", [0, 10, 2_000, 20_000])
def test_noise_is_what_a_new_thing_would_count(things: int) -> None:
    """Never less than what things that were not added are seen to count, and not much more."""
    sketch = CountMin(1 << 12, 2)
    if things:
        sketch.add(hashes_of(list(range(things))))
    seen = np.mean(sketch.counts(hashes_of(list(range(30_000, 32_000)))) >= 2)
    assert seen - 0.03 <= sketch.noise(2) <= seen + 0.03
