"""python -m stages.evaluate --profile embedded

Did the set cure the model? The stage-1 and the fine-tuned model describe the same held-out pictures with the
same prompt and decoding; an answer fails when any rule rejects it as it is, unrepaired. Writes
outputs/<profile>/evaluate: metrics.json and answers.parquet.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from torch import Tensor
from tqdm import tqdm

from filters import check_limits, judge_all
from pipeline.backends.completion import LENGTH
from pipeline.checkpoint import load_stage1
from pipeline.command import run_command, stage_params
from pipeline.comparison import mcnemar, rate_with_interval
from pipeline.errors import JobError
from pipeline.features import picture_features
from pipeline.files import write_text
from pipeline.finetuned import load_finetuned
from pipeline.generate import Answer, answer, first_turn
from pipeline.grounding import human_captions, measure_margin
from pipeline.params import EvaluateParams, Params
from pipeline.parquet import list_shards, read_table, write_table
from pipeline.runner import whole_stage
from pipeline.schema import IMAGE
from pipeline.seeds import row_seed
from pipeline.vlm import VisionLanguageModel

ANSWERS = pa.schema(
    [
        pa.field("key", pa.string()),
        pa.field("caption", pa.string()),
        pa.field("image", IMAGE),
        pa.field("model", pa.string()),  # stage1 | finetuned
        pa.field("text", pa.string()),
        pa.field("finish", pa.string()),
        pa.field("failed", pa.bool_()),
        pa.field("rules", pa.list_(pa.string())),  # those that reject the text
    ]
)


def answer_all(
    vlm: VisionLanguageModel, features: Tensor, keys: Sequence[str], params: EvaluateParams, label: str
) -> list[Answer]:
    """One answer a picture, from features [N, tokens, 1280]."""
    seeds = [row_seed(params.seed, key) for key in keys]
    prompt = vlm.chat.picture_prompt(params.prompt)
    conversations = first_turn(vlm, vlm.project(features), prompt)
    with tqdm(total=len(conversations), desc=f"evaluate: {label}", unit="picture", mininterval=1.0) as bar:
        return answer(vlm, conversations, params, seeds=seeds, advance=bar.update)


def judge_answers(answers: Sequence[Answer], params: EvaluateParams) -> list[list[str]]:
    """The rules that reject each answer as it is."""
    return [[v.rule for v in judge_all(a.text, params.limits) if v.failed] for a in answers]


def metrics_of(answers: Sequence[Answer], rules: Sequence[Sequence[str]], params: EvaluateParams) -> dict[str, object]:
    """Failure rate with its interval, the share each rule rejects, length, share of unfinished answers."""
    n = len(answers)
    counts = Counter(rule for row in rules for rule in row)
    return {
        **rate_with_interval([bool(row) for row in rules], params.bootstrap, params.seed),
        "by_rule": {rule: count / n for rule, count in sorted(counts.items())},
        "mean_tokens": sum(a.tokens for a in answers) / n,
        "unfinished": sum(a.finish == LENGTH for a in answers) / n,
        "distinct_answers": len({a.text for a in answers}) / n,
    }


def margin_of(vlm: VisionLanguageModel, features: Tensor, rows: pa.Table, params: Params) -> dict[str, float]:
    """Loss of the human captions with the right against a shuffled picture."""
    prompt = vlm.chat.picture_prompt(params.describe.prompt)
    captions = human_captions(vlm.tokenizer, rows)
    return asdict(measure_margin(vlm, features, prompt, captions, params.evaluate.seed))


def load_heldout(folder: Path) -> pa.Table:
    """The held-out pictures that were downloaded."""
    rows = pa.concat_tables([read_table(path) for path in list_shards(folder)])
    rows = rows.filter(pc.is_null(rows["outcome"]))
    if not rows.num_rows:
        raise JobError(f"{folder} holds no picture: see the reasons in its column `reason`")
    return rows


def evaluate(params: Params, rows: pa.Table, trained: Path) -> tuple[dict[str, object], pa.Table]:
    """Both models on the held-out pictures; returns the metrics and the ANSWERS table."""
    section = params.evaluate
    metrics: dict[str, object] = {"pictures": rows.num_rows}
    records: list[dict[str, object]] = []
    failed: dict[str, list[bool]] = {}
    stage1 = load_stage1(params.model)
    finetuned = load_finetuned(params.model, params.train, trained)
    pictures = [image["bytes"] for image in rows["image"].to_pylist()]
    features = picture_features(stage1, pictures, "evaluate: features")  # the tower is frozen: both models see these
    for name, vlm in (("stage1", stage1), ("finetuned", finetuned)):
        answers = answer_all(vlm, features, rows["key"].to_pylist(), section, name)
        rules = judge_answers(answers, section)
        failed[name] = [bool(row) for row in rules]
        metrics[name] = metrics_of(answers, rules, section) | margin_of(vlm, features, rows, params)
        records += [
            {**row, "model": name, "text": a.text, "finish": a.finish, "failed": bool(bad), "rules": bad}
            for row, a, bad in zip(rows.select(["key", "caption", "image"]).to_pylist(), answers, rules, strict=True)
        ]
    metrics["mcnemar_p"] = mcnemar(failed["stage1"], failed["finetuned"])
    return metrics, pa.Table.from_pylist(records, schema=ANSWERS)


def _run(argv: Sequence[str] | None) -> None:
    params = stage_params(__doc__, argv)
    check_limits(params.evaluate.limits)
    outputs = Path("outputs", params.profile)
    out = outputs / "evaluate"
    with whole_stage(out=out, work=Path(".work", params.profile, "evaluate")) as fresh:
        metrics, answers = evaluate(params, load_heldout(outputs / "download/evaluate"), outputs / "train")
        write_text(json.dumps(metrics, indent=1) + "\n", fresh / "metrics.json")
        write_table(answers, fresh / "answers.parquet")
    rates = [metrics[name]["failure_rate"] for name in ("stage1", "finetuned")]  # type: ignore[index]
    print(f"evaluate: failures on {metrics['pictures']} held-out pictures: {rates[0]:.0%} before, {rates[1]:.0%} after")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the stage; returns the exit code."""
    return run_command(_run, argv)


if __name__ == "__main__":
    raise SystemExit(main())
