"""What the rules measured on each row: of a finished run as its verdicts say, of a caption file by measuring."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from filters import RULES, judge_all
from pipeline.errors import UsageError
from pipeline.parquet import list_shards, read_table
from pipeline.schema import REJECTED
from pipeline.sweep import Fails, Measure
from tools.captions import Row

_COLUMNS = ("key", "outcome", "stage", "repaired_text", "final_text", "filter_verdicts", "verify_verdicts")

_BEYOND_TEXTS: dict[str, Fails] = {"grounding": "below"}  # what `verify` judges beside the rules on texts


@dataclass(frozen=True)
class Measured:
    """Rows with what every rule measured on them, in the order in which rules run."""

    ids: list[str | int]
    texts: list[str]
    measures: dict[str, Measure]


class _Values:
    """A column of values for each rule, NaN where it did not run."""

    def __init__(self) -> None:
        self._rows = 0
        self._columns: dict[str, array[float]] = {}

    def add(self, values: Mapping[str, float | None]) -> None:
        """Append a row."""
        for rule, value in values.items():
            column = self._columns.setdefault(rule, array("d"))
            column.extend([math.nan] * (self._rows - len(column)))
            column.append(math.nan if value is None else value)
        self._rows += 1

    def columns(self) -> dict[str, np.ndarray[tuple[int], np.dtype[np.float64]]]:
        """Rule -> values of all rows."""
        for column in self._columns.values():
            column.extend([math.nan] * (self._rows - len(column)))
        return {rule: np.array(column) for rule, column in self._columns.items()}


def measure_rows(rows: Iterable[Row], limits: Mapping[str, float | None]) -> Measured:
    """Measure texts by the rules under `limits`."""
    ids, texts, values = list[str | int](), list[str](), _Values()
    for row in rows:
        ids.append(row.id)
        texts.append(row.text)
        values.add({verdict.rule: verdict.value for verdict in judge_all(row.text, limits)})
    sides = _sides()
    columns = values.columns()
    return Measured(ids, texts, {rule: Measure(columns[rule], sides[rule], limits.get(rule)) for rule in columns})


def measure_run(verify: Path, changed: Mapping[str, float | None]) -> Measured:
    """The verdicts in the shards of the stage `verify`; `changed` limits take the place of those that the run had.

    A row counts with its final text; one that `filter` has rejected with its repaired text, the last it got. Rows that
    another stage took out are none. Where `filter` had another limit than `verify`, verify's counts.
    Raises JobError where there is no finished run, UsageError where it has not measured a changed rule.
    """
    ids, texts, values = list[str | int](), list[str](), _Values()
    limits, sides = dict[str, float | None](), _sides()
    for row in _run_rows(verify):
        final = row["verify_verdicts"] is not None
        verdicts = row["verify_verdicts"] if final else row["filter_verdicts"]
        ids.append(row["key"])
        texts.append(row["final_text"] if final else row["repaired_text"])
        values.add({verdict["rule"]: verdict["value"] for verdict in verdicts})
        for verdict in verdicts:
            if final or verdict["rule"] not in limits:
                limits[verdict["rule"]] = verdict["limit"]
    if foreign := sorted(changed.keys() - limits.keys()):
        raise UsageError(f"--limit {foreign[0]}: the run has not measured this rule; it has {', '.join(limits)}")
    limits |= changed
    columns = values.columns()
    known = [rule for rule in columns if rule in sides]  # not those of an older set of rules
    return Measured(ids, texts, {rule: Measure(columns[rule], sides[rule], limits[rule]) for rule in known})


def _run_rows(verify: Path) -> Iterator[dict[str, Any]]:
    for shard in list_shards(verify):
        for row in read_table(shard, _COLUMNS).to_pylist():
            if row["verify_verdicts"] is not None or (row["outcome"], row["stage"]) == (REJECTED, "filter"):
                yield row


def _sides() -> dict[str, Fails]:
    return {rule.name: rule.fails for rule in RULES} | _BEYOND_TEXTS
