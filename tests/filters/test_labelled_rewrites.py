"""The guard on rewrites that people wrote to pass it, and on honest repairs."""

from __future__ import annotations

import json
from pathlib import Path

import filters
from filters import default_limits
from filters.guards.rewrite_guard import Allowance, judge_rewrite

ALLOWANCE = Allowance(min_kept=0.5, max_added=0, limits=default_limits())


def accepted(kind: str) -> tuple[list[str], int]:
    """Ids of the accepted rewrites of a kind, and how many there are of it."""
    file = Path(filters.__file__).parent / "labelled/rewrites.jsonl"
    rows = [row for row in map(json.loads, file.read_text(encoding="utf-8").splitlines()) if row["kind"] == kind]
    passed = [r["id"] for r in rows if not judge_rewrite(r["source"], r["answer"], "stop", ALLOWANCE).check]
    return passed, len(rows)


def test_no_invention_passes() -> None:
    """An object, a colour, a count, a name, a place or a sex that the source does not give is found every time."""
    passed, number = accepted("adversarial")
    assert number >= 100
    assert passed == []


def test_honest_repairs_pass() -> None:
    """Of mended grammar, dropped repetitions, closed endings and joined sentences at most one in ten is refused."""
    passed, number = accepted("honest")
    assert number >= 100
    assert len(passed) >= 0.9 * number
