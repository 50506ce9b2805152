"""Training of the model's small part, for stage 1 (`pretrain`) and stage 2 (`train`) alike.

transformers' `Trainer` does the schedule, the checkpoints and the resume; here stand the rows it sees, the
module that it trains (its state is the trained part alone, so a checkpoint is small) and its arguments.
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, cast

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR
from torch.utils.data import Dataset
from transformers import Trainer, TrainerCallback, TrainerState, TrainingArguments
from transformers.trainer_utils import get_last_checkpoint

from pipeline.devices import device_arguments, this_process
from pipeline.prompts import Prompt
from pipeline.vlm import IGNORED, VisionLanguageModel


@dataclass(frozen=True)
class Example:
    """One picture with a prompt and the answer to learn."""

    features: Tensor  # [tokens, width], what the first trained part gets
    prompt: Prompt
    answer: Sequence[int]


class Examples(Dataset[Example]):
    """Examples in memory, as Trainer wants them."""

    def __init__(self, examples: Sequence[Example]) -> None:
        self.examples = examples

    def __len__(self) -> int:
        return len(self.examples)

    def __getitem__(self, index: int) -> Example:
        return self.examples[index]


def collate(examples: Sequence[Example], image_tokens: int) -> dict[str, Tensor]:
    """Rows `[before][image][after][answer]`, padded on the right; labels on the answers alone.

    Returns features [B, tokens, width], input_ids, attention_mask and labels [B, T]; the ids under the picture are
    padding that its `image_tokens` embeddings replace (a trained Q-Former makes fewer of them than it gets features).
    """
    heads = [[*e.prompt.before_image, *[0] * image_tokens, *e.prompt.after_image] for e in examples]
    width = max(len(head) + len(e.answer) for head, e in zip(heads, examples, strict=True))
    ids = torch.zeros(len(examples), width, dtype=torch.long)
    mask = torch.zeros_like(ids)
    labels = torch.full_like(ids, IGNORED)
    for row, (head, example) in enumerate(zip(heads, examples, strict=True)):
        end = len(head) + len(example.answer)
        ids[row, :end] = torch.tensor([*head, *example.answer])
        mask[row, :end] = 1
        labels[row, len(head) : end] = torch.tensor(example.answer)
    features = torch.stack([e.features for e in examples])
    return {"features": features, "input_ids": ids, "attention_mask": mask, "labels": labels}


class FeatureDropout(nn.Module):
    """Put a share of the feature channels at their mean, in all of a picture's tokens alike, while training.

    Dropout (Srivastava et al., JMLR 2014) around the mean of the training pictures [tokens, width] instead of
    zero, which no feature comes near. A projection of 737,000 weights learns 2,400 pictures by heart without it.
    """

    def __init__(self, mean: Tensor, share: float) -> None:
        super().__init__()
        self.mean: Tensor
        self.register_buffer("mean", mean, persistent=False)  # follows the model to its device
        self.share = share

    def forward(self, features: Tensor) -> Tensor:
        """Features [B, tokens, width] -> the same shape."""
        away = (features - self.mean).transpose(1, 2)  # [B, width, tokens]: dropout1d drops whole rows
        return self.mean + F.dropout1d(away, self.share, self.training).transpose(1, 2)


class TrainedPart(nn.Module):
    """What Trainer trains and saves: the parameters of the model that ask for a gradient, and no others."""

    def __init__(self, vlm: VisionLanguageModel, image_at: int, dropout: nn.Module | None = None) -> None:
        super().__init__()
        self.vlm = vlm
        self.image_at = image_at
        self.dropout = dropout or nn.Identity()

    def forward(self, features: Tensor, input_ids: Tensor, attention_mask: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """Loss of a collated batch."""
        embeds = self.vlm.join(input_ids, self.vlm.project(self.dropout(features)), self.image_at)
        return {"loss": self.vlm.token_losses(embeds, attention_mask, labels).mean()}

    def state_dict(self, *args: Any, **kwargs: Any) -> dict[str, Any]:  # type: ignore[override]  # noqa: ARG002
        """The trained parameters by name."""
        return {name: value.detach() for name, value in self.named_parameters() if value.requires_grad}

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False) -> Any:  # noqa: ARG002
        """Load what `state_dict` gave; a tensor missing, left over or of another shape is a KeyError."""
        own = self.state_dict()
        wanted, found = ({name: tuple(t.shape) for name, t in state.items()} for state in (own, state_dict))
        wrong = sorted(name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name))
        if wrong:  # copy_ would broadcast a LoRA of rank 1 without a word
            first = f"{wrong[0]} is {found.get(wrong[0], 'missing')}, wanted {wanted.get(wrong[0], 'no such tensor')}"
            raise KeyError(f"{len(wrong)} of its tensors are wrong: {first}")
        with torch.no_grad():
            for name, value in own.items():
                value.copy_(state_dict[name])
        return torch.nn.modules.module._IncompatibleKeys([], [])  # noqa: SLF001 - what Trainer expects back


@dataclass(frozen=True)
class Schedule:
    """Steps, batch and learning rate: linear warm-up from `warmup_lr`, then cosine from `lr` to `min_lr`.

    `batch_size` is that of all processes and of all `accumulation` passes of a step together; `feature_dropout` is
    FeatureDropout's share; `mixed_precision` is None, "bfloat16" or "float16".
    """

    steps: int
    batch_size: int
    lr: float
    min_lr: float
    warmup_steps: int
    warmup_lr: float
    weight_decay: float
    seed: int
    checkpoint_every: int
    feature_dropout: float = 0.0
    accumulation: int = 1
    mixed_precision: str | None = None


def learning_rate(schedule: Schedule, step: int) -> float:
    """Rate at `step`, as MiniGPT-4's LinearWarmupCosineLRScheduler sets it: the cosine spans all steps."""
    if step < schedule.warmup_steps:
        return schedule.warmup_lr + (schedule.lr - schedule.warmup_lr) * step / schedule.warmup_steps
    half_wave = 0.5 * (1.0 + math.cos(math.pi * step / schedule.steps))
    return schedule.min_lr + (schedule.lr - schedule.min_lr) * half_wave


class ScheduledTrainer(Trainer):
    """transformers' Trainer with the paper's schedule, which is not among its own."""

    def __init__(self, schedule: Schedule, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.schedule = schedule

    def create_scheduler(self, num_training_steps: int, optimizer: Any = None) -> LambdaLR:  # noqa: ARG002 - Trainer's
        """The learning rate of `schedule`, as a factor on its peak."""
        peak = self.schedule.lr
        self.lr_scheduler = LambdaLR(
            cast("Optimizer", optimizer or self.optimizer), lambda step: learning_rate(self.schedule, step) / peak
        )
        return self.lr_scheduler


def last_checkpoint(work: Path) -> tuple[Path, TrainerState] | None:
    """The last whole checkpoint in `work` and Trainer's state there; what a kill left half written is removed."""
    while work.is_dir() and (newest := get_last_checkpoint(str(work))):
        try:
            return Path(newest), TrainerState.load_from_json(str(Path(newest, "trainer_state.json")))
        except (FileNotFoundError, ValueError):  # Trainer writes this file last
            shutil.rmtree(newest)
    return None


def training_arguments(schedule: Schedule, work: Path, **others: Any) -> TrainingArguments:
    """Trainer's arguments for a schedule, checkpoints in `work`; `others` go to Trainer as they are."""
    arguments = TrainingArguments(
        output_dir=str(work),
        max_steps=schedule.steps,
        learning_rate=schedule.lr,
        weight_decay=schedule.weight_decay,
        adam_beta1=0.9,
        adam_beta2=0.999,
        max_grad_norm=1.0,
        seed=schedule.seed,
        data_seed=schedule.seed,
        save_steps=schedule.checkpoint_every,
        save_total_limit=2,
        eval_steps=schedule.checkpoint_every,
        prediction_loss_only=True,
        logging_steps=max(1, schedule.steps // 100),
        remove_unused_columns=False,
        dataloader_num_workers=0,
        dataloader_pin_memory=False,
        report_to=[],
        **others,
    )
    if arguments.n_gpu > 1:  # one process: Trainer would spread the batch over all GPUs, and multiply it by them
        arguments._n_gpu = 1  # noqa: SLF001 - as Trainer itself does for models that are spread already
    return arguments


def fit(
    vlm: VisionLanguageModel,
    examples: Sequence[Example],
    schedule: Schedule,
    work: Path,
    *,
    heldout: Sequence[Example] = (),
    callbacks: Sequence[TrainerCallback] = (),
) -> tuple[TrainedPart, list[dict[str, float]]]:
    """Train the parameters of `vlm` that ask for a gradient, from the last checkpoint in `work` if there is one.

    Returns the trained part and the log: step, loss, learning rate, and `eval_loss` on `heldout` at every
    checkpoint.
    """
    size = schedule.batch_size // (schedule.accumulation * this_process().num_processes)
    arguments = training_arguments(
        schedule,
        work,
        per_device_train_batch_size=size,
        per_device_eval_batch_size=size,
        eval_strategy="steps" if heldout else "no",
        **device_arguments(schedule.accumulation, schedule.mixed_precision),
    )
    dropout = None
    if schedule.feature_dropout:
        mean = torch.stack([example.features for example in examples]).mean(0)
        dropout = FeatureDropout(mean, schedule.feature_dropout)
    part = TrainedPart(vlm, len(examples[0].prompt.before_image), dropout)
    with this_process().main_process_first():  # it removes what a kill left half written
        last = last_checkpoint(work)
    if last and last[1].global_step >= schedule.steps:  # Trainer itself would take one step more
        part.load_state_dict(load_file(last[0] / "model.safetensors"))
        return part, [dict(entry) for entry in last[1].log_history]
    trainer = ScheduledTrainer(
        schedule,
        model=part,
        args=arguments,
        train_dataset=Examples(examples),
        eval_dataset=Examples(heldout) if heldout else None,
        data_collator=partial(collate, image_tokens=vlm.image_tokens),
        callbacks=list(callbacks),
    )
    trainer.train(resume_from_checkpoint=str(last[0]) if last else None)
    return part, [dict(entry) for entry in trainer.state.log_history]
