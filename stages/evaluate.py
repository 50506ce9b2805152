"""python -m stages.evaluate --profile embedded

Did the set cure the model? The stage-1 and the fine-tuned model answer the same prompts about the same held-out
pictures, with the same decoding and the same seeds; an answer fails when any rule rejects it as it is, unrepaired.
Writes outputs/<profile>/evaluate: metrics.json; answers.parquet and abilities.parquet, what both said;
pictures.parquet, whom they said it of; and where evaluate.judge names a judge, coverage.parquet, what it answered.
A run that was interrupted asks for the answers that are missing.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from filters import check_limits
from measures.answers import Failures, failures_change, judged, measure_answers
from measures.coverage import coverage_change, coverage_of, measure_coverage
from measures.grounding import grounding_change, measure_grounding
from measures.reference import corpus_objects
from pipeline.answering import ANSWERS, Answers, Heldout, answer_all, kept_answers, load_heldout, records_of
from pipeline.before_after import Comparison
from pipeline.checkpoint import identity_of, load_stage1
from pipeline.command import run_command, stage_params
from pipeline.files import sha256_file, write_text
from pipeline.finetuned import TRAINED_FILE, load_finetuned
from pipeline.params import EvaluateParams, Params
from pipeline.parquet import write_table
from pipeline.runner import whole_stage
from pipeline.vlm import VisionLanguageModel

BEFORE, AFTER = "stage1", "finetuned"
Records = list[dict[str, object]]


@dataclass(frozen=True)
class Contender:
    """One of the two models."""

    name: str
    vlm: VisionLanguageModel
    identity: str  # digests of what it is made of


@dataclass(frozen=True)
class Asking:
    """What both models are asked about, how, and where their answers wait until all are there."""

    contenders: Sequence[Contender]  # before, after
    heldout: Heldout
    params: EvaluateParams
    work: Path

    def answers(self, label: str, prompt: str) -> dict[str, Answers]:
        """What each model answers to `prompt`; what an interrupted run has left is not asked again."""
        return {
            model.name: self._answers(model, f"evaluate: {label}, {model.name}", prompt) for model in self.contenders
        }

    def _answers(self, model: Contender, label: str, prompt: str) -> Answers:
        return kept_answers(
            self.work,
            model.identity,
            self.heldout,
            prompt,
            self.params,
            lambda: answer_all(model.vlm, self.heldout, prompt, self.params, label),
        )


@dataclass(frozen=True)
class Asked:
    """What each model answers to one prompt, and the rules that reject each answer."""

    name: str
    answers: Mapping[str, Answers]  # model -> [picture][seed]
    failures: Mapping[str, Failures]


def ask(asking: Asking, prompts: Mapping[str, str]) -> list[Asked]:
    """Both models on every prompt."""
    found = []
    for name, prompt in prompts.items():
        answers = asking.answers(name, prompt)
        found.append(Asked(name, answers, {model: judged(each, asking.params) for model, each in answers.items()}))
    return found


def records(asked: Sequence[Asked], heldout: Heldout, seeds: Sequence[int]) -> Records:
    """The answers as rows of ANSWERS."""
    return [
        row
        for prompt in asked
        for model, answers in prompt.answers.items()
        for row in records_of(answers, prompt.failures[model], heldout, seeds, {"prompt": prompt.name, "model": model})
    ]


def contenders(params: Params, trained: Path) -> list[Contender]:
    """The stage-1 model, and the one with what `train` wrote."""
    stage1 = f"{identity_of(params.model.checkpoint)[1]} {params.model.model_dump_json()}"
    finetuned = load_finetuned(params.model, params.train, trained)
    return [
        Contender(BEFORE, load_stage1(params.model), stage1),
        Contender(AFTER, finetuned, f"{stage1} {sha256_file(trained / TRAINED_FILE)}"),
    ]


def compare_prompts(asked: Sequence[Asked], asking: Asking) -> dict[str, Any]:
    """The figures of both models on every prompt, with the change between them."""
    figures: dict[str, Any] = {}
    for prompt in asked:
        answers, failures = prompt.answers, prompt.failures
        figures[prompt.name] = {
            model.name: measure_answers(
                answers[model.name], failures[model.name], len(model.vlm.tokenizer), asking.params
            )
            for model in asking.contenders
        }
        figures[prompt.name]["change"] = failures_change(failures[BEFORE], failures[AFTER], asking.params)
    return figures


def compare_grounding(described: Asked, asking: Asking, vocabulary: frozenset[str], params: Params) -> dict[str, Any]:
    """Whether the descriptions of both models belong to their pictures, and the change."""
    found = {
        model.name: measure_grounding(model.vlm, asking.heldout, described.answers[model.name], vocabulary, params)
        for model in asking.contenders
    }
    change = grounding_change(found[BEFORE], found[AFTER], asking.params.bootstrap, asking.params.seed)
    return {**{model: each.figures for model, each in found.items()}, "change": change}


def abilities_of(asking: Asking) -> Records:
    """What both models make of prompts that go beyond describing, as rows; nothing is measured of them."""
    section = asking.params.abilities
    if section is None:
        return []
    few = replace(asking, heldout=asking.heldout.first(section.pictures))
    return records(ask(few, section.prompts), few.heldout, asking.params.seeds)


def ask_judge(answers: Records, heldout: Heldout, params: EvaluateParams, account: Path) -> pa.Table | None:
    """The judge's answers on the descriptions of the first seed; None where nobody is asked."""
    captions = dict(zip(heldout.keys, heldout.rows["caption"].to_pylist(), strict=True))
    prompt, seed = next(iter(params.prompts)), params.seeds[0]
    described = [
        {"key": row["key"], "caption": captions[str(row["key"])], "model": row["model"], "text": row["text"]}
        for row in answers
        if (row["prompt"], row["seed"]) == (prompt, seed)
    ]
    return measure_coverage(pa.Table.from_pylist(described), params, account)


def compare_coverage(rows: pa.Table, params: EvaluateParams) -> dict[str, Any]:
    """The judge's figures of both models, and the paired change."""
    of = {model: rows.filter(pc.equal(rows["model"], model)) for model in (BEFORE, AFTER)}
    return {
        **{model: coverage_of(each, params) for model, each in of.items()},
        "change": coverage_change(of[BEFORE], of[AFTER], params),
    }


def _run(argv: Sequence[str] | None) -> None:
    params = stage_params(__doc__, argv)
    section = params.evaluate
    check_limits(section.limits)
    outputs, work = Path("outputs", params.profile), Path(".work", params.profile, "evaluate")
    vocabulary = corpus_objects(outputs / "corpus.parquet", section.object_pictures)
    with whole_stage(out=outputs / "evaluate", work=work) as fresh:
        both = contenders(params, outputs / "train")
        heldout = load_heldout(outputs / "download/evaluate", both[0].vlm)  # both have this tower: it is frozen
        asking = Asking(both, heldout, section, work)
        asked = ask(asking, section.prompts)
        answers = records(asked, heldout, section.seeds)
        metrics: dict[str, Any] = {"pictures": len(heldout.keys), "seeds": len(section.seeds)}
        metrics["prompts"] = compare_prompts(asked, asking)
        metrics["grounding"] = compare_grounding(asked[0], asking, vocabulary, params)
        abilities = abilities_of(asking)
        del both, asking  # a judge wants room
        verdicts = ask_judge(answers, heldout, section, outputs / "account/judge.json")
        if verdicts is not None:
            metrics["coverage"] = compare_coverage(verdicts, section)
            write_table(verdicts, fresh / "coverage.parquet")
        write_table(pa.Table.from_pylist(answers, schema=ANSWERS), fresh / "answers.parquet")
        write_table(pa.Table.from_pylist(abilities, schema=ANSWERS), fresh / "abilities.parquet")
        write_table(heldout.rows, fresh / "pictures.parquet")
        write_text(json.dumps(metrics, indent=1) + "\n", fresh / "metrics.json")
    shutil.rmtree(work, ignore_errors=True)
    print(f"evaluate: {Comparison.model_validate(metrics).headline}")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the stage; returns the exit code."""
    return run_command(_run, argv)


if __name__ == "__main__":
    raise SystemExit(main())
