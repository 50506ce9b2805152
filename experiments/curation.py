"""python -m experiments.curation --profile embedded [--seeds 0 1 2]

Does curation pay? The same fine-tuning, steps and batch and all, on four sets of the same run: the raw descriptions,
those that repairs and rules alone leave, the curated set (rules, rewriter, grounding), and a random subset of the raw
ones of the curated set's size; each with several seeds of training, all on the same held-out pictures. Needs a finished
run (`make repro`). Prints the table and writes it to outputs/<profile>/curation: table.md, metrics.json,
answers.parquet. What is finished is not done again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from experiments.arms import arms
from experiments.runs import measured, rows_of, trained, untrained
from experiments.tables import by_training, markdown, with_interval
from filters import check_limits
from measures.answers import failures_change
from measures.reference import corpus_objects
from pipeline.answering import load_heldout
from pipeline.checkpoint import load_stage1
from pipeline.command import run_command, stage_parser
from pipeline.files import write_text
from pipeline.params import Params, load_params
from pipeline.parquet import write_table
from pipeline.runner import whole_stage

BEFORE, CURATED = "stage 1", "curated"
Figures = Mapping[str, Mapping[str, Any]]


def compare_arms(params: Params, outputs: Path, work: Path, seeds: Sequence[int]) -> tuple[Figures, pa.Table]:
    """Every set with every seed; returns the figures of each, and all answers as rows of ANSWERS."""
    stage1 = load_stage1(params.model)
    heldout = load_heldout(outputs / "download/evaluate", stage1)
    vocabulary = corpus_objects(outputs / "corpus.parquet", params.evaluate.object_pictures)
    sets = arms(params, outputs)
    runs = {BEFORE: untrained(stage1, heldout, params, seeds)}
    del stage1
    runs |= {pairs.name: trained(params, pairs, heldout, work, seeds) for pairs in sets}
    figures = {name: measured(run, runs[BEFORE], heldout, vocabulary, params) for name, run in runs.items()}
    for name, run in runs.items():
        change = failures_change(run.failures, runs[CURATED].failures, params.evaluate)
        figures[name]["curated_less_this"] = change
    return figures, rows_of(runs, heldout, params)


COLUMNS = "set; pairs; failures (95 %); by training; curated less this; rep-4; words; recall (95 %); margin (95 %)"


def table_of(figures: Figures, pictures: int, seeds: int) -> str:
    """The figures as Markdown."""
    told = f"{pictures} held-out pictures, {seeds} trainings each, the same steps and batch for every set."
    rows = [[name, *_cells(found, name)] for name, found in figures.items()]
    return f"{told} Intervals are over pictures, for these trainings.\n\n{markdown(COLUMNS.split('; '), rows)}"


def _cells(found: Mapping[str, Any], name: str) -> list[str]:
    less = found["curated_less_this"]
    points = [f"{100 * less[f'difference{end}']:+.1f}" for end in ("", "_low", "_high")]
    return [
        "" if found["pairs"] is None else f"{found['pairs']}",
        with_interval(found, "failure_rate", "{:.1%}"),
        "" if name == BEFORE else by_training(found),
        "" if name == CURATED else f"{points[0]} points ({points[1]} to {points[2]})",
        "-" if found["rep_4"] is None else f"{found['rep_4']:.3f}",
        "-" if found["mean_words"] is None else f"{found['mean_words']:.0f}",
        with_interval(found, "recall", "{:.1%}"),
        with_interval(found, "margin", "{:.3f}"),
    ]


def _run(argv: Sequence[str] | None) -> None:
    parser = stage_parser(__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2], metavar="SEED", help="of training")
    arguments = parser.parse_args(argv)
    params = load_params(arguments.profile)
    check_limits(params.evaluate.limits)
    outputs, work = Path("outputs", params.profile), Path(".work", params.profile, "curation")
    with whole_stage(out=outputs / "curation", work=work) as fresh:
        figures, answers = compare_arms(params, outputs, work, arguments.seeds)
        pictures = len(set(answers["key"].to_pylist()))
        table = table_of(figures, pictures, len(arguments.seeds))
        write_table(answers, fresh / "answers.parquet")
        write_text(json.dumps(figures, indent=1) + "\n", fresh / "metrics.json")
        write_text(table, fresh / "table.md")
    print(table, end="")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the experiment; returns the exit code."""
    return run_command(_run, argv)


if __name__ == "__main__":
    raise SystemExit(main())
