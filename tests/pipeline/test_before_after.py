"""The table at the end of a run."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from pipeline.before_after import Comparison


def metrics(**changes: Any) -> dict[str, Any]:
    """What `evaluate` writes, for one prompt."""
    rate = {"failure_rate": 1.0, "failure_rate_low": 1.0, "failure_rate_high": 1.0, "by_kind": {"talk": 0.0}}
    change = {"difference": -0.8, "difference_low": -0.85, "difference_high": -0.75, "p": 3e-40}
    words = {"margin": 0.36, "recall": None, "chair_i": 0.7, "mean_words": 23.6, "chair_s": 0.5}
    moved = {f"{name}{end}": 0.01 for name in ("margin", "recall") for end in ("", "_low", "_high")}
    return {
        "pictures": 1200,
        "seeds": 3,
        "prompts": {"detail": {"stage1": rate, "finetuned": rate | {"failure_rate": 0.2}, "change": change}},
        "grounding": {"stage1": words, "finetuned": words, "change": moved | {"recall": None}},
    } | changes


def test_the_table_says_what_changed_and_how_surely() -> None:
    """Rates before and after, the change with its interval and p; a figure that nothing counts for is a dash."""
    assert Comparison.model_validate(metrics()).table.splitlines() == [
        "1200 held-out pictures x 3 seeds      stage 1  fine-tuned   change (95 % interval)",
        "detail: failures                       100.0%       20.0%   -80.0 points (-85.0 to -75.0), p = 3e-40",
        "right picture against another, nats     0.360       0.360   +0.010 (+0.010 to +0.010)",
        "reference words found                       -           -   -",
        "named, not in reference (CHAIR_i)       70.0%       70.0%",
        "words in a description                     24          24",
    ]


def test_the_headline_is_one_line() -> None:
    """Every prompt in it."""
    headline = Comparison.model_validate(metrics()).headline
    assert headline == "failures on 1200 held-out pictures: detail 100% before, 20% after fine-tuning"


def test_metrics_of_another_shape_are_refused() -> None:
    """Such as those that an older run has left."""
    with pytest.raises(ValidationError):
        Comparison.model_validate(metrics(prompts=None))
