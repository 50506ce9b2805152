"""What a rewriter really did: every answer beside its source, and counts over all of them."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterable

import pyarrow as pa
from pydantic import BaseModel

ACCEPTED, UNCHANGED, REVERTED, SKIPPED, FAILED = "accepted", "unchanged", "reverted", "skipped", "failed"
VERDICTS = (ACCEPTED, UNCHANGED, REVERTED, FAILED, SKIPPED)

GUARD = pa.struct(
    [
        pa.field("check", pa.string()),  # the first that failed; empty: none
        pa.field("kept", pa.float64()),  # share of the source's content words
        pa.field("added", pa.list_(pa.string())),
        pa.field("changed", pa.list_(pa.string())),
        pa.field("not_english", pa.float64()),
        pa.field("failed_before", pa.list_(pa.string())),
        pa.field("failed_after", pa.list_(pa.string())),
    ]
)
AUDIT = pa.schema(
    [
        pa.field("key", pa.string(), nullable=False),
        pa.field("verdict", pa.string()),
        pa.field("reason", pa.string()),  # null for accepted and unchanged
        pa.field("diff", pa.string()),  # as wdiff writes it: "a [-red-] {+green+} car"
        pa.field("source", pa.string()),
        pa.field("answer", pa.string()),  # raw; null where none came or nobody was asked
        pa.field("final", pa.string()),
        pa.field("finish", pa.string()),
        *GUARD,  # nulls where there was no answer that differs from its source
    ]
)
_COLUMNS = {
    "key": "key",
    "verdict": "rewrite_verdict",
    "reason": "rewrite_reason",
    "diff": "rewrite_diff",
    "source": "repaired_text",
    "answer": "rewritten_text",
    "final": "final_text",
    "finish": "rewrite_finish",
}
AUDITED = [*_COLUMNS.values(), "rewrite_guard"]  # columns of `rewrite` that an audit reads


def word_diff(source: str, answer: str) -> str:
    """How `answer` differs from `source`, word by word: "[-" "-]" around what went, "{+" "+}" around what came."""
    old, new = source.split(), answer.split()
    pieces: list[str] = []
    for what, i, j, k, m in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if what == "equal":
            pieces += old[i:j]
            continue
        if j > i:
            pieces.append(f"[-{' '.join(old[i:j])}-]")
        if m > k:
            pieces.append(f"{{+{' '.join(new[k:m])}+}}")
    return " ".join(pieces)


def audit_of(rows: pa.Table) -> pa.Table:
    """Of rows of `rewrite` that have the columns AUDITED: a table of AUDIT, a row for each that was alive."""
    rows = rows.filter(rows["rewrite_verdict"].is_valid())
    columns = {name: rows[column] for name, column in _COLUMNS.items()}
    columns |= zip(GUARD.names, rows["rewrite_guard"].combine_chunks().flatten(), strict=True)
    return pa.table([columns[name] for name in AUDIT.names], schema=AUDIT)


class Summary(BaseModel):
    """What became of all rows that were alive, and what the accepted answers did to their sources.

    `words_removed` and `words_added` are shares of the accepted sources' words; a word in another inflection counts
    as both.
    """

    accepted: int
    unchanged: int
    reverted: int
    failed: int
    skipped: int
    reverted_by: dict[str, int]  # the first check that failed -> rows
    words_removed: float
    words_added: float

    @property
    def headline(self) -> str:
        """One line."""
        line = ", ".join(f"{getattr(self, verdict)} {verdict}" for verdict in VERDICTS)
        if self.accepted:
            line += f"; accepted answers drop {self.words_removed:.1%} of the words, bring {self.words_added:.1%}"
        return line

    @property
    def reasons(self) -> str:
        """Why answers were reverted: "adds 2, empty 1"."""
        return ", ".join(f"{check.removeprefix('rewrite_')} {n}" for check, n in self.reverted_by.items())


def summary_of(audits: Iterable[pa.Table]) -> Summary:
    """Count over tables of AUDIT."""
    verdicts: Counter[str] = Counter()
    checks: Counter[str] = Counter()
    words: Counter[str] = Counter()
    for audit in audits:
        for row in audit.to_pylist():
            verdicts[row["verdict"]] += 1
            if row["verdict"] == REVERTED:
                checks[row["check"]] += 1
            if row["verdict"] == ACCEPTED:
                words.update(_changes(row["source"], row["final"]))
    removed, added = (words[name] / max(1, words["source"]) for name in ("removed", "added"))
    counts = {verdict: verdicts[verdict] for verdict in VERDICTS}
    return Summary(**counts, reverted_by=dict(checks.most_common()), words_removed=removed, words_added=added)


def _changes(source: str, final: str) -> Counter[str]:
    old, new = Counter(source.split()), Counter(final.split())
    return Counter(source=old.total(), removed=(old - new).total(), added=(new - old).total())
