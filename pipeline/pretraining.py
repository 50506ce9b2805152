"""Stage 1 at the paper's scale: the projection learns from image-text shards, in one process or several.

The last shard of each source is held out, for the loss while it runs and for the grounding figures at its end.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import torch
from accelerate import PartialState
from accelerate.utils import gather_object
from PIL import Image
from safetensors.torch import load_file
from torch import Tensor

from pipeline.devices import check_devices, device_arguments, this_process
from pipeline.errors import JobError
from pipeline.feature_shards import feature_source, tower_digest, write_features
from pipeline.grounding import measure_grounding
from pipeline.identity import fingerprint
from pipeline.lock import exclusive
from pipeline.pairs import Pairs, hold_out, sample_captions
from pipeline.params import Params, PretrainParams, ShardsParams
from pipeline.pictures import untrusted_pictures
from pipeline.shard_trainer import ShardTrainer, Watch, read_place
from pipeline.shards import find_shards
from pipeline.stream import Place, Share, Source, Stream, mixed_batches, read_ahead
from pipeline.training import (
    Example,
    Examples,
    Schedule,
    TrainedPart,
    collate,
    last_checkpoint,
    training_arguments,
)
from pipeline.vlm import VisionLanguageModel


def pretrain_on_shards(
    params: Params, shards: ShardsParams, sources: Sequence[Source], vlm: VisionLanguageModel
) -> dict[str, object] | None:
    """Train the projection of `vlm`; returns the training record, or None in a process that is not the first.

    Raises JobError, in one line, where the held-out pairs are too few, the shards hold nothing good, or other
    processes began the run.
    """
    process, section = this_process(), params.pretrain
    vlm.to(process.device)
    began = time.monotonic()
    with untrusted_pictures(), _alone(params, process):
        work = Path(".work", params.profile, "pretrain", f"checkpoints-{_identity(params, sources)}")
        if shards.features:
            sources = _through_tower(sources, shards.features, params, vlm)
        pairs = Pairs(vlm, section.max_caption_tokens, params.download.max_pixels)
        heldout, learned = hold_out(pairs, sources, section)
        run = _Run(params, shards, work)
        log, places = run.fit(pairs, learned, heldout)
        everywhere = gather_object([places])
    if not process.is_main_process:
        return None
    features = torch.stack([example.features for example in heldout])
    answers = [example.answer for example in heldout]
    found = measure_grounding(
        vlm.eval(), features, vlm.chat.bare_prompt(), answers, distractors=section.distractors, seed=section.seed
    )
    return {
        "sources": {source.name: _counted(source, [each[source.name] for each in everywhere]) for source in sources},
        "heldout": {"pairs": len(heldout), "loss": [entry["eval_loss"] for entry in log if "eval_loss" in entry][-1]},
        "grounding": found.as_dict(),
        "processes": process.num_processes,
        "seconds": round(time.monotonic() - began),
        "log": log,
        "params": json.loads(section.model_dump_json()),
    }


def open_sources(params: PretrainParams, shards: ShardsParams) -> list[Source]:
    """The sources with their shards, before a model is loaded.

    Raises JobError where a folder holds too few shards, and UsageError where the batch cannot be dealt out evenly or
    the precision cannot be had.
    """
    processes = this_process().num_processes
    check_devices(params.batch_size, shards.accumulation, shards.mixed_precision, "pretrain", "pretrain.shards")
    sources = [Source(each.name, find_shards(each.path), each.weight) for each in shards.sources]
    for source in sources:
        if len(source.shards) <= processes:
            raise JobError(
                f"{source.shards[0].parent} holds {len(source.shards)} shards, and {processes + 1} are needed: the last"
                f" one is held out, and each of {processes} processes trains on others; write smaller shards"
                " (img2dataset --number_sample_per_shard)"
            )
    return sources


@contextmanager
def _alone(params: Params, process: PartialState) -> Iterator[None]:
    """One run at a time: its first process holds the lock."""
    lock = Path(".work", params.profile, "pretrain.lock")
    with exclusive(lock, str(params.model.checkpoint)) if process.is_main_process else nullcontext():
        yield


def _identity(params: Params, sources: Sequence[Source]) -> str:
    """What the weights depend on, as 16 hex digits: the checkpoints of anything else are another run's."""
    section = params.pretrain.model_dump(mode="json", exclude={"shards": {"samples", "samples_every"}})
    shards = [f"{source.name} {path.name} {path.stat().st_size}" for source in sources for path in source.shards]
    return fingerprint(section, params.model.model_dump(mode="json"), shards)


def _through_tower(sources: Sequence[Source], folder: Path, params: Params, vlm: VisionLanguageModel) -> list[Source]:
    """The sources as feature shards, of which each process makes its part."""
    process, place = this_process(), folder / tower_digest(params.model)
    share = Share(params.pretrain.seed, process.process_index, process.num_processes)

    def encode(pictures: Sequence[Image.Image]) -> Tensor:
        return vlm.features(vlm.preprocess(pictures))

    for source in sources:
        write_features(source, place, encode, params.download.max_pixels, share)
    process.wait_for_everyone()
    return [feature_source(source, place) for source in sources]


def _counted(source: Source, places: Sequence[Place]) -> dict[str, Any]:
    """What was read of a source by all processes; also said on the screen, in one line."""
    skipped = sum((place.skipped for place in places), Counter[str]())
    used = sum(place.used for place in places)
    reasons = ", ".join(f"{count:,} {reason}" for reason, count in skipped.most_common())
    print(f"pretrain: {source.name}: {used:,} pairs used, {skipped.total():,} records passed over ({reasons or '-'})")
    return {"pairs": used, "epochs": max(place.epoch for place in places), "skipped": dict(skipped)}


class _Run:
    """One training run: its params and where its checkpoints lie."""

    def __init__(self, params: Params, shards: ShardsParams, work: Path) -> None:
        self.params = params
        self.shards = shards
        self.work = work
        process = this_process()
        self.share = Share(params.pretrain.seed, process.process_index, process.num_processes)
        self.size = params.pretrain.batch_size // (shards.accumulation * process.num_processes)
        shared = params.pretrain.model_dump(include=set(Schedule.__dataclass_fields__))
        self.schedule = Schedule(steps=params.pretrain.bare_steps, **shared)

    def fit(
        self, pairs: Pairs, sources: Sequence[Source], heldout: Sequence[Example]
    ) -> tuple[list[dict[str, Any]], Mapping[str, Place]]:
        """Train from the last checkpoint if there is one; returns the log and the places of this process."""
        with this_process().main_process_first():  # it removes what a kill left half written
            last = last_checkpoint(self.work)
        begun, places = read_place(last[0], self.share) if last else (0, {})
        part = TrainedPart(pairs.vlm, len(pairs.vlm.chat.bare_prompt().before_image))
        if last and last[1].global_step >= self.schedule.steps:  # Trainer itself would take one step more
            part.load_state_dict(load_file(last[0] / "model.safetensors"))
            return list(last[1].log_history), places
        streams = [
            Stream(source, self.share, self.shards.shuffle_buffer, pairs.decode, places.get(source.name))
            for source in sources
        ]
        shown = heldout[: self.shards.samples]
        watch = Watch(
            self.params.model.checkpoint,
            self.shards.samples_every,
            lambda: sample_captions(pairs.vlm, shown, self.params.pretrain.max_caption_tokens),
        )
        collated = partial(collate, image_tokens=pairs.vlm.image_tokens)
        trainer = ShardTrainer(
            self.schedule,
            read_ahead(mixed_batches(streams, self.size, begun)),
            lambda drawn: collated(pairs.examples(drawn)),
            model=part,
            args=self._arguments(),
            eval_dataset=Examples(heldout),
            data_collator=collated,
            callbacks=[watch],
        )
        trainer.train(resume_from_checkpoint=str(last[0]) if last else None)
        return list(trainer.state.log_history), trainer.places

    def _arguments(self) -> Any:
        return training_arguments(
            self.schedule,
            self.work,
            per_device_train_batch_size=self.size,
            per_device_eval_batch_size=self.size,
            eval_strategy="steps",
            ignore_data_skip=True,  # the stream itself begins where the checkpoint left it
            **device_arguments(self.shards.accumulation, self.shards.mixed_precision),
        )
