"""python -m stages.verify --profile embedded

Hold the final text against every rule again, whoever wrote it, and against its picture, by the score of `ground`;
one that fails any is rejected. Reads outputs/<profile>/ground, writes outputs/<profile>/verify.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pyarrow as pa

from filters import check_limits, judge_all, rule_set_version
from pipeline.command import run_command, stage_params
from pipeline.evidence.verdict import judge_grounding
from pipeline.params import VerifyParams
from pipeline.runner import code_version, run_map_stage
from pipeline.schema import VERDICTS
from pipeline.tables import add_columns, alive_rows, drop_rows, rejection, values_at

VERIFIED = pa.schema([pa.field("verify_verdicts", VERDICTS), pa.field("verify_version", pa.string())])


def verify_rows(rows: pa.Table, params: VerifyParams, advance: Callable[[int], None]) -> pa.Table:
    """Add the verdicts of all rules on `final_text`, then that on the picture; reject a row for the first it fails."""
    alive = alive_rows(rows)
    values, rejected = [], {}
    texts, scores = (values_at(rows, name, alive) for name in ("final_text", "grounding_score"))
    for number, text, score in zip(alive, texts, scores, strict=True):
        verdicts = judge_all(text, params.limits)
        if score is not None:
            verdicts.append(judge_grounding(score, params.min_grounding))
        failed = [verdict for verdict in verdicts if verdict.failed]
        values.append({"verify_verdicts": [v._asdict() for v in verdicts], "verify_version": rule_set_version()})
        if failed:
            rejected[number] = rejection("verify", failed[0])
        advance(1)
    return drop_rows(add_columns(rows, VERIFIED, alive, values), rejected)


def _run(argv: Sequence[str] | None) -> None:
    params = stage_params(__doc__, argv)
    check_limits(params.verify.limits)
    outputs = Path("outputs", params.profile)
    run_map_stage(
        stage="verify",
        source=outputs / "ground",
        out=outputs / "verify",
        work=Path(".work", params.profile, "verify"),
        identity={
            "params": params.verify.model_dump(mode="json"),
            "rules": rule_set_version(),
            "code": code_version(Path("pipeline"), Path("stages/verify.py")),
        },
        transform=lambda rows, advance: verify_rows(rows, params.verify, advance),
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run the stage; returns the exit code."""
    return run_command(_run, argv)


if __name__ == "__main__":
    raise SystemExit(main())
