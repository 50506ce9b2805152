"""Checkpoints: what comes back, where the frozen parts are looked for, and what is said when something is wrong."""

from __future__ import annotations

import copy
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import (
    CLIPConfig,
    CLIPModel,
    CLIPTextConfig,
    CLIPVisionConfig,
    PreTrainedModel,
    ResNetConfig,
    ResNetModel,
    ViTConfig,
    ViTModel,
)

from pipeline.checkpoint import load_model
from pipeline.compose import build_model
from pipeline.convert import qformer_config
from pipeline.errors import JobError
from pipeline.params import ModelParams
from pipeline.parts import QFormer, digest, save_pixel_format
from pipeline.vlm import VisionLanguageModel


@pytest.fixture
def saved(tiny_vlm: VisionLanguageModel, tmp_path: Path) -> Path:
    """A checkpoint whose frozen parts lie elsewhere."""
    tiny_vlm.save_pretrained(tmp_path / "new/checkpoint")
    return tmp_path / "new/checkpoint"


def test_a_checkpoint_comes_back_as_it_was_saved(tiny_vlm: VisionLanguageModel, saved: Path) -> None:
    """The trained part bit by bit, in eval mode, with the tokenizer; the folder holds two files and nothing frozen."""
    assert sorted(path.name for path in saved.iterdir()) == ["config.json", "model.safetensors"]
    loaded = VisionLanguageModel.from_pretrained(saved)
    assert loaded.trained_state().keys() == {"projection.weight", "projection.bias"}
    for name, value in tiny_vlm.trained_state().items():
        assert torch.equal(loaded.trained_state()[name], value)
    told = ("vision_config", "text_config", "pyramid", "image_size", "image_mean", "vision_tokens", "template")
    assert [getattr(loaded.config, name) for name in told] == [getattr(tiny_vlm.config, name) for name in told]
    assert not any(module.training for module in loaded.modules())
    assert loaded.tokenizer.get_vocab() == tiny_vlm.tokenizer.get_vocab()


def test_a_project_can_be_moved(model_params: ModelParams, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What lies in one project is referred to from the checkpoint, from whatever folder it is opened."""
    project = tmp_path / "project"
    shutil.copytree(model_params.vision, project / "assets/vision")
    shutil.copytree(model_params.llm, project / "assets/llm")
    monkeypatch.chdir(project)
    places = {"vision": Path("assets/vision"), "llm": Path("assets/llm")}
    build_model(model_params.model_copy(update=places)).save_pretrained("models/stage1")
    monkeypatch.chdir(tmp_path)
    os.replace(project, tmp_path / "moved")
    config = json.loads((tmp_path / "moved/models/stage1/config.json").read_text(encoding="utf-8"))
    assert config["frozen"]["llm"]["folder"] == "../../assets/llm"
    load_model(Path("moved/models/stage1")).save_pretrained(tmp_path / "copy")
    assert load_model(tmp_path / "copy").image_tokens == 5


@pytest.mark.parametrize(("device", "tower"), [("cpu", torch.float32), ("cuda", torch.bfloat16)])
def test_parts_come_in_the_dtypes_of_the_device(
    model_params: ModelParams, tmp_path: Path, device: str, tower: torch.dtype
) -> None:
    """A tower runs in full precision on a CPU and in the model's on an accelerator; what is trained never in half."""
    queries = QFormer(qformer_config({"hidden_size": 24, "intermediate_size": 40, "layers": 2, "heads": 3, "num_query_tokens": 5}, vision_width=1280))  # fmt: skip
    queries.save_pretrained(tmp_path / "qformer")
    change = {"dtype": "bfloat16", "qformer": tmp_path / "qformer", "pyramid": None}
    frozen, trained = (
        build_model(model_params.model_copy(update={**change, "train_qformer": each}), device) for each in (False, True)
    )
    for vlm in (frozen, trained):
        assert next(vlm.vision.parameters()).dtype == tower
        assert vlm.llm.dtype == torch.bfloat16
        assert vlm.projection.weight.dtype == torch.float32
    assert frozen.qformer is not None
    assert trained.qformer is not None
    assert {value.dtype for value in frozen.qformer.parameters()} == {tower}
    assert {value.dtype for value in trained.qformer.parameters()} == {torch.float32}


def test_a_part_that_lies_nowhere_is_written_along(tiny_vlm: VisionLanguageModel, tmp_path: Path) -> None:
    """A model that was composed in memory makes a checkpoint that needs nothing else."""
    vlm = copy.deepcopy(tiny_vlm)
    vlm.config.frozen = {}
    vlm.save_pretrained(tmp_path / "whole")
    os.replace(tmp_path / "whole", tmp_path / "moved")
    loaded = load_model(tmp_path / "moved")
    for name, value in vlm.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], value), name
    assert loaded.tokenizer.get_vocab() == vlm.tokenizer.get_vocab()


def test_a_digest_is_of_the_tensors_alone(model_params: ModelParams, tmp_path: Path) -> None:
    """Another header or sharding is the same model; another value, name or type is not."""
    state, metadata = load_file(model_params.llm / "model.safetensors"), {"format": "pt"}
    names = sorted(state)
    kinds: dict[str, dict[str, Any]] = {
        "same": {"model.safetensors": state},
        "sharded": {
            "model-1.safetensors": {name: state[name] for name in names[::2]},
            "model-2.safetensors": {name: state[name] for name in names[1::2]},
        },
        "renamed": {"model.safetensors": {f"{name}x": value for name, value in state.items()}},
        "another": {"model.safetensors": state | {names[0]: state[names[0]] + 1}},
        "half": {"model.safetensors": {name: value.half() for name, value in state.items()}},
    }
    for kind, files in kinds.items():
        (tmp_path / kind).mkdir()
        for file, tensors in files.items():
            save_file(tensors, tmp_path / kind / file, metadata if kind != "same" else {"format": "pt", "by": "x"})
    digests = {kind: digest(tmp_path / kind) for kind in kinds}
    (tmp_path / "same/model.safetensors").write_bytes(b"no tensors at all")
    with pytest.raises(JobError, match=r"same/model\.safetensors is damaged: "):
        digest(tmp_path / "same")
    assert digests["same"] == digests["sharded"] == digest(model_params.llm)
    assert len(set(digests.values())) == 4


def _edit(folder: Path, change: Callable[[dict[str, Any]], None]) -> None:
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    change(config)
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")


def _no_folder(folder: Path) -> None:
    shutil.rmtree(folder)


def _torn(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:100])


def _untrained(folder: Path) -> None:
    (folder / "model.safetensors").unlink()


def _of_another_model(folder: Path) -> None:
    tensors = {"projection.weight": torch.zeros(16, 1280), "projection.bias": torch.zeros(16)}
    save_file(tensors, folder / "model.safetensors")


def _without_bias(folder: Path) -> None:
    path = folder / "model.safetensors"
    save_file({name: value for name, value in load_file(path).items() if "weight" in name}, path)


def _another_llm(folder: Path) -> None:
    _edit(folder, lambda config: config["frozen"]["llm"].update(sha256="0" * 64))


def _of_the_hub(folder: Path) -> None:
    _edit(folder, lambda c: c["frozen"].update(llm={"repository": "nobody/no-such-model", "revision": "abc"}))


def _no_llm(folder: Path) -> None:
    _edit(folder, lambda config: config["frozen"].pop("llm"))


def _of_transformers(folder: Path) -> None:
    _edit(folder, lambda config: config.update(model_type="llama"))


def _not_json(folder: Path) -> None:
    (folder / "config.json").write_text("{", encoding="utf-8")


def _llm_gone(folder: Path) -> None:
    _edit(folder, lambda config: config["frozen"]["llm"].update(folder="/nowhere"))


DAMAGES = [
    pytest.param(_no_folder, "no checkpoint in FOLDER: run `dvc repro pretrain` or `pairmill convert`", id="no_folder"),
    pytest.param(_torn, "FOLDER/model.safetensors is damaged: ", id="torn"),
    pytest.param(_untrained, "no trained part at FOLDER/model.safetensors: ", id="no_trained_part"),
    pytest.param(_of_another_model, "FOLDER/model.safetensors does not fit the model; of another shape: projection.bias [16] for [32], projection.weight [16, 1280] for [32, 1280]", id="another_width"),
    pytest.param(_without_bias, "FOLDER/model.safetensors does not fit the model; missing: projection.bias", id="no_bias"),
    pytest.param(_another_llm, "the llm in ", id="another_llm"),
    pytest.param(_of_the_hub, "FOLDER/config.json: the llm nobody/no-such-model is not on this machine; fetch it: hf download nobody/no-such-model --revision abc", id="hub"),
    pytest.param(_no_llm, "FOLDER/config.json names no frozen llm", id="no_llm"),
    pytest.param(_of_transformers, "FOLDER/config.json is not a checkpoint's config (model_type is llama); ", id="another_kind"),
    pytest.param(_not_json, "FOLDER/config.json is not a checkpoint's config (", id="not_json"),
    pytest.param(_llm_gone, "no language model in /nowhere: run `make assets` or `pairmill convert`, or set model.llm", id="llm_gone"),
]  # fmt: skip


@pytest.mark.parametrize(("damage", "said"), DAMAGES)
def test_a_checkpoint_that_cannot_be_opened_is_one_line(saved: Path, damage: Callable[[Path], None], said: str) -> None:
    """It names the file, what is wrong with it, and the mend."""
    damage(saved)
    with pytest.raises(JobError) as error:
        load_model(saved)
    assert str(error.value).startswith(said.replace("FOLDER", str(saved)))
    assert "\n" not in str(error.value)


def test_another_language_model_can_be_taken_on(saved: Path) -> None:
    """The error says how: without a digest nothing is compared."""
    _another_llm(saved)
    with pytest.raises(JobError, match=r"is not the one that .* was made with; .* remove frozen\.llm\.sha256"):
        load_model(saved)
    _edit(saved, lambda config: config["frozen"]["llm"].pop("sha256"))
    assert load_model(saved).image_tokens == 5


@pytest.mark.parametrize(("key", "what"), [("vision", "vision tower"), ("llm", "language model")])
@pytest.mark.parametrize("file", ["", "model.safetensors", "config.json"], ids=["no_folder", "no_weights", "no_config"])
def test_a_missing_part_is_named(model_params: ModelParams, tmp_path: Path, key: str, what: str, file: str) -> None:
    """The folder, the commands that make one and the key that names it."""
    folder = shutil.copytree(getattr(model_params, key), tmp_path / "part")
    shutil.rmtree(folder) if not file else (folder / file).unlink()
    with pytest.raises(JobError) as error:
        build_model(model_params.model_copy(update={key: folder}))
    assert str(error.value).startswith(f"no {what} in {folder}: run `make assets` or ")


@pytest.mark.parametrize("file", ["model.safetensors", "config.json", "tokenizer.json"])
def test_a_torn_language_model_is_named(model_params: ModelParams, tmp_path: Path, file: str) -> None:
    """One line with the folder and the mend."""
    folder = shutil.copytree(model_params.llm, tmp_path / "part")
    (folder / file).write_bytes((folder / file).read_bytes()[:50])
    with pytest.raises(JobError, match=r"run `make assets` or .* or set model\.llm") as error:
        build_model(model_params.model_copy(update={"llm": folder}))
    assert str(error.value).startswith(f"cannot load the language model in {folder}: ")
    assert "\n" not in str(error.value)


def test_a_sharded_language_model_is_a_language_model(
    tiny_vlm: VisionLanguageModel, model_params: ModelParams, tmp_path: Path
) -> None:
    """Large models come as model-00001-of-00002.safetensors and so on."""
    folder = shutil.copytree(model_params.llm, tmp_path / "sharded")
    (folder / "model.safetensors").unlink()
    tiny_vlm.llm.save_pretrained(folder, max_shard_size="50KB")
    assert len(list(folder.glob("model-*.safetensors"))) > 1
    loaded = build_model(model_params.model_copy(update={"llm": folder}))
    assert torch.equal(loaded.llm.lm_head.weight, tiny_vlm.llm.lm_head.weight)


def _vit() -> PreTrainedModel:
    return ViTModel(
        ViTConfig(hidden_size=24, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32, image_size=32, patch_size=8)
    )  # fmt: skip


def _clip() -> PreTrainedModel:
    vision = CLIPVisionConfig(hidden_size=24, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32, image_size=32, patch_size=8)  # fmt: skip
    text = CLIPTextConfig(hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32, vocab_size=50)  # fmt: skip
    return CLIPModel(CLIPConfig(vision_config=vision, text_config=text, projection_dim=8))


def _resnet() -> PreTrainedModel:
    return ResNetModel(ResNetConfig(embedding_size=8, hidden_sizes=[8, 12], depths=[1, 1], num_channels=3))


TOWERS = [
    pytest.param(_vit, None, (17, 24), id="a_vit_gives_its_patches_and_cls"),
    pytest.param(_clip, None, (17, 24), id="clip_s_tower_without_its_text_half"),
    pytest.param(_resnet, None, (16, 12), id="every_cell_of_a_grid"),
    pytest.param(_resnet, [1, 2], (5, 12), id="a_pyramid_of_a_grid"),
]


@pytest.mark.parametrize(("make", "pyramid", "shape"), TOWERS)
def test_any_vision_model_of_transformers_is_a_tower(
    model_params: ModelParams,
    tmp_path: Path,
    make: Callable[[], PreTrainedModel],
    pyramid: list[int] | None,
    shape: tuple[int, int],
) -> None:
    """Its folder and its pixel format are all that is asked; the checkpoint opens again."""
    make().save_pretrained(tmp_path / "tower")
    save_pixel_format(tmp_path / "tower", side=32, mean=(0.1, 0.2, 0.3), std=(0.4, 0.5, 0.6))
    vlm = build_model(model_params.model_copy(update={"vision": tmp_path / "tower", "pyramid": pyramid}))
    pixels = torch.randn(3, 3, 32, 32)
    assert vlm.features(pixels).shape == (3, *shape)
    assert vlm.encode_images(pixels).shape == (3, vlm.image_tokens, 32) == (3, shape[0], 32)
    assert vlm.config.image_mean == [0.1, 0.2, 0.3]
    vlm.save_pretrained(tmp_path / "checkpoint")
    assert torch.equal(load_model(tmp_path / "checkpoint").encode_images(pixels), vlm.encode_images(pixels))


@pytest.mark.parametrize("content", [None, "{", '{"size": 224}', '{"size": {"height": 9}, "image_mean": [0.5]}', "[]"])
def test_a_tower_must_say_what_pictures_it_wants(
    model_params: ModelParams, tmp_path: Path, content: str | None
) -> None:
    """A guess would cost accuracy without a word."""
    folder = shutil.copytree(model_params.vision, tmp_path / "tower")
    path = folder / "preprocessor_config.json"
    path.unlink()
    if content is not None:
        path.write_text(content, encoding="utf-8")
    with pytest.raises(JobError, match="does not say size, image_mean and image_std") as error:
        build_model(model_params.model_copy(update={"vision": folder}))
    assert str(path) in str(error.value)
