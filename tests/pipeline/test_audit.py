"""What the audit of rewrites tells."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from pipeline.audit import AUDIT, AUDITED, GUARD, audit_of, summary_of, word_diff

DIFFS = [
    pytest.param("a red car", "a red car", "a red car", id="same"),
    pytest.param("a red car", "a green car", "a [-red-] {+green+} car", id="replaced"),
    pytest.param("a car car", "a car", "a car [-car-]", id="dropped"),
    pytest.param("car", "a car", "{+a+} car", id="brought"),
    pytest.param("", "a car", "{+a car+}", id="from_nothing"),
    pytest.param("the the " * 300, "the", "the [-" + " ".join(["the"] * 599) + "-]", id="long_repetition"),
]


@pytest.mark.parametrize(("source", "answer", "diff"), DIFFS)
def test_word_diff(source: str, answer: str, diff: str) -> None:
    """Words that went stand in [- -], words that came in {+ +}; common words of long texts are no noise."""
    assert word_diff(source, answer) == diff


def rewritten(verdict: str | None, source: str, answer: str | None, check: str | None = None) -> dict[str, Any]:
    """A row of the stage."""
    guard = None if check is None else dict.fromkeys(GUARD.names) | {"check": check, "kept": 1.0, "added": ["dog"]}
    return {
        "key": f"{len(source):016x}",
        "repaired_text": source,
        "rewritten_text": answer,
        "rewrite_verdict": verdict,
        "rewrite_reason": check or None,
        "rewrite_diff": "a diff" if guard else None,
        "rewrite_finish": "stop",
        "final_text": answer if verdict == "accepted" else source,
        "rewrite_guard": guard,
    }


ROWS = [
    rewritten("accepted", "a cat cat sits here", "a cat sits here", ""),
    rewritten("unchanged", "a dog", "a dog"),
    rewritten("reverted", "a bird", "a big bird", "rewrite_adds"),
    rewritten("reverted", "a cow", "a dog", "rewrite_adds"),
    rewritten("reverted", "a pig", "", "rewrite_empty"),
    rewritten("failed", "a fish", None),
    rewritten("skipped", "a hen", None),
    rewritten(None, "gone", None),
]


def table() -> pa.Table:
    """The rows as the stage writes them."""
    types = {name: AUDIT.field("key").type for name in AUDITED} | {"rewrite_guard": GUARD}
    return pa.Table.from_pylist(ROWS, schema=pa.schema([pa.field(name, types[name]) for name in AUDITED]))


def test_an_audit_has_a_row_for_each_that_was_alive() -> None:
    """Source, answer, diff and measurements side by side; rows that other stages rejected are not the rewriter's."""
    audit = audit_of(table())
    assert audit.schema.equals(AUDIT)
    assert audit.num_rows == 7
    first, second = audit.slice(0, 2).to_pylist()
    assert (first["source"], first["final"], first["diff"]) == ("a cat cat sits here", "a cat sits here", "a diff")
    assert (first["kept"], first["added"], first["check"]) == (1.0, ["dog"], "")
    assert (second["kept"], second["added"], second["check"]) == (None, None, None)


def test_the_summary_says_what_the_rewriter_did() -> None:
    """Verdicts, the checks behind the reverted ones, and the words that accepted answers dropped and brought."""
    summary = summary_of([audit_of(table().slice(0, 3)), audit_of(table().slice(3))])
    assert summary.model_dump() == {
        "accepted": 1,
        "unchanged": 1,
        "reverted": 3,
        "failed": 1,
        "skipped": 1,
        "reverted_by": {"rewrite_adds": 2, "rewrite_empty": 1},
        "words_removed": 0.2,
        "words_added": 0.0,
    }
    assert summary.headline == (
        "1 accepted, 1 unchanged, 3 reverted, 1 failed, 1 skipped; accepted answers drop 20.0% of the words, bring 0.0%"
    )
    assert summary.reasons == "adds 2, empty 1"


def test_nothing_accepted_tells_nothing_of_words() -> None:
    """Shares of nothing are not printed."""
    summary = summary_of([audit_of(table().slice(1, 1))])
    assert (summary.headline, summary.reasons) == ("0 accepted, 1 unchanged, 0 reverted, 0 failed, 0 skipped", "")
