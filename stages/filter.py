"""python -m stages.filter --profile embedded

Repair every description and hold it against every rule. A row that fails a rule which no rewriter can mend is
rejected here; one that fails a mendable rule is flagged and goes on to `rewrite`. Reads
outputs/<profile>/describe, writes outputs/<profile>/filter.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pyarrow as pa

from filters import RULES, check_limits, judge_all, repair, rule_set_version
from pipeline.command import run_command, stage_params
from pipeline.params import FilterParams
from pipeline.runner import code_version, run_map_stage
from pipeline.schema import VERDICTS, Verdict
from pipeline.tables import add_columns, alive_rows, drop_rows, rejection, values_at

FILTERED = pa.schema(
    [
        pa.field("repaired_text", pa.string()),
        pa.field("repairs", pa.list_(pa.string())),  # the repairs that changed the text, in order
        pa.field("flags", pa.list_(pa.string())),  # failed rules that a rewriter can mend
        pa.field("filter_verdicts", VERDICTS),
        pa.field("filter_version", pa.string()),
    ]
)
MENDABLE = frozenset(rule.name for rule in RULES if rule.mendable)


def filter_rows(rows: pa.Table, params: FilterParams, advance: Callable[[int], None]) -> pa.Table:
    """Add the repaired text and the verdicts of all rules to the rows that are alive; reject what cannot be mended."""
    alive = alive_rows(rows)
    values, rejected = [], {}
    for number, raw in zip(alive, values_at(rows, "raw_text", alive), strict=True):
        text, repairs = repair(raw)
        verdicts = judge_all(text, params.limits)
        failed = [verdict for verdict in verdicts if verdict.failed]
        fatal = [verdict for verdict in failed if verdict.rule not in MENDABLE]
        values.append(_columns(text, repairs, verdicts, failed))
        if fatal:
            rejected[number] = rejection("filter", fatal[0])
        advance(1)
    return drop_rows(add_columns(rows, FILTERED, alive, values), rejected)


def _columns(
    text: str, repairs: Sequence[str], verdicts: Sequence[Verdict], failed: Sequence[Verdict]
) -> Mapping[str, object]:
    return {
        "repaired_text": text,
        "repairs": repairs,
        "flags": [verdict.rule for verdict in failed if verdict.rule in MENDABLE],
        "filter_verdicts": [verdict._asdict() for verdict in verdicts],
        "filter_version": rule_set_version(),
    }


def _run(argv: Sequence[str] | None) -> None:
    params = stage_params(__doc__, argv)
    check_limits(params.filter.limits)
    outputs = Path("outputs", params.profile)
    run_map_stage(
        stage="filter",
        source=outputs / "describe",
        out=outputs / "filter",
        work=Path(".work", params.profile, "filter"),
        identity={
            "params": params.filter.model_dump(mode="json"),
            "rules": rule_set_version(),
            "code": code_version(Path("pipeline"), Path("stages/filter.py")),
        },
        transform=lambda rows, advance: filter_rows(rows, params.filter, advance),
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run the stage; returns the exit code."""
    return run_command(_run, argv)


if __name__ == "__main__":
    raise SystemExit(main())
