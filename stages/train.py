"""python -m stages.train --profile embedded

Stage 2: fine-tune on outputs/<profile>/pairs.parquet, loss on the description and its end mark alone. Writes
outputs/<profile>/train: the trained parameters as safetensors, the loss as JSON and PNG, and the metrics.
Training resumes from its last checkpoint.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import torch
from torch import Tensor

from pipeline.checkpoint import load_stage1
from pipeline.command import run_command, stage_params
from pipeline.features import picture_features
from pipeline.files import sha256_file, write_text
from pipeline.finetuned import prepare, save_trained
from pipeline.params import Params, TrainParams
from pipeline.parquet import read_table
from pipeline.plots import plot_loss
from pipeline.runner import code_version, whole_stage
from pipeline.training import Example, Schedule, TrainedPart, fit
from pipeline.vlm import VisionLanguageModel


def examples_of(vlm: VisionLanguageModel, pairs: pa.Table, features: Tensor, params: TrainParams) -> list[Example]:
    """One example a pair: its picture's features [tokens, 1280], its instruction, its description with `###`."""
    prompts = {text: vlm.chat.picture_prompt(text) for text in set(pairs["instruction"].to_pylist())}
    return [
        Example(feature, prompts[instruction], vlm.chat.answer(description, params.max_answer_tokens))
        for feature, instruction, description in zip(
            features, pairs["instruction"].to_pylist(), pairs["description"].to_pylist(), strict=True
        )
    ]


def train(
    params: Params, pairs_path: Path, work: Path
) -> tuple[TrainedPart, dict[str, object], list[dict[str, float]]]:
    """Fine-tune; returns the trained part, the metrics and the log of the loss."""
    section = params.train
    pairs = read_table(pairs_path, ["image", "instruction", "description"])
    vlm = prepare(load_stage1(params.model), section)
    pictures = [image["bytes"] for image in pairs["image"].to_pylist()]
    examples = examples_of(vlm, pairs, picture_features(vlm, pictures, "train: features"), section)
    mark = vlm.chat.end_mark()
    identity = [section.model_dump_json(), params.model.model_dump_json(), sha256_file(pairs_path)]
    run = hashlib.sha256("\n".join([*identity, code_version(Path("pipeline"))]).encode()).hexdigest()[:16]
    schedule = Schedule(**section.model_dump(include=set(Schedule.__dataclass_fields__)))
    part, log = fit(vlm, examples, schedule, work / run)
    losses = [entry["loss"] for entry in log if "loss" in entry]
    metrics = {
        "pairs": len(examples),
        "cut_answers": sum(list(e.answer[-len(mark) :]) != mark for e in examples),
        "trained_parameters": sum(value.numel() for value in part.state_dict().values()),
        "loss_first": float(losses[0]),
        "loss_last": float(losses[-1]),
    }
    return part, metrics, log


def _run(argv: Sequence[str] | None) -> None:
    params = stage_params(__doc__, argv)
    torch.manual_seed(params.train.seed)
    out, work = Path("outputs", params.profile, "train"), Path(".work", params.profile, "train")
    with whole_stage(out=out, work=work) as fresh:
        part, metrics, log = train(params, Path("outputs", params.profile, "pairs.parquet"), work)
        curve = [{"step": entry["step"], "loss": float(entry["loss"])} for entry in log if "loss" in entry]
        save_trained(part, fresh)
        write_text(json.dumps(metrics, indent=1) + "\n", fresh / "metrics.json")
        write_text(json.dumps(curve, indent=1) + "\n", fresh / "loss.json")
        plot_loss([(int(point["step"]), point["loss"]) for point in curve], fresh / "loss.png")
    shutil.rmtree(work, ignore_errors=True)
    print(f"train: {metrics['pairs']} pairs, loss {metrics['loss_first']:.2f} -> {metrics['loss_last']:.2f}; {out}")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the stage; returns the exit code."""
    return run_command(_run, argv)


if __name__ == "__main__":
    raise SystemExit(main())
