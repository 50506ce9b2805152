"""python -m stages.report --profile embedded

Put the run on one page. Reads what `rewrite`, `ground`, `emit` and `evaluate` wrote and writes
outputs/<profile>/report: gallery.html (pictures and texts, kept and rejected, before and after; one file that opens
offline), before_after.png and summary.txt, which it also prints. With --summary it only prints the summary that is
there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BaseModel, ValidationError

from filters import RULES
from pipeline.abilities import ABILITIES, render_abilities
from pipeline.audit import Summary
from pipeline.before_after import Comparison, ModelOnPrompt
from pipeline.command import run_command, stage_parser
from pipeline.errors import JobError
from pipeline.evidence.verdict import GROUNDING, WHY
from pipeline.evidence.worth import Worth
from pipeline.files import explain, write_text
from pipeline.gallery import Gallery, failures_of, group_by_rule, losses_of, pair_answers, render
from pipeline.ledger import Funnel, funnel
from pipeline.params import Params, load_params
from pipeline.parquet import read_table
from pipeline.plots import Rate, plot_before_after
from pipeline.runner import whole_stage
from pipeline.tally import from_csv

_Figures = TypeVar("_Figures", bound=BaseModel)


def read_figures(path: Path, kind: type[_Figures], stage: str) -> _Figures:
    """The figures of a stage. Raises JobError that names the file when it is missing or holds something else."""
    try:
        return kind.model_validate_json(_read_text(path))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "the whole file"
        raise JobError(f"{path}: {place}: {first['msg']}; run the stage {stage} again") from None


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise JobError(f"cannot read {explain(error, path)}; run the stage that makes it (`dvc repro`)") from error


def gallery_of(params: Params, found: Funnel, headline: str, figure: bytes, outputs: Path) -> Gallery:
    """Everything that the page shows, at most `evaluate.gallery` pictures a section."""
    shown = params.evaluate.gallery
    rejected = read_table(outputs / "rejected.parquet")
    return Gallery(
        profile=params.profile,
        funnel=found,
        tallies=from_csv(_read_text(outputs / "rules.csv")),
        why={**{rule.name: rule.why for rule in RULES}, GROUNDING: WHY},
        kept=read_table(outputs / "pairs.parquet").slice(0, shown).to_pylist(),
        groups=group_by_rule(rejected, shown),
        failures=failures_of(rejected),
        answers=pair_answers(described(params, outputs), shown),
        before_after=figure,
        headline=headline,
    )


def described(params: Params, outputs: Path) -> pa.Table:
    """What both models answered to the first prompt, each with its picture and caption."""
    answers = shown_answers("answers", params, outputs)
    return answers.filter(pc.equal(answers["prompt"], next(iter(params.evaluate.prompts))))


def abilities(prompts: Mapping[str, str], params: Params, outputs: Path) -> pa.Table:
    """What both models made of the prompts of evaluate.abilities, as a table of ABILITIES."""
    answers = shown_answers("abilities", params, outputs).rename_columns({"prompt": "ability"})
    asked = pa.array([prompts[name] for name in answers["ability"].to_pylist()], pa.string())
    return answers.append_column("prompt", asked).select(ABILITIES.names)


def shown_answers(name: str, params: Params, outputs: Path) -> pa.Table:
    """A table of answers that `evaluate` wrote: those of the first seed, with the columns of their pictures."""
    answers = read_table(outputs / f"evaluate/{name}.parquet")
    answers = answers.filter(pc.equal(answers["seed"], params.evaluate.seeds[0]))
    pictures = read_table(outputs / "evaluate/pictures.parquet", ["key", "caption", "image"])
    places = pc.index_in(answers["key"], pictures["key"])
    for column in ("caption", "image"):
        answers = answers.append_column(column, pictures[column].take(places))
    return answers


def summary_of(found: Funnel, headlines: Sequence[str], outputs: Path) -> str:
    """The funnel, why the rest went, a line for each thing measured and where everything lies."""
    left = found.left_after
    lines = [
        f"{found.sampled:>7,} candidates drawn",
        f"{found.pictures:>7,} pictures downloaded",
        f"{left['describe']:>7,} described",
        f"{found.kept:>7,} kept ({found.kept / found.pictures:.0%} of the pictures)",
    ]
    lines += [f"{-loss.rows:>7,} {loss.outcome} by {loss.stage}: {loss.rules}" for loss in losses_of(found)]
    places = {"pairs": "pairs.parquet", "rejects": "rejected.parquet", "gallery": "report/gallery.html"}
    lines += ["", *headlines, "", *(f"{name:<8} {outputs / place}" for name, place in places.items())]
    return "\n".join(lines) + "\n"


def report(params: Params, outputs: Path, folder: Path) -> str:
    """Write gallery.html, before_after.png and summary.txt into `folder`; returns the summary."""
    comparison = read_figures(outputs / "evaluate/metrics.json", Comparison, "evaluate")
    rewrites = read_figures(outputs / "rewrites.json", Summary, "rewrite")
    worth = read_figures(outputs / "grounding.json", Worth, "ground")
    found = funnel(read_table(outputs / "ledger.parquet"))
    rates = [(name, _rate(each.stage1), _rate(each.finetuned)) for name, each in comparison.prompts.items()]
    plot_before_after(rates, comparison.pictures, folder / "before_after.png")
    figure = (folder / "before_after.png").read_bytes()
    write_text(render(gallery_of(params, found, comparison.headline, figure, outputs)), folder / "gallery.html")
    if params.evaluate.abilities:
        table = abilities(params.evaluate.abilities.prompts, params, outputs)
        write_text(render_abilities(table, params.profile), folder / "abilities.html")
    headlines = [f"rewriter: {rewrites.headline}", f"grounding: {worth.headline}", "", comparison.table]
    summary = summary_of(found, headlines, outputs)
    write_text(summary, folder / "summary.txt")
    return summary


def _rate(model: ModelOnPrompt) -> Rate:
    return Rate(model.failure_rate, model.failure_rate_low, model.failure_rate_high)


def _run(argv: Sequence[str] | None) -> None:
    parser = stage_parser(__doc__)
    parser.add_argument("--summary", action="store_true", help="only print the summary of the last run")
    arguments = parser.parse_args(argv)
    params = load_params(arguments.profile)
    outputs = Path("outputs", params.profile)
    if arguments.summary:
        print(_read_text(outputs / "report/summary.txt"), end="")
        return
    with whole_stage(out=outputs / "report", work=Path(".work", params.profile, "report")) as folder:
        summary = report(params, outputs, folder)
    print(summary, end="")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the stage; returns the exit code."""
    return run_command(_run, argv)


if __name__ == "__main__":
    raise SystemExit(main())
