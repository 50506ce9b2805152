"""Stage 1 on the corpus's own pictures: what the projection learns of them, in which order, and how it is judged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from torch import Tensor

from pipeline.captions import sentences_of
from pipeline.feature_shards import tower_digest
from pipeline.grounding import Grounding, check_distractors, human_captions, measure_grounding
from pipeline.identity import fingerprint
from pipeline.params import Params, PretrainParams
from pipeline.parquet import read_table
from pipeline.parts import digest
from pipeline.prompts import Prompt
from pipeline.runner import code_version
from pipeline.training import Example, Schedule, fit
from pipeline.views import feature_tensor, load_pictures
from pipeline.vlm import VisionLanguageModel

# The code that decides the weights and the figures; what only carries rows must not cost a finished run.
_DECIDING = [
    Path(__file__).parent / name
    for name in (
        "captions.py colors.py compose.py grounding.py parts.py prompts.py stage1.py training.py views.py vision.py"
        " vlm.py templates/conversations.yaml"
    ).split()
]
VALIDATION_EVERY = 25  # one picture in so many of the training split only watches the loss


def check_judgeable(params: Params) -> None:
    """Raise JobError before hours of training, where the corpus holds too few pictures to judge the result by."""
    corpus = read_table(Path("outputs", params.profile, "corpus.parquet"), ["split", "caption", "keywords"])
    unseen = corpus.filter(pc.equal(corpus["split"], "evaluate")).slice(0, params.pretrain.judged_pictures)
    captions = [[row["caption"], *(row["keywords"] or [])] for row in unseen.to_pylist()]
    check_distractors(captions, params.pretrain.distractors)


@dataclass(frozen=True)
class Lessons:
    """The pictures that stage 1 learns from, those that it is judged by, and what decides the weights."""

    seen: pa.Table
    unseen: pa.Table
    views: Sequence[Tensor]  # features [N, tokens, width] of those seen: the picture, and in a mirror
    words: Sequence[str]  # what people wrote of each picture that is seen
    run: str  # 16 hex digits of all that decides the weights and the figures: anything else is another run


def load_lessons(params: Params, vlm: VisionLanguageModel) -> Lessons:
    """Both splits of the corpus, fetched and seen by the tower once."""
    section, model = params.pretrain, params.model
    seen = load_pictures(params, vlm, "pretrain", None)
    unseen = load_pictures(params, vlm, "evaluate", section.judged_pictures)
    views = [feature_tensor(seen, vlm, column) for column in ("features", "mirrored")]
    words = [" ".join([row["caption"], *row["keywords"]]) for row in seen.select(["caption", "keywords"]).to_pylist()]
    # What contrast makes of it is none of the checkpoints' business.
    shaping = section.model_dump(mode="json", exclude={"contrast"}), model.model_dump(mode="json")
    parts = tower_digest(model), digest(model.llm), model.qformer and digest(model.qformer)
    pictures = [each.select(["key", "caption", "keywords"]).to_pylist() for each in (seen, unseen)]
    run = fingerprint(shaping, parts, params.describe.prompt, pictures, code_version(*_DECIDING))
    return Lessons(seen, unseen, views, words, run)


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
    captions, features = human_captions(vlm.tokenizer, rows), feature_tensor(rows, vlm)
    return measure_grounding(vlm.eval(), features, prompt, captions, distractors=params.distractors, seed=params.seed)


def learn_language(
    vlm: VisionLanguageModel, lessons: Lessons, prompt: Prompt, params: PretrainParams, work: Path
) -> list[dict[str, object]]:
    """Train by the language-model loss, bare and then in the prompt, with checkpoints in `work`; returns the log."""
    log: list[dict[str, object]] = []
    views = lessons.views
    # Colours are easily learnt and say little: they wait until the picture's words are known.
    for phase, steps, asked, colors in (
        ("bare", params.bare_steps, vlm.chat.bare_prompt(), False),
        ("prompt", params.prompt_steps, prompt, True),
    ):
        if not steps:
            continue
        answers = answers_of(vlm, lessons.seen, params, colors=colors)
        watched = [i for i in range(len(answers)) if i % VALIDATION_EVERY == 0]
        learned = [i for i in range(len(answers)) if i % VALIDATION_EVERY]
        _, entries = fit(
            vlm,
            [Example(view[i], asked, answers[i]) for view in views for i in learned],
            schedule_of(params, steps, phase),
            work / f"checkpoints-{lessons.run}" / phase,
            heldout=[Example(views[0][i], asked, answers[i]) for i in watched],
        )
        log += [{"phase": phase, **entry} for entry in entries]
    return log


def schedule_of(params: PretrainParams, steps: int, phase: str) -> Schedule:
    """The schedule of one phase; the second takes up the rate where half of the first's range lies."""
    peak = params.lr if phase == "bare" else (params.lr + params.min_lr) / 2
    shared = params.model_dump(include=set(Schedule.__dataclass_fields__) - {"steps", "lr"})
    return Schedule(steps=steps, lr=peak, **shared)
