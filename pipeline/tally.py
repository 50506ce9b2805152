"""How often each rule speaks: rows it fails, rows it rejects, and rows that no other rule would have caught."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields

import pyarrow as pa

from pipeline.schema import REJECTED

TALLIED = ("outcome", "stage", "rule", "filter_verdicts", "verify_verdicts")
JUDGING = {"filter": "filter_verdicts", "verify": "verify_verdicts"}  # stage -> the column of its verdicts


@dataclass(frozen=True)
class RuleTally:
    """Counts of rows for one rule. A row is rejected for the first rule it fails; all rules are still run."""

    rule: str
    fails_in_filter: int  # repaired texts: what the rule would remove if it stood alone
    rejected_by_filter: int
    fails_in_verify: int  # final texts, likewise
    rejected_by_verify: int
    sole_reason: int  # rejected rows that fail no other rule: without this one they would have passed


def tally_rules(tables: Iterable[pa.Table]) -> list[RuleTally]:
    """Count over tables that have the TALLIED columns; every rule that ran has its line, in the order they ran."""
    rules: dict[str, None] = {}
    counts: Counter[tuple[str, str]] = Counter()
    for table in tables:
        for row in table.select(TALLIED).to_pylist():
            for stage, column in JUDGING.items():
                verdicts = row[column] or []
                rules.update(dict.fromkeys(verdict["rule"] for verdict in verdicts))
                failed = [verdict["rule"] for verdict in verdicts if verdict["failed"]]
                counts.update((f"fails_in_{stage}", rule) for rule in failed)
                if (row["outcome"], row["stage"]) == (REJECTED, stage):
                    counts[f"rejected_by_{stage}", row["rule"]] += 1
                    counts["sole_reason", row["rule"]] += failed == [row["rule"]]
    names = [field.name for field in fields(RuleTally)][1:]
    return [RuleTally(rule, *(counts[name, rule] for name in names)) for rule in rules]


def to_csv(tallies: Iterable[RuleTally]) -> str:
    """One line a rule under a header line."""
    text = io.StringIO()
    writer = csv.DictWriter(text, [field.name for field in fields(RuleTally)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(tally) for tally in tallies)
    return text.getvalue()


def from_csv(text: str) -> list[RuleTally]:
    """What `to_csv` wrote."""
    return [_tally(line) for line in csv.DictReader(io.StringIO(text))]


def _tally(line: Mapping[str, str]) -> RuleTally:
    return RuleTally(line["rule"], *(int(line[field.name]) for field in fields(RuleTally)[1:]))
