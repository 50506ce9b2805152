"""python -m experiments.ablation --profile embedded --design base

One design of the paper's ablation (base | no_qformer | three_layers | trained_qformer), from the first step of stage 1
to the fine-tuned model, on the budget of experiments/ablation.yaml. Needs a finished run (`make repro`) for its corpus,
pairs and held-out pictures. Writes outputs/<profile>/ablation/<design>: metrics.json, answers.parquet. What is finished
is not done again. All four and their table: `make ablation`.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from experiments.designs import DESIGNS, design_params, load_ablation
from experiments.runs import Run, measured, rows_of, trained, untrained
from filters import check_limits
from measures.reference import corpus_objects
from pipeline.answering import Heldout, load_heldout
from pipeline.checkpoint import load_stage1
from pipeline.command import run_command, stage_parser
from pipeline.compose import build_model
from pipeline.devices import check_devices
from pipeline.files import remove, write_text
from pipeline.params import Params, load_params
from pipeline.parquet import list_shards, write_table
from pipeline.runner import whole_stage
from pipeline.stage1 import check_judgeable, judge, learn_language, load_lessons
from pipeline.training_set import TrainingSet, read_training_set

BEFORE, AFTER = "stage1", "finetuned"
Figures = dict[str, Any]


def check_run(params: Params, outputs: Path) -> TrainingSet:
    """The pairs of the finished run that the design stands on.

    Raises JobError or UsageError, before anything is trained, for what would end the run after it.
    """
    train = params.train
    check_limits(params.evaluate.limits)
    check_judgeable(params)
    check_devices(train.batch_size, train.accumulation, train.mixed_precision, "train", "train")
    list_shards(outputs / "download/evaluate")
    return read_training_set(None, outputs / "pairs.parquet", params.emit, params.download.max_pixels)


def learn_stage1(params: Params, work: Path) -> Figures:
    """Train stage 1 from scratch, by the language-model loss alone, to model.checkpoint; returns its figures.

    What is trained already is read, and not measured again.
    """
    section, place = params.pretrain, params.model.checkpoint
    torch.manual_seed(section.seed)
    vlm = build_model(params.model)
    lessons = load_lessons(params, vlm)
    done, checkpoints = place / "figures.json", work / f"checkpoints-{lessons.run}"
    if done.is_file() and (kept := json.loads(done.read_text(encoding="utf-8")))["run"] == lessons.run:
        return dict(kept["figures"])
    done.unlink(missing_ok=True)
    resumed, began = checkpoints.exists(), time.monotonic()
    prompt = vlm.chat.picture_prompt(params.describe.prompt)
    learn_language(vlm, lessons, prompt, section, work)
    seconds = round(time.monotonic() - began)
    figures: Figures = {
        "image_tokens": vlm.image_tokens,
        "trained_parameters": sum(value.numel() for value in vlm.trained_state().values()),
        "grounding": judge(vlm, lessons.unseen, prompt, section).as_dict(),
        "seconds": None if resumed else seconds,  # nobody counted what an interrupted run took
    }
    vlm.save_pretrained(place)
    write_text(json.dumps({"run": lessons.run, "figures": figures}), done)  # last: it says that the checkpoint is whole
    remove(checkpoints)
    return figures


def compare(
    params: Params, pairs: TrainingSet, outputs: Path, work: Path, seeds: Sequence[int]
) -> tuple[Figures, Mapping[str, Run], Heldout]:
    """Stage 1 of a design on the held-out pictures, and what the same fine-tuning makes of it, with every seed."""
    stage1 = load_stage1(params.model)
    heldout = load_heldout(outputs / "download/evaluate", stage1)
    vocabulary = corpus_objects(outputs / "corpus.parquet", params.evaluate.object_pictures)
    before = untrained(stage1, heldout, params, seeds)
    del stage1
    runs = {BEFORE: before, AFTER: trained(params, pairs, heldout, work, seeds)}
    figures = {name: measured(run, before, heldout, vocabulary, params) for name, run in runs.items()}
    return {"heldout": len(heldout.keys), **figures}, runs, heldout


def _run(argv: Sequence[str] | None) -> None:
    parser = stage_parser(__doc__)
    parser.add_argument("--design", required=True, choices=DESIGNS)
    arguments = parser.parse_args(argv)
    profile, budget, design = load_params(arguments.profile), load_ablation(), arguments.design
    outputs, work = Path("outputs", profile.profile), Path(".work", profile.profile, "ablation", design)
    with whole_stage(out=outputs / "ablation" / design, work=work) as fresh:
        pairs = check_run(profile, outputs)
        params = design_params(design, profile, budget, work)
        figures = learn_stage1(params, work)
        compared, runs, heldout = compare(params, pairs, outputs, work, budget.seeds)
        write_table(rows_of(runs, heldout, params), fresh / "answers.parquet")
        metrics = {"budget": budget.model_dump(mode="json"), **figures, **compared}
        write_text(json.dumps(metrics, indent=1) + "\n", fresh / "metrics.json")
    first, failed = figures["grounding"]["ranked_first"], compared[AFTER]["failure_rate"]
    print(f"ablation {design}: the right caption comes first for {first:.1%}; failures after stage 2 {failed:.1%}")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the experiment; returns the exit code."""
    return run_command(_run, argv)


if __name__ == "__main__":
    raise SystemExit(main())
