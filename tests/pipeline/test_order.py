"""Keys, splits and ranks: what every sample that was ever drawn depends on."""

from __future__ import annotations

from collections import Counter
from hashlib import sha256

import pytest

from pipeline.order import candidates, key_of, ranks, split_of
from pipeline.params import Split

SPLITS: dict[Split, float] = {"pretrain": 0.5, "curate": 0.3, "evaluate": 0.2}


def test_keys_and_ranks_are_hashes() -> None:
    """The same on every machine, in every version."""
    assert key_of("http://a/1") == sha256(b"http://a/1").hexdigest()[:16] == "93e96c2c25a600d2"
    assert ranks(["93e96c2c25a600d2"], 42) == [sha256(b"42 93e96c2c25a600d2").digest()]


def test_splits_have_their_shares() -> None:
    """Within four standard deviations over 4,000 captions."""
    counts = Counter(split_of(f"caption {number}", SPLITS) for number in range(4000))
    for name, share in SPLITS.items():
        assert abs(counts[name] - 4000 * share) < 4 * (4000 * share * (1 - share)) ** 0.5


@pytest.mark.parametrize("whole", ["pretrain", "curate", "evaluate"])
def test_a_split_of_everything_gets_everything(whole: Split) -> None:
    """Shares of 0 and 1 mean what they say."""
    splits: dict[Split, float] = {name: float(name == whole) for name in SPLITS}
    assert {split_of(f"caption {number}", splits) for number in range(200)} == {whole}


@pytest.mark.parametrize(
    ("wanted", "tries", "rows"),
    [(10, 1.0, 10), (192, 1.5, 288), (10, 1.1, 11), (10, 1.11, 12), (3, 1.5, 5), (5000, 3.0, 15000)],
)
def test_candidates(wanted: int, tries: float, rows: int) -> None:
    """Rounded up, but not for the sake of a float's last digit."""
    assert candidates(wanted, tries) == rows
