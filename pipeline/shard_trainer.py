"""transformers' Trainer over an endless stream of pairs, and the files by which one watches it.

Gradient accumulation, mixed precision, several processes and the checkpoints are Trainer's; here the stream's place
goes into every checkpoint, so that a resumed run takes up the very next pair.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor
from transformers import TrainerCallback, TrainerState

from pipeline.errors import JobError
from pipeline.files import write_text
from pipeline.plots import plot_loss
from pipeline.stream import Batch, Pair, Place, Share, places_of
from pipeline.training import Schedule, ScheduledTrainer

CURVE = ("step", "loss", "learning_rate", "heldout_loss")

Assemble = Callable[[Sequence[Pair[Any]]], dict[str, Tensor]]
"""Pairs of a batch -> the model's inputs."""


class ShardTrainer(ScheduledTrainer):
    """A Trainer whose batches come from `stream.mixed_batches`, this process's part of each."""

    def __init__(self, schedule: Schedule, batches: Iterator[Batch[Any]], assemble: Assemble, **kwargs: Any) -> None:
        super().__init__(schedule, **kwargs)
        self.batches = batches
        self.assemble = assemble
        self.place: Mapping[str, Any] = {}  # behind the last batch that was trained on

    def get_train_dataloader(self) -> Any:
        """The stream; it ends when the training does."""
        return ({"batch": batch} for batch in self.batches)

    @property
    def places(self) -> dict[str, Place]:
        """Where each source's stream stands behind what was trained on."""
        return places_of(self.place)

    def _prepare_inputs(self, inputs: dict[str, Any]) -> dict[str, Any]:
        """Trainer asks for a batch's tensors on the device when it comes to train on it, and not before."""
        if "batch" in inputs:
            batch: Batch[Any] = inputs["batch"]
            self.place = batch.place
            inputs = self.assemble(batch.pairs)
        prepared: dict[str, Any] = super()._prepare_inputs(inputs)
        return prepared

    def _save_rng_state(self, output_dir: str) -> None:
        """Write what each process alone knows: all of it, before the first process makes the checkpoint a whole one."""
        super()._save_rng_state(output_dir)
        write_text(json.dumps(self.place), _place_file(Path(output_dir), self.args.process_index, self.args.world_size))
        self.accelerator.wait_for_everyone()


def _place_file(checkpoint: Path, rank: int, world: int) -> Path:
    return checkpoint / f"stream-{rank}-of-{world}.json"


def read_place(checkpoint: Path, share: Share) -> tuple[int, dict[str, Place]]:
    """Batches given out and the sources' places in a checkpoint. Raises JobError where other processes wrote it."""
    try:
        place = json.loads(_place_file(checkpoint, share.rank, share.world).read_bytes())
    except FileNotFoundError:
        written = next(checkpoint.glob("stream-0-of-*.json"), None)
        others = written.stem.rpartition("-")[2] if written else "an unknown number of"
        raise JobError(
            f"{checkpoint} is of {others} processes, and this run has {share.world}: start as many, or remove"
            f" {checkpoint.parent} to begin anew"
        ) from None
    return int(place["batches"]), places_of(place)


class Watch(TrainerCallback):
    """Writes, while it runs: loss.csv, loss.png and samples.txt, all from the log that the checkpoints hold."""

    def __init__(self, folder: Path, every: int, samples: Callable[[], list[str]]) -> None:
        self.folder = folder
        self.every = every
        self.samples = samples

    def on_train_begin(self, args: Any, state: TrainerState, control: Any, **_: Any) -> None:  # noqa: ARG002
        """Begin the files anew, with what a resumed run's checkpoint holds of them."""
        if state.is_world_process_zero:
            write_curve(state.log_history, self.folder / "loss.csv")
            write_samples(state.log_history, self.folder / "samples.txt")

    def on_step_end(self, args: Any, state: TrainerState, control: Any, **_: Any) -> None:  # noqa: ARG002
        """Caption the fixed pictures now and then."""
        if state.is_world_process_zero and state.global_step % self.every == 0:
            state.log_history.append({"step": state.global_step, "samples": self.samples()})  # type: ignore[dict-item]
            write_samples(state.log_history, self.folder / "samples.txt")

    def on_log(self, args: Any, state: TrainerState, control: Any, **_: Any) -> None:  # noqa: ARG002
        """Bring the curve up to date."""
        if state.is_world_process_zero:
            write_curve(state.log_history, self.folder / "loss.csv")

    def on_evaluate(self, args: Any, state: TrainerState, control: Any, **_: Any) -> None:  # noqa: ARG002
        """Draw it; a figure for every line of the log would take longer than some steps."""
        if state.is_world_process_zero:
            log = state.log_history
            loss, heldout = ([(int(e["step"]), e[name]) for e in log if name in e] for name in ("loss", "eval_loss"))
            plot_loss(loss, self.folder / "loss.png", heldout)


def write_curve(log: Sequence[Mapping[str, Any]], path: Path) -> None:
    """One line for each logged step, with the held-out loss where it was measured."""
    lines: dict[int, dict[str, Any]] = {}
    for entry in log:
        values = {**entry, "heldout_loss": entry.get("eval_loss")}
        found = {name: values[name] for name in CURVE if values.get(name) is not None}
        if len(found) > 1:
            lines.setdefault(entry["step"], {}).update(found)
    text = io.StringIO()
    writer = csv.DictWriter(text, CURVE, lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines[step] for step in sorted(lines))
    write_text(text.getvalue(), path)


def write_samples(log: Sequence[Mapping[str, Any]], path: Path) -> None:
    """What the model said of the fixed pictures at each step that asked it."""
    parts = [
        "\n".join([f"step {entry['step']}", *(f"  {line}" for line in entry["samples"])])
        for entry in log
        if "samples" in entry
    ]
    write_text("\n\n".join([*parts, ""]).removesuffix("\n"), path)
