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

import hashlib
import json
import shutil
import time
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import torch
from torch import Tensor

from pipeline.captions import sentences_of
from pipeline.checkpoint import TRAINED_FILE, load_trained
from pipeline.command import run_command, stage_params
from pipeline.compose import best_device, build_model
from pipeline.contrast import add_contrast, caption_gradients
from pipeline.files import atomic, sha256_file
from pipeline.grounding import Grounding, check_distractors, human_captions, measure_grounding
from pipeline.params import Params, PretrainParams
from pipeline.parquet import read_table
from pipeline.pretraining import open_sources, pretrain_on_shards
from pipeline.prompts import Prompt, tokenize
from pipeline.ridge import start_from_ridge
from pipeline.training import Example, Schedule, fit
from pipeline.views import feature_tensor, load_pictures
from pipeline.vlm import VisionLanguageModel

VALIDATION_EVERY = 25  # one picture in so many of the training split only watches the loss


def check_judgeable(params: Params) -> None:
    """Raise JobError before hours of training, where the corpus holds too few pictures to judge the result by."""
    corpus = read_table(Path("outputs", params.profile, "corpus.parquet"), ["split", "caption", "keywords"])
    unseen = corpus.filter(pc.equal(corpus["split"], "evaluate")).slice(0, params.pretrain.judged_pictures)
    captions = [[row["caption"], *(row["keywords"] or [])] for row in unseen.to_pylist()]
    check_distractors(captions, params.pretrain.distractors)


def answers_of(vlm: VisionLanguageModel, rows: pa.Table, params: PretrainParams, *, colors: bool) -> list[list[int]]:
    """Token ids of the sentences that stage 1 learns; without an end mark where the params say so."""
    texts = [
        sentences_of(row["key"], row["caption"], row["keywords"] or [], row["colors"] if colors else [])
        for row in rows.select(["key", "caption", "keywords", "colors"]).to_pylist()
    ]
    if params.end_mark:
        return [vlm.chat.answer(text, params.max_caption_tokens) for text in texts]
    return [vlm.chat.said(text)[: params.max_caption_tokens] for text in texts]


def judge(vlm: VisionLanguageModel, rows: pa.Table, prompt: Prompt, params: PretrainParams) -> Grounding:
    """Grounding on unseen pictures, by their human captions and keywords alone (no computed colours)."""
    captions, features = human_captions(vlm.tokenizer, rows), feature_tensor(rows, vlm.image_tokens)
    return measure_grounding(vlm, features, prompt, captions, distractors=params.distractors, seed=params.seed)


def pretrain(params: Params, vlm: VisionLanguageModel) -> dict[str, object]:
    """Ridge start, the language-model loss, contrast; returns the training record."""
    section, work = params.pretrain, Path(".work", params.profile, "pretrain")
    seen = load_pictures(params, vlm, "pretrain", None)
    unseen = load_pictures(params, vlm, "evaluate", section.judged_pictures)
    prompt = vlm.chat.picture_prompt(params.describe.prompt)
    views = [feature_tensor(seen, vlm.image_tokens, column) for column in ("features", "mirrored")]
    words = [" ".join([row["caption"], *row["keywords"]]) for row in seen.select(["caption", "keywords"]).to_pylist()]
    if section.ridge is not None:
        start_from_ridge(vlm, views[0], [tokenize(vlm.tokenizer, " " + text) for text in words], section.ridge)
    started = time.monotonic()
    # What contrast makes of it is none of the checkpoints' business.
    shaping = section.model_dump_json(exclude={"contrast"})
    facts = [shaping, params.model.model_dump_json(), *seen["key"].to_pylist(), *words]
    run = hashlib.sha256("\n".join(facts).encode()).hexdigest()[:16]
    log = learn_language(vlm, seen, views, prompt, section, work / f"checkpoints-{run}")
    found = judge(vlm, unseen, prompt, section)
    record: dict[str, object] = {"pictures": {"seen": seen.num_rows, "judged": unseen.num_rows}}
    if section.contrast:
        record["grounding before contrast"] = found.as_dict()
        captions = answers_of(vlm, seen, section, colors=False)
        gradients = caption_gradients(vlm, views[0].mean(0), prompt, captions, section.batch_size)
        add_contrast(vlm.projection, views, gradients, section.contrast, section.seed)
        found = judge(vlm, unseen, prompt, section)
    record["grounding"] = found.as_dict()
    print(f"pretrain: the right caption of {1 + section.distractors} comes first for {found.ranked_first:.1%}")
    seconds = round(time.monotonic() - started)
    return record | {"seconds": seconds, "log": log, "params": json.loads(section.model_dump_json())}


def learn_language(
    vlm: VisionLanguageModel,
    seen: pa.Table,
    views: Sequence[Tensor],
    prompt: Prompt,
    params: PretrainParams,
    checkpoints: Path,
) -> list[dict[str, object]]:
    """Train by the language-model loss, bare and then in the prompt; returns the log."""
    log: list[dict[str, object]] = []
    # Colours are easily learnt and say little: they wait until the picture's words are known.
    for phase, steps, asked, colors in (
        ("bare", params.bare_steps, vlm.chat.bare_prompt(), False),
        ("prompt", params.prompt_steps, prompt, True),
    ):
        if not steps:
            continue
        answers = answers_of(vlm, seen, params, colors=colors)
        watched = [i for i in range(len(answers)) if i % VALIDATION_EVERY == 0]
        learned = [i for i in range(len(answers)) if i % VALIDATION_EVERY]
        _, entries = fit(
            vlm,
            [Example(view[i], asked, answers[i]) for view in views for i in learned],
            schedule_of(params, steps, phase),
            checkpoints / phase,
            heldout=[Example(views[0][i], asked, answers[i]) for i in watched],
        )
        log += [{"phase": phase, **entry} for entry in entries]
    return log


def schedule_of(params: PretrainParams, steps: int, phase: str) -> Schedule:
    """The schedule of one phase; the second takes up the rate where half of the first's range lies."""
    peak = params.lr if phase == "bare" else (params.lr + params.min_lr) / 2
    shared = params.model_dump(include=set(Schedule.__dataclass_fields__) - {"steps", "lr"})
    return Schedule(steps=steps, lr=peak, **shared)


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
