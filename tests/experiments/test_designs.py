"""The designs of the ablation: what each changes, what all share, and the Q-Former that is drawn for them."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from experiments.designs import DESIGNS, AblationParams, QFormerParams, design_params, load_ablation, random_qformer
from pipeline.compose import build_model
from pipeline.errors import UsageError
from pipeline.feature_shards import tower_digest
from pipeline.params import ModelParams, Params, load_params

SMALL = QFormerParams(
    seed=0,
    num_query_tokens=3,
    hidden_size=24,
    intermediate_size=32,
    layers=2,
    heads=3,
    cross_attention_frequency=2,
)
BUDGET = AblationParams(bare_steps=2, prompt_steps=1, seeds=[0], qformer=SMALL)


@pytest.fixture
def params(model_params: ModelParams, root: Path) -> Params:
    """The smoke profile over tiny parts."""
    return load_params("smoke", root).model_copy(update={"model": model_params})


@pytest.mark.parametrize(
    ("design", "tokens", "layers", "trained"),
    [
        ("base", 3, 1, {"projection"}),
        ("no_qformer", 5, 1, {"projection"}),
        ("three_layers", 3, 3, {"projection"}),
        ("trained_qformer", 3, 1, {"projection", "qformer"}),
    ],
)
def test_a_design_is_the_paper_s(
    params: Params, tmp_path: Path, design: str, tokens: int, layers: int, trained: set[str]
) -> None:
    """Its image tokens, its layers, and the parts that ask for a gradient."""
    own = design_params(design, params, BUDGET, tmp_path / design)
    vlm = build_model(own.model)
    assert vlm.image_tokens == tokens
    assert sum(1 for name in vlm.projection.state_dict() if name.endswith("weight")) == layers
    asking = {name.split(".")[0] for name, value in vlm.named_parameters() if value.requires_grad}
    assert asking == trained
    assert vlm.encode_images(torch.zeros(2, 3, 224, 224)).shape == (2, tokens, 32)


def test_all_designs_have_one_budget_and_places_of_their_own(params: Params, tmp_path: Path) -> None:
    """Neither ridge nor contrast, which shape one linear layer; the same steps; no shared checkpoint."""
    made = [design_params(name, params, BUDGET, tmp_path / name) for name in DESIGNS]
    assert {(p.pretrain.bare_steps, p.pretrain.prompt_steps, p.pretrain.ridge) for p in made} == {(2, 1, None)}
    assert {p.pretrain.contrast for p in made} == {None}
    assert len({p.model.checkpoint for p in made}) == len(DESIGNS)


def test_the_random_qformer_is_its_seed_s(params: Params, tmp_path: Path) -> None:
    """The same weights every time, others for another seed, and queries that differ from each other."""
    first, again = (random_qformer(params.model, BUDGET, tmp_path / name) for name in ("a", "b"))
    other = BUDGET.model_copy(update={"qformer": SMALL.model_copy(update={"seed": 1})})
    assert (first / "model.safetensors").read_bytes() == (again / "model.safetensors").read_bytes()
    beside = random_qformer(params.model, other, tmp_path / "a")
    assert (first / "model.safetensors").read_bytes() != (beside / "model.safetensors").read_bytes()
    own = design_params("base", params, BUDGET, tmp_path / "a")
    queries = build_model(own.model).get_parameter("qformer.query_tokens")[0]
    assert not torch.equal(queries[0], queries[1])


def test_another_qformer_s_features_are_others(params: Params, tmp_path: Path) -> None:
    """The same weights read by more heads see something else: no cache may take one for the other."""
    more = BUDGET.model_copy(update={"qformer": SMALL.model_copy(update={"heads": 6})})
    folders = [random_qformer(params.model, budget, tmp_path) for budget in (BUDGET, more)]
    weights = [(folder / "model.safetensors").read_bytes() for folder in folders]
    assert weights[0] == weights[1]
    digests = [tower_digest(params.model.model_copy(update={"qformer": folder})) for folder in folders]
    assert digests[0] != digests[1]


def test_heads_that_do_not_fit_are_named() -> None:
    """Before transformers stumbles over them."""
    with pytest.raises(ValueError, match=r"qformer.hidden_size must be a multiple of qformer.heads"):
        QFormerParams.model_validate(SMALL.model_dump() | {"heads": 5})


def test_a_profile_s_own_qformer_is_taken(params: Params, tmp_path: Path) -> None:
    """With pretrained weights at hand, nothing is drawn."""
    given = random_qformer(params.model, BUDGET, tmp_path / "given")
    own = params.model_copy(update={"model": params.model.model_copy(update={"qformer": given})})
    made = {name: design_params(name, own, BUDGET, tmp_path / name) for name in DESIGNS}
    assert {name: p.model.qformer for name, p in made.items()} == {
        name: None if name == "no_qformer" else given for name in DESIGNS
    }
    assert not (tmp_path / "base").exists()


def test_a_profile_of_shards_is_refused(root: Path, tmp_path: Path) -> None:
    """The paper's stage 1 takes days: one line says how its designs are trained."""
    paper = load_params("paper", root)
    with pytest.raises(UsageError, match="dvc exp run -S"):
        design_params("base", paper.model_copy(update={"pretrain": _with_shards(paper)}), BUDGET, tmp_path)


def _with_shards(params: Params) -> object:
    return params.pretrain.model_copy(update={"shards": object()})


def test_the_params_of_the_repository_are_valid(workplace: Path, root: Path) -> None:
    """experiments/ablation.yaml; an unknown key in it is one line that names the right one."""
    (workplace / "experiments").mkdir()
    text = (root / "experiments/ablation.yaml").read_text(encoding="utf-8")
    place = workplace / "experiments/ablation.yaml"
    place.write_text(text, encoding="utf-8")
    assert load_ablation().seeds == [0, 1, 2]
    place.write_text(text.replace("hidden_size", "hiden_size"), encoding="utf-8")
    with pytest.raises(UsageError, match=r"experiments/ablation.yaml: .*did you mean qformer.hidden_size"):
        load_ablation()
