"""The sets that curation is held against: the same pictures, curated less, or not at all."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from filters import judge_all
from pipeline.errors import JobError
from pipeline.instructions import instruction_of
from pipeline.joined import join, pair_shards
from pipeline.params import Params
from pipeline.training_set import Pair, TrainingSet, read_training_set


def raw(params: Params, outputs: Path) -> TrainingSet:
    """Every description as the captioner wrote it."""
    return _set_of("raw", params, outputs, "describe", "raw_text", lambda _: True)


def rules(params: Params, outputs: Path) -> TrainingSet:
    """Repairs and rules alone: the repaired descriptions that `filter` kept and that the rules of `verify` let pass."""
    limits = params.verify.limits

    def sound(row: Mapping[str, Any]) -> bool:
        return row["outcome"] is None and not any(verdict.failed for verdict in judge_all(row["repaired_text"], limits))

    return _set_of("rules", params, outputs, "filter", "repaired_text", sound)


def curated(params: Params, outputs: Path) -> TrainingSet:
    """The whole pipeline: repairs, rules, rewriter, grounding."""
    pairs = read_training_set(None, outputs / "pairs.parquet", params.emit, params.download.max_pixels)
    return replace(pairs, name="curated")


def random_raw(everything: TrainingSet, size: int, seed: int) -> TrainingSet:
    """As many descriptions as the curated set has, drawn at random from the raw ones: is it the size that counts?

    Raises JobError where the curated set is the larger one, which is then of another run.
    """
    if size > len(everything.pairs):
        raise JobError(f"pairs.parquet holds {size} pairs, the stage describe {len(everything.pairs)}: run `dvc repro`")
    drawn = sorted(random.Random(seed).sample(range(len(everything.pairs)), size))
    return TrainingSet("random raw", [everything.pairs[number] for number in drawn], everything.max_pixels)


def arms(params: Params, outputs: Path) -> list[TrainingSet]:
    """All four sets of a finished run."""
    everything, chosen = raw(params, outputs), curated(params, outputs)
    some = random_raw(everything, len(chosen.pairs), params.sample.seed)
    return [everything, rules(params, outputs), chosen, some]


def _set_of(
    name: str, params: Params, outputs: Path, stage: str, column: str, keep: Callable[[Mapping[str, Any]], bool]
) -> TrainingSet:
    """The rows that have a text in `column` of a stage, with the pictures of `download`."""
    pairs = [
        Pair(f"{name}: {row['key']}", row["image"]["bytes"], instruction_of(row["key"], params.emit), row[column])
        for shard in pair_shards(outputs / "download/curate", outputs / stage)
        for row in join(shard).select(["key", "outcome", "image", column]).to_pylist()
        if row["image"] and (row[column] or "").strip() and keep(row)
    ]
    if not pairs:
        raise JobError(f"not one row of {outputs / stage} is left for the set {name!r}")
    return TrainingSet(name, pairs, params.download.max_pixels)
