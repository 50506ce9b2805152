"""python -m experiments.ablation_table --profile embedded

The designs of the ablation side by side, from outputs/<profile>/ablation/<design>/metrics.json. Prints the table and
writes it to outputs/<profile>/ablation_table: table.md, designs.json, designs.png.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from experiments.designs import BASE, DESIGNS
from experiments.tables import by_training, markdown, with_interval
from pipeline.command import run_command, stage_params
from pipeline.errors import JobError
from pipeline.files import write_text
from pipeline.plots import Rate, plot_rates
from pipeline.runner import whole_stage

COLUMNS = (
    "design; image tokens; trained weights; loss; right caption first (95 %); margin (95 %); failures after (95 %);"
    " by training; different answers; recall after (95 %); margin after (95 %); stage 1"
)


def read_designs(folder: Path, profile: str) -> dict[str, dict[str, Any]]:
    """The figures of every design. Raises JobError that names the first one that is missing, or had other steps."""
    found: dict[str, dict[str, Any]] = {}
    for name in DESIGNS:
        path, command = folder / name / "metrics.json", f"python -m experiments.ablation --profile {profile} --design"
        if not path.is_file():
            raise JobError(f"{path} is missing: run `make ablation`, or `{command} {name}`")
        found[name] = json.loads(path.read_text(encoding="utf-8"))
        if _steps(found[name]) != _steps(found[BASE]):
            raise JobError(f"{path} had other steps than {BASE}: run `make ablation`, or `{command} {name}` again")
    return found


def _steps(found: Mapping[str, Any]) -> dict[str, Any]:
    """What all designs must share; how many seeds a design was given, the table shows."""
    return {key: value for key, value in found["budget"].items() if key != "seeds"}


def table_of(figures: Mapping[str, Mapping[str, Any]]) -> str:
    """The figures as Markdown."""
    base = figures[BASE]
    judged, choices = base["grounding"]["pictures"], 1 + base["grounding"]["distractors"]
    steps = base["budget"]["bare_steps"] + base["budget"]["prompt_steps"]
    told = (
        f"{steps} steps of stage 1 each. Loss of the human caption, and how often it comes"
        f" first of {choices}: after stage 1, on {judged} unseen pictures of the corpus. The rest: on {base['heldout']}"
        " held-out ones. Margin is the loss with another picture less that with its own."
    )
    return f"{told}\n\n{markdown(COLUMNS.split('; '), [_cells(name, each) for name, each in figures.items()])}"


def _cells(name: str, found: Mapping[str, Any]) -> list[str]:
    grounding, before, after = found["grounding"], found["stage1"], found["finetuned"]
    return [
        DESIGNS[name],
        f"{found['image_tokens']}",
        f"{found['trained_parameters'] / 1e6:.2f} M",
        f"{grounding['loss_right']:.3f}",
        with_interval(grounding, "ranked_first", "{:.1%}"),
        with_interval(before, "margin", "{:.3f}"),
        with_interval(after, "failure_rate", "{:.1%}"),
        by_training(after),
        f"{after['distinct_answers']:.0%}",
        with_interval(after, "recall", "{:.1%}"),
        with_interval(after, "margin", "{:.3f}"),
        "-" if found["seconds"] is None else f"{found['seconds'] / 60:.0f} min",
    ]


def _rate(found: Mapping[str, Any], name: str) -> Rate:
    return Rate(found[name], found[f"{name}_low"], found[f"{name}_high"])


def _run(argv: Sequence[str] | None) -> None:
    params = stage_params(__doc__, argv)
    outputs, work = Path("outputs", params.profile), Path(".work", params.profile, "ablation_table")
    figures = read_designs(outputs / "ablation", params.profile)
    table = table_of(figures)
    with whole_stage(out=outputs / "ablation_table", work=work) as fresh:
        named = [(DESIGNS[name], each) for name, each in figures.items()]
        seen = [(title, _rate(each["grounding"], "ranked_first")) for title, each in named]
        failed = [(title, _rate(each["finetuned"], "failure_rate")) for title, each in named]
        panels = {"The right caption comes first, after stage 1": seen, "Answers that fail, after stage 2": failed}
        plot_rates(panels, fresh / "designs.png")
        rows = [
            {"design": title, "ranked_first": r.value, "failures": f.value}
            for (title, r), (_, f) in zip(seen, failed, strict=True)
        ]
        write_text(json.dumps(rows, indent=1) + "\n", fresh / "designs.json")
        write_text(table, fresh / "table.md")
    print(table, end="")


def main(argv: Sequence[str] | None = None) -> int:
    """Print the table; returns the exit code."""
    return run_command(_run, argv)


if __name__ == "__main__":
    raise SystemExit(main())
