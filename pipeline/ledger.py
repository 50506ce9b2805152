"""The ledger: what has become of every candidate that was drawn, one row a key, and of every row that is none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.errors import JobError
from pipeline.schema import CANDIDATE, FAILED, KEPT, OUTCOME, REJECTED

LEDGER = pa.schema([CANDIDATE.field("key"), CANDIDATE.field("url"), *OUTCOME])
SOURCE = "corpus"  # the stage whose rows were never candidates: lines of the source that cannot be read
STAGE_ORDER = ("download", "describe", "filter", "rewrite", "verify", "emit")
SHOWN = 5  # keys that an error lists before it only counts


@dataclass(frozen=True)
class Exit:
    """The rows that one rule of one stage took out."""

    stage: str
    outcome: str  # REJECTED or FAILED
    rule: str
    rows: int


@dataclass(frozen=True)
class Funnel:
    """How many candidates were drawn, how many are left, and where the others went (in the order of the stages)."""

    sampled: int
    kept: int
    exits: tuple[Exit, ...]
    unreadable: int = 0  # rows of the source that are no candidates

    @property
    def pictures(self) -> int:
        """Candidates whose picture passed every check."""
        return self.left_after["download"]

    @property
    def left_after(self) -> dict[str, int]:
        """Rows still alive after each stage of STAGE_ORDER, and after any other stage that took rows out."""
        left, rows = {}, self.sampled
        for stage in sorted({*STAGE_ORDER, *(e.stage for e in self.exits)}, key=_position):
            rows -= sum(e.rows for e in self.exits if e.stage == stage)
            left[stage] = rows
        return left


def ledger_of(table: pa.Table) -> pa.Table:
    """The LEDGER columns of a table of CANDIDATE and OUTCOME columns; a row that is still alive is kept."""
    ledger = table.select(LEDGER.names)
    outcome = pc.fill_null(ledger["outcome"], KEPT)
    return ledger.set_column(LEDGER.get_field_index("outcome"), LEDGER.field("outcome"), outcome).cast(LEDGER)


def check_balance(sampled_keys: Iterable[str], ledger: pa.Table) -> None:
    """Every drawn key must be in the ledger once, as kept, or as rejected or failed with stage, rule and reason.

    Raises JobError that counts the keys at fault by kind of fault and lists the first few.
    """
    sampled, found = Counter(sampled_keys), Counter(ledger["key"].to_pylist())
    faults = {
        "missing": sampled.keys() - found.keys(),
        "unknown": found.keys() - sampled.keys(),
        "sampled twice": {key for key, times in sampled.items() if times > 1},
        "there twice": {key for key, times in found.items() if times > 1},
        "without a proper outcome": {row["key"] for row in ledger.to_pylist() if not _is_explained(row)},
    }
    lines = [f"{len(keys)} {fault} ({_few(keys)})" for fault, keys in faults.items() if keys]
    if lines:
        raise JobError(
            f"the ledger does not balance: of {len(sampled)} sampled keys and {ledger.num_rows} rows, "
            f"{'; '.join(lines)}; delete the stages' outputs and run `dvc repro`"
        )


def funnel(ledger: pa.Table) -> Funnel:
    """Count a ledger's rows by stage, outcome and rule; within a stage the rule that took most comes first."""
    unreadable = int(pc.sum(pc.equal(ledger["stage"], SOURCE)).as_py() or 0)
    tally = Counter(zip(*(ledger[name].to_pylist() for name in ("stage", "outcome", "rule")), strict=True))
    exits = [
        Exit(stage, outcome, rule, n)
        for (stage, outcome, rule), n in tally.items()
        if outcome != KEPT and stage != SOURCE
    ]
    exits.sort(key=lambda e: (*_position(e.stage), e.outcome, -e.rows, e.rule))
    kept = sum(n for (_, outcome, _), n in tally.items() if outcome == KEPT)
    return Funnel(int(ledger.num_rows) - unreadable, kept, tuple(exits), unreadable)


def _position(stage: str) -> tuple[int, str]:
    """Sorts the stages as they run, and one that is not known after them by its name."""
    return (STAGE_ORDER.index(stage) if stage in STAGE_ORDER else len(STAGE_ORDER), stage)


def _is_explained(row: dict[str, object]) -> bool:
    why = [row["stage"], row["rule"], row["reason"]]
    if row["outcome"] == KEPT:
        return why == [None, None, None]
    return row["outcome"] in (REJECTED, FAILED) and all(why)


def _few(keys: Iterable[str]) -> str:
    ordered = sorted(keys)
    return ", ".join(ordered[:SHOWN]) + (", ..." if len(ordered) > SHOWN else "")
