"""What every map stage must keep: the keys, their order, and what earlier stages said of dead rows."""

from __future__ import annotations

import math

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.errors import JobError
from pipeline.parquet import differences
from pipeline.schema import FAILED, OUTCOME, REJECTED


def check_transformed(stage: str, shard: str, before: pa.Table, after: pa.Table) -> None:
    """Hold a stage's result `after` against its input `before` (both with `key`; OUTCOME in `after`).

    Raises JobError that names the stage, the shard and the first row at fault when keys or their order changed,
    when a row that was dead already was touched, or when a row died without stage, rule and reason.
    """
    place = f"{stage} broke {shard}:"
    lacking = [f.name for f in OUTCOME if f.name not in after.schema.names or after.schema.field(f.name).type != f.type]
    if lacking:
        found = pa.schema([f for f in after.schema if f.name in OUTCOME.names])
        raise JobError(f"{place} {differences(OUTCOME, found)}")
    _check_keys(place, before["key"].to_pylist(), after["key"].to_pylist() if "key" in after.schema.names else [])
    was_dead = pc.is_valid(before["outcome"]) if "outcome" in before.schema.names else pa.array([False] * len(before))
    _check_dead(place, before.filter(was_dead), after.filter(was_dead))
    _check_alive_and_dying(place, stage, after.filter(pc.invert(was_dead)))


def _check_keys(place: str, before: list[str], after: list[str]) -> None:
    if len(before) != len(after):
        raise JobError(f"{place} {len(before)} rows came in and {len(after)} went out; a stage keeps every row")
    for row, (old, new) in enumerate(zip(before, after, strict=True)):
        if old != new:
            raise JobError(f"{place} row {row} came in with key {old} and went out with key {new}")


def _check_dead(place: str, before: pa.Table, after: pa.Table) -> None:
    if len(before) == 0:
        return
    for name in OUTCOME.names:
        for key, old, new in zip(*(c.to_pylist() for c in (before["key"], before[name], after[name])), strict=True):
            if old != new:
                raise JobError(f"{place} the dead row {key} had {name} {old!r} and now has {new!r}")


def _check_alive_and_dying(place: str, stage: str, rows: pa.Table) -> None:
    for row in rows.select(["key", *OUTCOME.names]).to_pylist():
        key, outcome, value = row["key"], row["outcome"], row["value"]
        if outcome is None:
            if any(row[name] is not None for name in OUTCOME.names):
                raise JobError(f"{place} row {key} is alive but has a stage, rule, reason or value")
        elif outcome not in (REJECTED, FAILED):
            raise JobError(f"{place} row {key} has outcome {outcome!r}, which is neither {REJECTED} nor {FAILED}")
        elif row["stage"] != stage or not row["rule"] or not row["reason"]:
            raise JobError(f"{place} row {key} is {outcome} without stage {stage}, a rule and a reason")
        elif value is not None and math.isnan(value):  # equal to nothing, so no later check could hold
            raise JobError(f"{place} row {key} is {outcome} with the value NaN")
