"""python -m experiments.ablation --profile embedded --design base

One design of the paper's ablation (base | no_qformer | three_layers | trained_qformer), from the first step of stage 1
to the fine-tuned model, on the budget of experiments/ablation.yaml. Needs a finished run (`make repro`) for its corpus,
pairs and held-out pictures. Writes outputs/<profile>/ablation/<design>: metrics.json, answers.parquet. What is finished
is not done again. All four and their table: `make ablation`.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import torch

from experiments.designs import DESIGNS, AblationParams, design_params, load_ablation
from experiments.runs import Run, ask, measured, run_of, trained
from filters import check_limits
from measures.reference import corpus_objects
from pipeline.answering import ANSWERS, Heldout, load_heldout, records_of
from pipeline.checkpoint import load_stage1
from pipeline.command import run_command, stage_parser
from pipeline.compose import build_model
from pipeline.files import write_text
from pipeline.params import Params, load_params
from pipeline.parquet import write_table
from pipeline.runner import whole_stage
from pipeline.stage1 import check_judgeable, judge, learn_language, load_lessons
from pipeline.training_set import read_training_set

Figures = dict[str, Any]


def learn_stage1(params: Params, work: Path) -> Figures:
    """Train stage 1 from scratch, by the language-model loss alone, to model.checkpoint; returns its figures.

    What is trained already is read, and not measured again.
    """
    section, place = params.pretrain, params.model.checkpoint
    torch.manual_seed(section.seed)
    vlm = build_model(params.model)
    lessons = load_lessons(params, vlm)
    done = place / "figures.json"
    if done.is_file() and (kept := json.loads(done.read_text(encoding="utf-8")))["run"] == lessons.run:
        return dict(kept["figures"])
    done.unlink(missing_ok=True)
    prompt = vlm.chat.picture_prompt(params.describe.prompt)
    began = time.monotonic()
    learn_language(vlm, lessons, prompt, section, work)
    seconds = time.monotonic() - began
    figures: Figures = {
        "image_tokens": vlm.image_tokens,
        "trained_parameters": sum(value.numel() for value in vlm.trained_state().values()),
        "grounding": judge(vlm, lessons.unseen, prompt, section).as_dict(),
        "seconds": round(seconds),  # of what an interruption left to do
    }
    vlm.save_pretrained(place)
    write_text(json.dumps({"run": lessons.run, "figures": figures}), done)  # last: it says that the checkpoint is whole
    return figures


def compare(params: Params, budget: AblationParams, outputs: Path, work: Path) -> tuple[Figures, list[Run], Heldout]:
    """Stage 1 of a design on the held-out pictures, and what the same fine-tuning makes of it, with every seed."""
    stage1 = load_stage1(params.model)
    heldout = load_heldout(outputs / "download/evaluate", stage1)
    vocabulary = corpus_objects(outputs / "corpus.parquet", params.evaluate.object_pictures)
    pairs = read_training_set(None, outputs / "pairs.parquet", params.emit, params.download.max_pixels)
    seeds = budget.seeds
    before = run_of([ask(stage1, heldout, params, "stage 1")] * len(seeds), params, seeds, None)
    del stage1
    after = trained(params, pairs, heldout, work, seeds)
    figures = {
        name: measured(run, before, heldout, vocabulary, params)
        for name, run in (("stage1", before), ("finetuned", after))
    }
    return figures, [before, after], heldout


def _run(argv: Sequence[str] | None) -> None:
    parser = stage_parser(__doc__)
    parser.add_argument("--design", required=True, choices=DESIGNS)
    arguments = parser.parse_args(argv)
    profile, budget, design = load_params(arguments.profile), load_ablation(), arguments.design
    check_limits(profile.evaluate.limits)
    outputs, work = Path("outputs", profile.profile), Path(".work", profile.profile, "ablation", design)
    with whole_stage(out=outputs / "ablation" / design, work=work) as fresh:
        params = design_params(design, profile, budget, work)
        check_judgeable(params)
        figures = learn_stage1(params, work)
        compared, (before, after), heldout = compare(params, budget, outputs, work)
        rows = [
            row
            for name, run in (("stage1", before), ("finetuned", after))
            for row in records_of(
                run.answers,
                run.failures,
                heldout,
                run.seeds,
                {"prompt": next(iter(params.evaluate.prompts)), "model": name},
            )
        ]
        write_table(pa.Table.from_pylist(rows, schema=ANSWERS), fresh / "answers.parquet")
        write_text(json.dumps(figures | compared, indent=1) + "\n", fresh / "metrics.json")
    first = figures["grounding"]["ranked_first"]
    failed = compared["finetuned"]["failure_rate"]
    print(f"ablation {design}: the right caption comes first for {first:.1%}; failures after stage 2 {failed:.1%}")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the experiment; returns the exit code."""
    return run_command(_run, argv)


if __name__ == "__main__":
    raise SystemExit(main())
