"""The paper's ablation by config: which parts train, and that each variant trains, saves, loads and speaks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoTokenizer, Blip2ForConditionalGeneration, LlamaConfig

from pipeline.checkpoint import load_model
from pipeline.compose import compose
from pipeline.convert import qformer_config, vision_config
from pipeline.errors import UsageError
from pipeline.export import blip2_of, export
from pipeline.parts import Parts, build_parts
from pipeline.training import Example, TrainedPart, collate
from pipeline.vlm import VisionLanguageModel
from tests.tiny import losses_alone, save_tiny_llm

VISION = vision_config({"hidden_size": 36, "mlp_hidden": 50, "depth": 2, "num_heads": 3, "image_size": 28, "patch_size": 7})  # fmt: skip
QFORMER = qformer_config({"hidden_size": 24, "intermediate_size": 40, "layers": 2, "heads": 3, "num_query_tokens": 5}, vision_width=36)  # fmt: skip
PIXELS = {"image_size": 28, "image_mean": (0.5,) * 3, "image_std": (0.5,) * 3}

ONE_LAYER = ["projection.weight", "projection.bias"]
THREE_LAYERS = [f"projection.{i}.{name}" for i in range(3) for name in ("weight", "bias")]
VARIANTS = [
    pytest.param(True, {}, ONE_LAYER, id="base"),
    pytest.param(False, {}, ONE_LAYER, id="a_no_qformer"),
    pytest.param(True, {"projector_layers": 3}, THREE_LAYERS, id="b_three_layers"),
    pytest.param(True, {"train_qformer": True}, ["qformer.*", *ONE_LAYER], id="c_qformer_trained"),
]


@pytest.fixture(scope="module")
def llm_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny language model with its tokenizer."""
    return save_tiny_llm(tmp_path_factory.mktemp("llm"))


def make(llm_folder: Path, *, qformer: bool, **fields: Any) -> VisionLanguageModel:
    """A model of BLIP-2's kind whose weights are wide enough apart to matter."""
    torch.manual_seed(0)
    config = LlamaConfig.from_pretrained(llm_folder)
    parts = build_parts(VISION.to_dict(), QFORMER.to_dict() if qformer else None, config.to_dict())
    for part in (parts.vision, parts.qformer, parts.llm):
        for value in part.parameters() if part is not None else ():
            torch.nn.init.normal_(value, std=0.3)
    parts = Parts(parts.vision, parts.qformer, parts.llm, AutoTokenizer.from_pretrained(llm_folder))
    return compose(parts, **PIXELS, **fields)


@pytest.mark.parametrize(("qformer", "fields", "trained"), VARIANTS)
def test_a_variant_trains_saves_loads_and_speaks(
    llm_folder: Path, tmp_path: Path, qformer: bool, fields: dict[str, Any], trained: list[str]
) -> None:
    """A step changes every trained parameter and no other; the frozen parts stay in eval mode; what is saved says the same."""
    vlm = make(llm_folder, qformer=qformer, **fields).train()
    names = [name for name, value in vlm.named_parameters() if value.requires_grad]
    kept = sorted(name for name in names if not name.startswith("qformer."))
    assert kept == sorted(name for name in trained if name != "qformer.*")
    queries = [name for name, _ in vlm.named_parameters() if name.startswith("qformer.")]
    assert [name for name in names if name not in kept] == (queries if "qformer.*" in trained else [])
    assert ("qformer.query_tokens" in names) == ("qformer.*" in trained)
    frozen = [vlm.vision, vlm.llm, *([vlm.qformer] if qformer and "qformer.*" not in trained else [])]
    assert not any(module.training for part in frozen if part for module in part.modules())

    pixels, ids = torch.randn(2, 3, 28, 28), torch.randint(3, 200, (2, 30))
    before = {name: value.clone() for name, value in vlm.state_dict().items()}
    optimizer = torch.optim.SGD([value for value in vlm.parameters() if value.requires_grad], lr=1.0)
    part = TrainedPart(vlm, image_at=1)
    part(vlm.features(pixels), ids, torch.ones_like(ids), ids)["loss"].backward()
    optimizer.step()
    changed = {name for name, value in vlm.state_dict().items() if not torch.equal(value, before[name])}
    # A bias of keys shifts all scores of a query alike, which softmax takes away again.
    assert changed >= {name for name in names if not name.endswith("key.bias")}
    assert changed <= set(names)

    vlm.eval().save_pretrained(tmp_path)
    assert load_file(tmp_path / "model.safetensors").keys() == set(names)
    loaded = load_model(tmp_path)
    embeds = vlm.encode_images(pixels)
    assert embeds.shape == (2, 5 if qformer else 17, 32)
    assert torch.equal(loaded.encode_images(pixels), embeds)
    said = [m.generate(inputs_embeds=embeds, max_new_tokens=6, do_sample=False, pad_token_id=2) for m in (vlm, loaded)]
    assert torch.equal(*said)


def test_a_trained_qformer_has_its_dropout_and_a_frozen_one_has_not(llm_folder: Path) -> None:
    """BLIP-2's has a dropout of 0.1, which the paper's base model keeps off while it trains."""
    pixels = torch.randn(2, 3, 28, 28)
    base = make(llm_folder, qformer=True).train()
    assert torch.equal(base.encode_images(pixels), base.encode_images(pixels))
    tuned = make(llm_folder, qformer=True, train_qformer=True).train()
    assert not torch.equal(tuned.encode_images(pixels), tuned.encode_images(pixels))
    tuned.eval()
    assert torch.equal(tuned.encode_images(pixels), tuned.encode_images(pixels))


def test_a_trained_qformer_is_taught_rows_of_its_own_tokens(llm_folder: Path) -> None:
    """It gets a feature of each patch and gives five image tokens: no more than five stand in a row that is learnt."""
    vlm = make(llm_folder, qformer=True, train_qformer=True)
    features = vlm.features(torch.randn(2, 3, 28, 28))
    assert features.shape == (2, 17, 36)
    prompt, answers = vlm.chat.picture_prompt("What?"), [vlm.chat.answer(text, 20) for text in ("A red bus.", "A dog.")]
    examples = [Example(seen, prompt, answer) for seen, answer in zip(features, answers, strict=True)]
    part = TrainedPart(vlm, len(prompt.before_image))
    with torch.no_grad():
        found = part(**collate(examples, vlm.image_tokens))["loss"]
        alone = [losses_alone(vlm, vlm.project(e.features[None]), prompt, list(e.answer)) for e in examples]
    torch.testing.assert_close(found, torch.cat(alone).mean(), rtol=1e-4, atol=1e-4)


def test_an_export_opens_without_pairmill(llm_folder: Path, tmp_path: Path) -> None:
    """transformers' own class gives the same logits up to its one epsilon, and the same words."""
    vlm = make(llm_folder, qformer=True)
    vlm.save_pretrained(tmp_path / "checkpoint")
    export(tmp_path / "checkpoint", tmp_path / "out", "float32")
    blip2 = Blip2ForConditionalGeneration.from_pretrained(tmp_path / "out").eval()
    pixels = torch.randn(2, 3, 28, 28)
    picture = torch.full((2, 5), blip2.config.image_token_index)
    ids = torch.cat([torch.tensor([[7], [8]]), picture, torch.tensor([[9, 10], [11, 12]])], 1)
    found = blip2(pixel_values=pixels, input_ids=ids, attention_mask=torch.ones_like(ids)).logits
    embeds = vlm.join(ids, vlm.encode_images(pixels), 1)
    torch.testing.assert_close(found, vlm(inputs_embeds=embeds).logits, atol=1e-2, rtol=1e-3)
    options = {"max_new_tokens": 6, "min_new_tokens": 6, "do_sample": False}
    said = blip2.generate(pixel_values=pixels, input_ids=ids, attention_mask=torch.ones_like(ids), **options)
    assert torch.equal(said[:, -6:], vlm.generate(inputs_embeds=embeds, pad_token_id=2, **options))


REFUSED = [
    pytest.param(False, {}, "it has no Q-Former", id="a"),
    pytest.param(True, {"projector_layers": 3}, "it has 3 linear layers", id="b"),
]


@pytest.mark.parametrize(("qformer", "fields", "said"), REFUSED)
def test_a_variant_that_transformers_does_not_have_is_refused(
    llm_folder: Path, qformer: bool, fields: dict[str, Any], said: str
) -> None:
    """One line says why."""
    with pytest.raises(UsageError, match=said):
        blip2_of(make(llm_folder, qformer=qformer, **fields))


def test_an_embedded_tower_is_not_blip2_s(tiny_vlm: VisionLanguageModel) -> None:
    """EfficientNet's is ours alone."""
    with pytest.raises(UsageError, match="its tower is not BLIP-2's"):
        blip2_of(tiny_vlm)
