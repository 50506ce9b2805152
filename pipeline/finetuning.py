"""Stage 2: the trained part learns a set of pairs, loss on the description and its end mark alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from pipeline.checkpoint import identity_of, load_stage1
from pipeline.devices import check_devices, this_process
from pipeline.features import picture_features
from pipeline.finetuned import prepare
from pipeline.identity import fingerprint
from pipeline.params import Params
from pipeline.prompts import Chat
from pipeline.runner import code_version
from pipeline.text import sentence_spans
from pipeline.training import Example, Schedule, TrainedPart, fit
from pipeline.training_set import TrainingSet
from pipeline.vlm import VisionLanguageModel

# The code that decides the weights; what only carries rows, or draws pages, must not cost a finished run.
_DECIDING = [
    Path(__file__).parent / name
    for name in (
        "compose.py features.py finetuned.py finetuning.py parts.py pictures.py prompts.py text.py training.py"
        " training_set.py vision.py vlm.py templates/conversations.yaml"
    ).split()
]


@dataclass(frozen=True)
class Tuned:
    """A finished fine-tuning: what was trained, its figures, and its log of step, loss and learning rate."""

    vlm: VisionLanguageModel
    part: TrainedPart
    metrics: dict[str, object]
    log: list[dict[str, float]]


@dataclass(frozen=True)
class Answers:
    """Descriptions in token ids, and what the limit did to them."""

    ids: list[list[int]]
    shortened: int  # lost their last sentences; the end mark stands behind the last whole one
    unfinished: int  # their first sentence alone is too long: cut within it, and without an end mark


def tokenized(chat: Chat, descriptions: Sequence[str], max_tokens: int) -> Answers:
    """Answers of at most `max_tokens`, the end mark not counted.

    MiniGPT-4 cuts a longer one at the limit, and its end mark with it, so that the model never sees it end. Here its
    last sentences go, and the mark stands behind a whole one.
    """
    ids, shortened, unfinished, mark = [], 0, 0, chat.end_mark()
    for description in descriptions:
        whole = chat.answer(description, max_tokens)
        fitting = whole if whole[-len(mark) :] == mark else _shortened(chat, description.strip(), max_tokens)
        shortened += fitting is not whole and fitting is not None
        unfinished += fitting is None
        ids.append(fitting or whole)
    return Answers(ids, shortened, unfinished)


def _shortened(chat: Chat, text: str, max_tokens: int) -> list[int] | None:
    """The most whole sentences from the start that fit with their end mark; None where not even the first does."""
    mark = chat.end_mark()
    ends = [end for _, end in sentence_spans(text)]
    tries = (chat.answer(text[:end], max_tokens) for end in reversed(ends[:-1]))
    return next((answer for answer in tries if answer[-len(mark) :] == mark), None)


def finetune(params: Params, pairs: TrainingSet, work: Path) -> Tuned:
    """Fine-tune the stage-1 model on `pairs`, from the last checkpoint in `work` of the same model, params and rows.

    Raises UsageError, before a model loads, where the devices cannot do what the params ask.
    """
    section = params.train
    check_devices(section.batch_size, section.accumulation, section.mixed_precision, "train", "train")
    torch.manual_seed(section.seed)
    vlm = prepare(load_stage1(params.model), section)
    features = picture_features(vlm, pairs.pictures(), len(pairs.pairs), "train: features")
    answers = tokenized(vlm.chat, [pair.description for pair in pairs.pairs], section.max_answer_tokens)
    examples = _examples(vlm, pairs, features, answers)
    schedule = Schedule(**section.model_dump(include=set(Schedule.__dataclass_fields__)))
    part, log = fit(vlm, examples, schedule, work / run_identity(params, pairs))
    losses = [entry["loss"] for entry in log if "loss" in entry]
    metrics = {
        "pairs": len(examples),
        "shortened_answers": answers.shortened,
        "cut_answers": answers.unfinished,
        "trained_parameters": sum(value.numel() for value in part.state_dict().values()),
        "loss_first": float(losses[0]),
        "loss_last": float(losses[-1]),
    }
    return Tuned(vlm, part, metrics, log)


def _examples(vlm: VisionLanguageModel, pairs: TrainingSet, features: Tensor, answers: Answers) -> list[Example]:
    """One example a pair: its picture's features [tokens, width], its instruction, its description with `###`."""
    prompts = {text: vlm.chat.picture_prompt(text) for text in {pair.instruction for pair in pairs.pairs}}
    return [
        Example(feature, prompts[pair.instruction], ids)
        for feature, pair, ids in zip(features, pairs.pairs, answers.ids, strict=True)
    ]


def run_identity(params: Params, pairs: TrainingSet) -> str:
    """What the weights depend on, as 16 hex digits: the checkpoints of anything else are another run's.

    The number of processes is in it: another one deals out other batches.
    """
    section, model = params.train.model_dump(mode="json", exclude={"data"}), params.model.model_dump(mode="json")
    _, stage1 = identity_of(params.model.checkpoint)
    processes = this_process().num_processes
    return fingerprint(section, model, stage1, pairs.digest(), processes, code_version(*_DECIDING))
