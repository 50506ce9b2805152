"""python -m stages.pretrain --profile embedded

Stage 1: train the projection, everything else frozen, on the corpus's `pretrain` split (ridge start, language-model
loss, contrast), and measure on the `evaluate` split whether it grounds. Writes models/<profile>, a checkpoint with its
record.json; the default's is committed, so that the pipeline starts from it. Pictures and features are fetched and
computed once, under .cache/; training resumes from its last checkpoint.

With pretrain.published it takes a converted checkpoint's projection as it is. With pretrain.shards it learns from
image-text shards instead, as the paper does, and is held against pairs that it does not learn from; several
processes: `accelerate launch -m stages.pretrain --profile NAME`. Watch models/<profile>/loss.csv, loss.png and
samples.txt while it runs.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Sequence
from pathlib import Path

import torch

from pipeline.checkpoint import TRAINED_FILE, load_trained
from pipeline.command import run_command, stage_params
from pipeline.compose import best_device, build_model
from pipeline.contrast import add_contrast, caption_gradients
from pipeline.files import atomic, sha256_file
from pipeline.params import Params
from pipeline.pretraining import open_sources, pretrain_on_shards
from pipeline.prompts import tokenize
from pipeline.ridge import start_from_ridge
from pipeline.stage1 import answers_of, check_judgeable, judge, learn_language, load_lessons
from pipeline.vlm import VisionLanguageModel


def pretrain(params: Params, vlm: VisionLanguageModel) -> dict[str, object]:
    """Ridge start, the language-model loss, contrast; returns the training record."""
    section, work = params.pretrain, Path(".work", params.profile, "pretrain")
    lessons = load_lessons(params, vlm)
    seen, views = lessons.seen, lessons.views
    prompt = vlm.chat.picture_prompt(params.describe.prompt)
    if section.ridge is not None:
        start_from_ridge(vlm, views[0], [tokenize(vlm.tokenizer, " " + text) for text in lessons.words], section.ridge)
    started = time.monotonic()
    log = learn_language(vlm, lessons, prompt, section, work)
    found = judge(vlm, lessons.unseen, prompt, section)
    record: dict[str, object] = {"pictures": {"seen": seen.num_rows, "judged": lessons.unseen.num_rows}}
    if section.contrast:
        record["grounding before contrast"] = found.as_dict()
        captions = answers_of(vlm, seen, section, colors=False)
        gradients = caption_gradients(vlm, views[0].mean(0), prompt, captions, section.batch_size)
        add_contrast(vlm.projection, views, gradients, section.contrast, section.seed)
        found = judge(vlm, lessons.unseen, prompt, section)
    record["grounding"] = found.as_dict()
    print(f"pretrain: the right caption of {1 + section.distractors} comes first for {found.ranked_first:.1%}")
    seconds = round(time.monotonic() - started)
    return record | {"seconds": seconds, "log": log, "params": json.loads(section.model_dump_json())}


def _train(params: Params) -> tuple[VisionLanguageModel, dict[str, object] | None]:
    """The trained model and its record; what forbids the training is found before the model is loaded."""
    published, shards = params.pretrain.published, params.pretrain.shards
    torch.manual_seed(params.pretrain.seed)
    if published:
        vlm = build_model(params.model)
        load_trained(vlm, published)
        return vlm, {"published": str(published), "sha256": sha256_file(published / TRAINED_FILE)}
    if shards:
        sources = open_sources(params.pretrain, shards)
        vlm = build_model(params.model, best_device())
        return vlm, pretrain_on_shards(params, shards, sources, vlm)
    check_judgeable(params)
    vlm = build_model(params.model)
    return vlm, pretrain(params, vlm)


def _run(argv: Sequence[str] | None) -> None:
    params = stage_params(__doc__, argv)
    out = params.model.checkpoint
    vlm, record = _train(params)
    if not record:  # the first process writes for all
        return
    vlm.save_pretrained(out)
    with atomic(out / "record.json") as path:
        path.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    shutil.rmtree(Path(".work", params.profile, "pretrain"), ignore_errors=True)
    print(f"pretrain: wrote {out}")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the stage; returns the exit code."""
    return run_command(_run, argv)


if __name__ == "__main__":
    raise SystemExit(main())
