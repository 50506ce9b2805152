"""Seeds of rows."""

from __future__ import annotations

import pytest

from pipeline.seeds import row_seed

SEEDS = [
    pytest.param(0, "0000000000000000", 90236588, id="a_row"),
    pytest.param(0, "0000000000000001", 1375092934, id="another_key"),
    pytest.param(1, "0000000000000000", 1934909397, id="another_seed"),
    pytest.param(10, "000000000000000", 1316890624, id="no_seam_between_the_two"),
]


@pytest.mark.parametrize(("seed", "key", "expected"), SEEDS)
def test_a_row_s_seed_follows_from_its_key(seed: int, key: str, expected: int) -> None:
    """Published sets can be made again: these numbers must never change."""
    assert row_seed(seed, key) == expected


def test_a_seed_has_31_bits() -> None:
    """Which every sampler and server takes; rows and runs have different ones."""
    found = {row_seed(seed, str(n)) for seed in (0, 1) for n in range(100)}
    assert len(found) == 200
    assert all(0 <= seed < 2**31 for seed in found)
