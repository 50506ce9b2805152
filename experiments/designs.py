"""The designs of the paper's ablation as params, and a Q-Former for those who have none at hand."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import torch
from pydantic import Field, model_validator
from torch import nn

from pipeline.compose import tower_shape
from pipeline.convert import qformer_config
from pipeline.errors import UsageError
from pipeline.files import replacing_folder
from pipeline.identity import fingerprint
from pipeline.params import ModelParams, Params, Section, read_section
from pipeline.parts import QFormer, load_pixel_format, load_vision

BASE = "base"
DESIGNS: Mapping[str, str] = {
    BASE: "base: Q-Former, one linear layer",
    "no_qformer": "(a) no Q-Former",
    "three_layers": "(b) three linear layers",
    "trained_qformer": "(c) Q-Former trained too",
}
"""Name -> what the paper calls it."""

PARAMS = Path("experiments/ablation.yaml")
Count = Annotated[int, Field(gt=0)]


class QFormerParams(Section):
    """A Q-Former with random weights."""

    seed: int
    num_query_tokens: Count
    hidden_size: Count
    intermediate_size: Count
    layers: Count
    heads: Count
    cross_attention_frequency: Count

    @model_validator(mode="after")
    def _even_heads(self) -> QFormerParams:
        if self.hidden_size % self.heads:
            raise ValueError("qformer.hidden_size must be a multiple of qformer.heads")
        return self


class AblationParams(Section):
    """What every design is given."""

    bare_steps: Count
    prompt_steps: Annotated[int, Field(ge=0)]
    seeds: Annotated[list[int], Field(min_length=1)]
    qformer: QFormerParams


def load_ablation() -> AblationParams:
    """The params of the ablation. Raises UsageError, naming the file and the keys."""
    return read_section(PARAMS, AblationParams)


def design_params(name: str, params: Params, budget: AblationParams, work: Path) -> Params:
    """The profile's params with this design's model, under `work`, and the budget of the ablation.

    Whatever shapes one linear layer by hand is off in all designs. Raises UsageError for a profile that learns from
    shards, whose stage 1 no ablation on one machine repeats four times.
    """
    if params.pretrain.shards:
        raise UsageError(
            f"profiles/{params.profile}.yaml learns from pretrain.shards: train each design by itself, with"
            " `dvc exp run -S` (EXPERIMENTS.md, the ablation)"
        )
    queries = None if name == "no_qformer" else params.model.qformer or random_qformer(params.model, budget, work)
    model = {
        "qformer": queries,
        "pyramid": None if queries else params.model.pyramid,  # a Q-Former reads the whole grid
        "projector_layers": 3 if name == "three_layers" else 1,
        "train_qformer": name == "trained_qformer",
        "checkpoint": work / "stage1",
    }
    steps = {"bare_steps": budget.bare_steps, "prompt_steps": budget.prompt_steps}
    return params.model_copy(
        update={
            "model": params.model.model_copy(update=model),
            "pretrain": params.pretrain.model_copy(update={**steps, "ridge": None, "contrast": None}),
        }
    )


def random_qformer(model: ModelParams, budget: AblationParams, work: Path) -> Path:
    """The folder of a Q-Former of the params' size, its weights and its queries drawn from BERT's distribution.

    BLIP-2's own starts from BERT's weights and has learnt from 129 million pictures: this one has learnt nothing.
    """
    section = budget.qformer
    _, width = tower_shape(load_vision(model.vision), load_pixel_format(model.vision)["image_size"])
    place = work / f"qformer-{fingerprint(section.model_dump(), width)}"
    if not place.is_dir():
        config = qformer_config(section.model_dump(exclude={"seed"}), vision_width=width)
        torch.manual_seed(section.seed)
        queries = QFormer(config)
        nn.init.normal_(queries.query_tokens, std=config.initializer_range)  # transformers leaves them at zero
        with replacing_folder(place) as fresh:
            queries.save_pretrained(fresh)
    return place
