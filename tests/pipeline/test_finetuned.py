"""The fine-tuned model on disk: the same answers, and a clear word where it does not fit."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from pipeline.checkpoint import load_stage1
from pipeline.errors import JobError
from pipeline.finetuned import TRAINED_FILE, load_finetuned, prepare, save_trained
from pipeline.generate import Answer, answer, first_turn
from pipeline.params import DecodingParams, ModelParams, TrainParams, load_params
from pipeline.training import Example, Schedule, TrainedPart, fit
from pipeline.vision import FEATURE_WIDTH
from pipeline.vlm import VisionLanguageModel

GREEDY = DecodingParams(
    max_new_tokens=12, num_beams=1, do_sample=False, temperature=1.0, top_p=1.0, repetition_penalty=1.0, batch_size=4
)


@pytest.fixture(scope="module")
def stage1(
    tiny_vlm: VisionLanguageModel, model_params: ModelParams, tmp_path_factory: pytest.TempPathFactory
) -> ModelParams:
    """A model whose checkpoint is on disk."""
    folder = tmp_path_factory.mktemp("stage1")
    tiny_vlm.save_pretrained(folder)
    return model_params.model_copy(update={"checkpoint": folder})


@pytest.fixture(scope="module", params=["projection", "projection+lora"])
def params(request: pytest.FixtureRequest, root: Path) -> TrainParams:
    """Both recipes."""
    return load_params("smoke", root).train.model_copy(update={"parts": request.param, "lora_rank": 2})


def answers(vlm: VisionLanguageModel) -> list[Answer]:
    """What the model says of four pictures of noise."""
    features = torch.randn(4, 5, FEATURE_WIDTH, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        images = vlm.project(features)
    conversations = first_turn(vlm, images, vlm.chat.picture_prompt("What?"))
    return answer(vlm, conversations, GREEDY, seeds=range(len(images)))


def test_it_answers_as_it_did_when_it_was_trained(stage1: ModelParams, params: TrainParams, tmp_path: Path) -> None:
    """Loaded over the stage-1 model of the same params; and no longer as stage 1 did."""
    vlm = prepare(load_stage1(stage1), params)
    before = answers(vlm)
    prompt = vlm.chat.picture_prompt("What?")
    examples = [Example(torch.randn(5, FEATURE_WIDTH), prompt, vlm.chat.answer("A red bus.", 20))] * 4
    schedule = Schedule(6, 4, 0.05, 0.05, 0, 0.05, 0.0, 0, 6)
    part, _ = fit(vlm, examples, schedule, tmp_path / "work")
    save_trained(part, tmp_path)
    assert load_file(tmp_path / TRAINED_FILE).keys() == part.state_dict().keys()
    loaded = load_finetuned(stage1, params, tmp_path)
    assert not any(module.training for module in loaded.modules())
    assert answers(loaded) == answers(vlm.eval()) != before


def rank_2() -> TrainParams:
    """LoRA of rank 2."""
    train = load_params("smoke", Path(__file__).parents[2]).train
    return train.model_copy(update={"parts": "projection+lora", "lora_rank": 2})


@pytest.fixture
def written(tiny_vlm: VisionLanguageModel, tmp_path: Path) -> Path:
    """A folder with a model that was trained with LoRA of rank 2."""
    save_trained(TrainedPart(prepare(copy.deepcopy(tiny_vlm), rank_2()), 0), tmp_path)
    return tmp_path


def _nothing(path: Path) -> None:
    path.unlink()


def _torn(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:50])


DAMAGES = [
    pytest.param({}, _nothing, "no fine-tuned model in FOLDER: run `dvc repro train`", id="missing"),
    pytest.param({}, _torn, "FOLDER/trained.safetensors is damaged: ", id="torn"),
    pytest.param({"lora_rank": 1}, None, "FOLDER/trained.safetensors does not fit train.parts=projection+lora and train.lora_rank=1: 16 of its tensors are wrong: ", id="other_rank"),
    pytest.param({"parts": "projection"}, None, "FOLDER/trained.safetensors does not fit train.parts=projection and train.lora_rank=2: 16 of its tensors are wrong: ", id="other_parts"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "damage", "said"), DAMAGES)
def test_what_does_not_fit_is_one_line(
    stage1: ModelParams, written: Path, changes: dict[str, object], damage: Callable[[Path], None] | None, said: str
) -> None:
    """It names the file and the params at odds with it."""
    if damage:
        damage(written / TRAINED_FILE)
    with pytest.raises(JobError) as error:
        load_finetuned(stage1, rank_2().model_copy(update=changes), written)
    assert str(error.value).startswith(said.replace("FOLDER", str(written)))
    assert "\n" not in str(error.value)


def test_a_projection_where_lora_is_wanted_does_not_fit(
    tiny_vlm: VisionLanguageModel, stage1: ModelParams, tmp_path: Path
) -> None:
    """The adapters are missing."""
    save_trained(TrainedPart(copy.deepcopy(tiny_vlm), 0), tmp_path)
    with pytest.raises(JobError, match=r"does not fit .*16 of its tensors are wrong: .*lora_A.* is missing, wanted"):
        load_finetuned(stage1, rank_2(), tmp_path)
