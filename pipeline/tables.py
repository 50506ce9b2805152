"""Small things that every map stage does to its table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from pipeline.schema import FAILED, OUTCOME, REJECTED, Verdict


def alive_rows(rows: pa.Table) -> list[int]:
    """The numbers of the rows that no stage has rejected or failed."""
    return [number for number, outcome in enumerate(rows["outcome"].to_pylist()) if outcome is None]


def values_at(rows: pa.Table, name: str, numbers: Sequence[int]) -> list[Any]:
    """The values of one column in the rows of these numbers; there may be none."""
    # Typed, because take() refuses the null array that an empty list becomes.
    values: list[Any] = rows[name].take(pa.array(numbers, pa.int64())).to_pylist()
    return values


def add_columns(
    rows: pa.Table, schema: pa.Schema, numbers: Sequence[int], values: Sequence[Mapping[str, object]]
) -> pa.Table:
    """Append the columns of `schema`: `values` for the rows in `numbers`, null for all others."""
    columns: dict[str, list[object]] = {name: [None] * rows.num_rows for name in schema.names}
    for number, row in zip(numbers, values, strict=True):
        for name in schema.names:
            columns[name][number] = row[name]
    for field in schema:
        rows = rows.append_column(field, pa.array(columns[field.name], type=field.type))
    return rows


def drop_rows(rows: pa.Table, outcomes: Mapping[int, Mapping[str, object]]) -> pa.Table:
    """Fill the OUTCOME columns of the rows named by number; all others keep theirs."""
    for field in OUTCOME:
        old = rows[field.name].to_pylist()
        new = [outcomes[number][field.name] if number in outcomes else value for number, value in enumerate(old)]
        index = rows.schema.get_field_index(field.name)
        rows = rows.set_column(index, field, pa.array(new, type=field.type))
    return rows


def rejection(stage: str, verdict: Verdict) -> dict[str, object]:
    """The OUTCOME columns of a row that `stage` rejects for `verdict`."""
    outcome = {"outcome": REJECTED, "stage": stage, "rule": verdict.rule}
    return {**outcome, "reason": verdict.reason, "value": verdict.value}


def failure(stage: str, rule: str, reason: str) -> dict[str, object]:
    """The OUTCOME columns of a row that `stage` could not work on."""
    return {"outcome": FAILED, "stage": stage, "rule": rule, "reason": reason, "value": None}
