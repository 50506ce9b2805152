"""One fine-tuning after another, each asked about the same held-out pictures; what is finished is not done again."""

from __future__ import annotations

import inspect
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import pyarrow as pa

from measures.answers import Failures, failures_change, judged, measure_answers
from measures.grounding import own_and_other_losses, references_of
from measures.reference import measure_reference, recalls
from pipeline import captions, grounding
from pipeline.answering import ANSWERS, CODE, Answers, Heldout, answer_all, records_of
from pipeline.comparison import difference_with_interval, mean_with_interval
from pipeline.files import write_text
from pipeline.finetuning import finetune, run_identity
from pipeline.generate import Answer
from pipeline.identity import fingerprint
from pipeline.params import DecodingParams, Params
from pipeline.runner import code_version
from pipeline.training_set import TrainingSet
from pipeline.vlm import VisionLanguageModel

_ASKING = [*CODE, *(Path(inspect.getfile(module)) for module in (captions, grounding))]  # code that decides answers


@dataclass(frozen=True)
class Said:
    """What one model says of each held-out picture, and how much its own picture helps it there."""

    answers: list[Answer]  # [picture]
    margins: list[float]  # [picture]: loss of the human caption with another picture less that with its own
    vocabulary: int  # tokens that the model has


@dataclass(frozen=True)
class Run:
    """One set with every seed of training."""

    pairs: int | None  # None: stage 1, which learnt none
    seeds: Sequence[int]
    said: Sequence[Said]  # [seed]
    failures: Failures  # [picture][seed]

    @property
    def answers(self) -> Answers:
        """[picture][seed]"""
        return [list(each) for each in zip(*(said.answers for said in self.said), strict=True)]


def ask(vlm: VisionLanguageModel, heldout: Heldout, params: Params, label: str) -> Said:
    """The model's descriptions, with the first of evaluate.seeds, and its margins."""
    section = params.evaluate.model_copy(update={"seeds": params.evaluate.seeds[:1]})
    answers = [each[0] for each in answer_all(vlm, heldout, _question(params), section, label)]
    right, shuffled = own_and_other_losses(vlm, heldout, params)
    return Said(answers, (shuffled - right).tolist(), len(vlm.tokenizer))


def _question(params: Params) -> str:
    return next(iter(params.evaluate.prompts.values()))


def run_of(said: Sequence[Said], params: Params, seeds: Sequence[int], pairs: int | None) -> Run:
    """A run, judged by the rules of `evaluate`."""
    run = Run(pairs, seeds, said, [])
    return Run(pairs, seeds, said, judged(run.answers, params.evaluate))


def trained(params: Params, pairs: TrainingSet, heldout: Heldout, work: Path, seeds: Sequence[int]) -> Run:
    """Fine-tune on `pairs` once for each seed, and ask each model."""
    said = []
    for seed in seeds:
        own = params.model_copy(update={"train": params.train.model_copy(update={"seed": seed})})
        place = work / "runs" / f"{answers_identity(own, pairs, heldout)}.json"
        found = _read(place)
        if found is None:
            checkpoints = work / "checkpoints"
            tuned = finetune(own, pairs, checkpoints)
            found = ask(tuned.vlm.eval(), heldout, own, f"{pairs.name}, seed {seed}")
            write_text(json.dumps(asdict(found)), place)
            shutil.rmtree(checkpoints, ignore_errors=True)
        said.append(found)
    return run_of(said, params, seeds, len(pairs.pairs))


def untrained(stage1: VisionLanguageModel, heldout: Heldout, params: Params, seeds: Sequence[int]) -> Run:
    """Stage 1, which is the same before every training."""
    once = run_of([ask(stage1, heldout, params, "stage 1")], params, seeds, None)
    return Run(None, seeds, [*once.said] * len(seeds), [each * len(seeds) for each in once.failures])


def rows_of(runs: Mapping[str, Run], heldout: Heldout, params: Params) -> pa.Table:
    """All answers as rows of ANSWERS; the column `model` has the names, `seed` is that of the training."""
    prompt = next(iter(params.evaluate.prompts))
    rows: list[dict[str, object]] = []
    for name, run in runs.items():
        rows += records_of(run.answers, run.failures, heldout, run.seeds, {"prompt": prompt, "model": name})
    return pa.Table.from_pylist(rows, schema=ANSWERS)


def measured(run: Run, before: Run, heldout: Heldout, vocabulary: frozenset[str], params: Params) -> dict[str, object]:
    """The figures of a run over its seeds, and their change from `before`; `vocabulary` as CHAIR wants it.

    The 95 % intervals are over pictures: they hold for these trainings. How much trainings differ, `by_seed` tells.
    """
    section = params.evaluate
    draws = section.bootstrap, section.seed
    references = references_of(heldout)
    words = measure_reference(_texts(run), references, vocabulary, *draws)
    recalled, recalled_before = (recalls(_texts(each), references) for each in (run, before))
    return {
        "pairs": run.pairs,
        **measure_answers(run.answers, run.failures, run.said[0].vocabulary, section),
        **words.as_dict(),
        **mean_with_interval(_margins(run), *draws).as_dict("margin"),
        "by_seed": [sum(map(bool, each)) / len(each) for each in zip(*run.failures, strict=True)],
        "change": {
            **failures_change(before.failures, run.failures, section),
            **difference_with_interval(recalled_before, recalled, *draws).as_dict("recall"),
            **difference_with_interval(_margins(before), _margins(run), *draws).as_dict("margin"),
        },
    }


def _texts(run: Run) -> list[list[str]]:
    return [[answer.text for answer in each] for each in run.answers]


def _margins(run: Run) -> list[list[float]]:
    """[picture][seed]"""
    return [list(each) for each in zip(*(said.margins for said in run.said), strict=True)]


def answers_identity(params: Params, pairs: TrainingSet, heldout: Heldout) -> str:
    """What the answers and margins of one training depend on, as 16 hex digits."""
    decoding = params.evaluate.model_dump(mode="json", include=set(DecodingParams.model_fields))
    asked = [_question(params), params.evaluate.seeds[0], params.evaluate.seed, params.describe.prompt, decoding]
    people = heldout.rows.select(["key", "caption", "keywords"]).to_pylist()
    return fingerprint(run_identity(params, pairs), asked, people, code_version(*_ASKING))


def _read(place: Path) -> Said | None:
    try:
        found = json.loads(place.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return Said([Answer(**answer) for answer in found["answers"]], found["margins"], found["vocabulary"])
