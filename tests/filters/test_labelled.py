"""The rules as they come, against captions on which neither they nor their limits were chosen."""

from __future__ import annotations

from typing import Any

import pytest

from filters import default_limits
from tools.evaluate_rules import PACKAGED, figures_of
from tools.evaluation import evaluate_rules
from tools.labels import read_labels

FIRINGS = 5  # below that a rule's precision is hearsay

Figures = dict[str, Any]


@pytest.fixture(scope="module")
def heldout() -> Figures:
    """The figures of the held-out set under the default limits; without its texts, which a failing test would show."""
    (path,) = (path for path in PACKAGED if path.stem == "heldout")
    return figures_of(evaluate_rules(read_labels(path), default_limits()))


def test_what_is_called_faulty_is(heldout: Figures) -> None:
    """Of 100 texts that the rules fail, people find at least 97 faulty."""
    assert heldout["faulty"]["precision"]["value"] >= 0.97


def test_what_is_faulty_is_found(heldout: Figures) -> None:
    """Of 100 texts that people find faulty, the rules fail at least 93."""
    assert heldout["faulty"]["recall"]["value"] >= 0.93


def test_no_rule_that_cries_wolf_rejects_by_default(heldout: Figures) -> None:
    """A rule of which every tenth rejection is wrong has no limit unless a profile gives it one."""
    found = {each["rule"]: each["precision"] for each in heldout["rules"]}
    assert [rule for rule, share in found.items() if share["of"] >= FIRINGS and share["value"] < 0.9] == []


def test_repairs_cure_half_of_what_can_be_cured(heldout: Figures) -> None:
    """Without a model, and without a word that was not there."""
    cured, repairable = heldout["repaired"]["hits"], heldout["repaired"]["of"]
    assert cured >= repairable / 2 > 0
