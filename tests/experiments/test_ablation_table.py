"""The designs side by side: every figure in its column, and a design that has not run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from experiments import ablation_table
from experiments.designs import DESIGNS


def _figures(first: float) -> dict[str, Any]:
    rate = {"failure_rate": 0.25, "failure_rate_low": 0.2, "failure_rate_high": 0.3}
    said = rate | {f"{name}{end}": 0.5 for name in ("recall", "margin") for end in ("", "_low", "_high")}
    seen = {"ranked_first": first, "ranked_first_low": 0.1, "ranked_first_high": 0.9}
    return {
        "budget": {"bare_steps": 240, "prompt_steps": 80},
        "heldout": 200,
        "image_tokens": 5,
        "trained_parameters": 1_234_567,
        "seconds": 660,
        "grounding": {**seen, "loss_right": 3.21, "distractors": 19, "pictures": 240},
        "stage1": said | {"margin": 0.125, "by_seed": [1.0, 1.0]},
        "finetuned": said | {"by_seed": [0.2, 0.3], "distinct_answers": 0.75},
    }


def _write(outputs: Path, names: list[str]) -> None:
    for number, name in enumerate(names):
        folder = outputs / "ablation" / name
        folder.mkdir(parents=True)
        (folder / "metrics.json").write_text(json.dumps(_figures(0.4 + number / 10)), encoding="utf-8")


def test_the_table_has_every_design(workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Printed as it is written, with the plot and its figures for DVC beside it."""
    outputs = workplace / "outputs/smoke"
    _write(outputs, list(DESIGNS))
    assert ablation_table.main(["--profile", "smoke"]) == 0
    folder = outputs / "ablation_table"
    table = (folder / "table.md").read_text(encoding="utf-8")
    assert capsys.readouterr().out == table
    told, _, _, _, *rows = table.splitlines()
    assert told.startswith("320 steps of stage 1 each.")
    assert "first of 20: after stage 1, on 240 unseen" in told
    assert "on 200 held-out ones" in told
    assert len(rows) == len(DESIGNS)
    assert rows[1] == (
        "| (a) no Q-Former | 5 | 1.23 M | 3.210 | 50.0% (10.0% to 90.0%) | 0.125 (0.500 to 0.500)"
        " | 25.0% (20.0% to 30.0%) | 20%, 30% | 75% | 50.0% (50.0% to 50.0%) | 0.500 (0.500 to 0.500) | 11 min |"
    )
    assert (folder / "designs.png").stat().st_size > 1000
    plotted = json.loads((folder / "designs.json").read_text(encoding="utf-8"))
    assert [row["ranked_first"] for row in plotted] == pytest.approx([0.4, 0.5, 0.6, 0.7])


def test_a_design_that_has_not_run_is_one_line(workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It names the file and the command."""
    _write(workplace / "outputs/smoke", ["base", "no_qformer"])
    assert ablation_table.main(["--profile", "smoke"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "ablation/three_layers/metrics.json" in line
    assert "--profile smoke --design three_layers" in line


def test_designs_of_different_steps_are_not_compared(workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One line names the file that does not fit."""
    outputs = workplace / "outputs/smoke"
    _write(outputs, list(DESIGNS))
    place = outputs / "ablation/trained_qformer/metrics.json"
    figures = json.loads(place.read_text(encoding="utf-8"))
    place.write_text(json.dumps(figures | {"budget": {"bare_steps": 9, "prompt_steps": 80}}), encoding="utf-8")
    assert ablation_table.main(["--profile", "smoke"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "trained_qformer/metrics.json had other steps than base" in line
