"""Training: what is learnt, at which rate, and that an interruption changes nothing."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F
from transformers import TrainerCallback, TrainerState

from pipeline.finetuned import prepare
from pipeline.params import TrainParams, load_params
from pipeline.prompts import tokenize
from pipeline.training import Example, FeatureDropout, Schedule, TrainedPart, collate, fit, learning_rate
from pipeline.vision import FEATURE_WIDTH
from pipeline.vlm import IGNORED, VisionLanguageModel

ANSWERS = ("A red bus.", "A dog sits near a tree on a mat.", "It is about animals.", "An image.", "Transport.")
# Three steps an epoch, so that the seventh and last step lies inside one.
SCHEDULE = Schedule(
    steps=7,
    batch_size=2,
    lr=1e-2,
    min_lr=1e-3,
    warmup_steps=2,
    warmup_lr=1e-6,
    weight_decay=0.05,
    seed=3,
    checkpoint_every=2,
    feature_dropout=0.3,
)


@pytest.fixture(scope="module")
def examples(tiny_vlm: VisionLanguageModel) -> list[Example]:
    """Five pictures of noise with answers of different lengths."""
    torch.manual_seed(5)
    prompt = tiny_vlm.chat.picture_prompt("Describe this image.")
    return [Example(torch.randn(5, FEATURE_WIDTH), prompt, tiny_vlm.chat.answer(text, 40)) for text in ANSWERS]


@pytest.fixture
def lora(root: Path) -> TrainParams:
    """Projection and LoRA."""
    return load_params("smoke", root).train.model_copy(update={"parts": "projection+lora", "lora_rank": 2})


def test_labels_stand_on_the_answer_and_its_mark_alone(
    tiny_vlm: VisionLanguageModel, examples: Sequence[Example]
) -> None:
    """No label on the prompt, the picture or the padding; the ids and the mask are those of the row."""
    batch = collate(examples[:2], 5)
    prompt = examples[0].prompt
    head = len(prompt.before_image) + 5 + len(prompt.after_image)
    for row, text in enumerate(ANSWERS[:2]):
        labels = batch["labels"][row]
        assert tiny_vlm.tokenizer.decode(labels[labels != IGNORED]) == f" {text}###"
        assert (labels[:head] == IGNORED).all()
        end = head + len(examples[row].answer)
        assert (labels[end:] == IGNORED).all()
        assert batch["input_ids"][row, head:end].tolist() == list(examples[row].answer)
        assert batch["attention_mask"][row].tolist() == [1] * end + [0] * (labels.shape[0] - end)
        assert torch.equal(batch["features"][row], examples[row].features)
    assert batch["input_ids"][1, : len(prompt.before_image)].tolist() == list(prompt.before_image)
    assert batch["input_ids"][1, len(prompt.before_image) + 5 : head].tolist() == list(prompt.after_image)


@torch.no_grad()
def full_loss(vlm: VisionLanguageModel, example: Example, labelled: int) -> Tensor:
    """Summed loss of a row's last `labelled` tokens, from the logits of the row by itself."""
    ids = torch.tensor([*example.prompt.after_image, *example.answer])
    before = vlm.embed_tokens(torch.tensor(example.prompt.before_image))
    row = torch.cat([before, vlm.project(example.features[None])[0], vlm.embed_tokens(ids)])
    logits = vlm.llm(inputs_embeds=row[None]).logits[0, :-1]
    return F.cross_entropy(logits[-labelled:], ids[-labelled:], reduction="sum")


def test_the_loss_is_the_answer_s(tiny_vlm: VisionLanguageModel, examples: Sequence[Example]) -> None:
    """The mean over all answer tokens of the batch; with the prompt's tokens in it, or one answer token less, it differs."""
    part = TrainedPart(tiny_vlm, len(examples[0].prompt.before_image))
    with torch.no_grad():
        found = part(**collate(examples, 5))["loss"]

    def expected(more: int) -> Tensor:
        tokens = [len(e.answer) + more for e in examples]
        return sum(full_loss(tiny_vlm, e, n) for e, n in zip(examples, tokens, strict=True)) / torch.tensor(sum(tokens))

    torch.testing.assert_close(found, expected(0), rtol=1e-4, atol=1e-4)
    for more in (1, -1, len(examples[0].prompt.after_image)):
        assert abs(float(found - expected(more))) > 1e-2


@pytest.mark.parametrize(
    ("step", "rate"),
    [
        (0, 1e-6),
        (1, 1.145e-6),
        (100, 1.55e-5),
        (199, 2.9855e-5),
        (200, 2e-5),  # the cosine spans all 400 steps, so the warm-up ends at its middle
        (300, 1.2928932e-5),  # 1e-5 + 2e-5 * (1 + cos(3 pi / 4)) / 2
        (399, 1e-5 + 1e-5 * (1 + math.cos(math.pi * 399 / 400))),
        (400, 1e-5),
    ],
)
def test_the_rate_is_minigpt_4_s(step: int, rate: float) -> None:
    """Its stage 2: 200 steps of warm-up from 1e-6, then from 3e-5 to 1e-5, 400 steps in all."""
    schedule = Schedule(400, 12, 3e-5, 1e-5, 200, 1e-6, 0.05, 42, 100)
    assert learning_rate(schedule, step) == pytest.approx(rate, rel=1e-6)


def test_without_warm_up_it_starts_at_the_peak() -> None:
    """No division by zero steps."""
    assert learning_rate(Schedule(10, 1, 3e-5, 1e-5, 0, 1e-6, 0.0, 0, 1), 0) == pytest.approx(3e-5)


def test_dropped_channels_stand_at_their_mean_in_all_tokens() -> None:
    """The rest moves away from the mean, so that it stays the mean; nothing is dropped outside of training."""
    torch.manual_seed(0)
    mean, features = torch.randn(5, 400), torch.randn(2, 5, 400)
    dropout = FeatureDropout(mean, 0.25)
    found = dropout(features)
    gone = torch.isclose(found, mean.expand(2, -1, -1)).all(1)  # [B, channels]
    assert 0.15 < gone.float().mean() < 0.35
    assert not torch.equal(gone[0], gone[1])
    kept = ~gone[:, None].expand(-1, 5, -1)
    torch.testing.assert_close(found[kept], (mean + (features - mean) / 0.75)[kept])
    torch.testing.assert_close(dropout.eval()(features), features)


class Stop(TrainerCallback):
    """Ctrl-C when a step ends, before Trainer writes that step's checkpoint."""

    def __init__(self, step: int) -> None:
        self.step = step

    def on_step_end(self, args: object, state: TrainerState, control: object, **_: object) -> None:  # noqa: ARG002
        """See TrainerCallback."""
        if state.global_step == self.step:
            raise KeyboardInterrupt


class Count(TrainerCallback):
    """Counts the steps of one run."""

    def __init__(self) -> None:
        self.steps = 0

    def on_step_end(self, *_: object, **__: object) -> None:
        """See TrainerCallback."""
        self.steps += 1


def trained(
    vlm: VisionLanguageModel, examples: Sequence[Example], work: Path, *callbacks: TrainerCallback
) -> tuple[dict[str, Tensor], list[dict[str, float]]]:
    """The trained tensors and the log of one run over a model as it was loaded."""
    learned, watched = examples[1:], examples[:1]
    part, log = fit(copy.deepcopy(vlm), learned, SCHEDULE, work, heldout=watched, callbacks=callbacks)
    return part.state_dict(), log


@pytest.fixture(scope="module")
def uninterrupted(
    tiny_vlm: VisionLanguageModel, examples: Sequence[Example], tmp_path_factory: pytest.TempPathFactory
) -> tuple[dict[str, Tensor], list[dict[str, float]], Path]:
    """What a run without an interruption gives, and its work folder."""
    work = tmp_path_factory.mktemp("work")
    state, log = trained(tiny_vlm, examples, work)
    return state, log, work


Run = tuple[dict[str, Tensor], list[dict[str, float]], Path]


def assert_equal(found: dict[str, Tensor], expected: dict[str, Tensor]) -> None:
    """Bit by bit."""
    assert found.keys() == expected.keys()
    assert [name for name in expected if not torch.equal(found[name], expected[name])] == []


def test_training_follows_the_schedule(tiny_vlm: VisionLanguageModel, uninterrupted: Run) -> None:
    """The log holds each step's rate and the loss on the held-out rows at each checkpoint; the projection has moved."""
    state, log, _ = uninterrupted
    rates = [entry["learning_rate"] for entry in log if "learning_rate" in entry]
    assert rates == pytest.approx([learning_rate(SCHEDULE, step) for step in range(7)])
    assert [entry["step"] for entry in log if "eval_loss" in entry] == [2, 4, 6, 7]
    assert not torch.equal(state["vlm.projection.weight"], tiny_vlm.projection.weight)


@pytest.mark.parametrize("step", [1, 3, 4, 5, 7])
def test_an_interrupted_run_ends_with_the_same_weights(
    tiny_vlm: VisionLanguageModel, examples: Sequence[Example], uninterrupted: Run, tmp_path: Path, step: int
) -> None:
    """Before the first checkpoint, between two, where one was due, at the very end; it goes on from the last one."""
    with pytest.raises(KeyboardInterrupt):
        trained(tiny_vlm, examples, tmp_path, Stop(step))
    count = Count()
    state, log = trained(tiny_vlm, examples, tmp_path, count)
    assert_equal(state, uninterrupted[0])
    assert count.steps == 7 - (step - 1) // 2 * 2
    losses = [entry["eval_loss"] for entry in log if "eval_loss" in entry]
    assert losses == [entry["eval_loss"] for entry in uninterrupted[1] if "eval_loss" in entry]


@pytest.mark.parametrize("torn", ["missing", "half"])
def test_a_kill_in_the_middle_of_a_checkpoint_costs_that_checkpoint_alone(
    tiny_vlm: VisionLanguageModel,
    examples: Sequence[Example],
    uninterrupted: Run,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    torn: str,
) -> None:
    """Trainer writes its state last; a folder without it is no checkpoint."""
    save = TrainerState.save_to_json

    def die(self: TrainerState, path: str) -> None:
        if self.global_step == 4:
            if torn == "half":
                Path(path).write_text('{"best_global_step": nul', encoding="utf-8")
            raise KeyboardInterrupt
        save(self, path)

    with monkeypatch.context() as patched:
        patched.setattr(TrainerState, "save_to_json", die)
        with pytest.raises(KeyboardInterrupt):
            trained(tiny_vlm, examples, tmp_path)
    assert (tmp_path / "checkpoint-4").is_dir()
    count = Count()
    assert_equal(trained(tiny_vlm, examples, tmp_path, count)[0], uninterrupted[0])
    assert count.steps == 5


def test_a_finished_run_is_not_trained_further(
    tiny_vlm: VisionLanguageModel, examples: Sequence[Example], uninterrupted: Run
) -> None:
    """`pretrain` comes back to its first phase when its second was interrupted."""
    state, log, work = uninterrupted
    count = Count()
    again, log_again = trained(tiny_vlm, examples, work, count)
    assert count.steps == 0
    assert_equal(again, state)
    assert log_again == [entry for entry in log if "train_runtime" not in entry]


def test_a_checkpoint_holds_the_trained_part_alone(uninterrupted: Run) -> None:
    """Two tensors, not the frozen models."""
    from safetensors.torch import load_file

    held = load_file(uninterrupted[2] / "checkpoint-7/model.safetensors")
    assert sorted(held) == ["vlm.projection.bias", "vlm.projection.weight"]


def test_lora_trains_beside_the_projection_and_leaves_the_model_as_it_was(
    tiny_vlm: VisionLanguageModel, examples: Sequence[Example], lora: TrainParams, tmp_path: Path
) -> None:
    """The trained names are the projection's and LoRA's; every other weight keeps its bits."""
    vlm = prepare(copy.deepcopy(tiny_vlm), lora)
    before = {name: value.clone() for name, value in vlm.state_dict().items()}
    part, _ = fit(vlm, examples, SCHEDULE, tmp_path)
    names = {name.removeprefix("vlm.") for name in part.state_dict()}
    assert {"projection.weight", "projection.bias"} < names
    # 2 layers of 4 modules with 2 factors each
    assert len(names) == 2 + 2 * 4 * 2
    assert all("lora_" in name for name in names - {"projection.weight", "projection.bias"})
    changed = {name for name, value in vlm.state_dict().items() if not torch.equal(value, before[name])}
    assert changed == names


def test_lora_starts_as_the_identity(tiny_vlm: VisionLanguageModel, lora: TrainParams) -> None:
    """Stage 2 begins where stage 1 ended; its weights are float32 whatever the model's are."""
    half = copy.deepcopy(tiny_vlm)
    half.llm.to(torch.bfloat16)
    row = torch.randn(1, 6, 32, dtype=torch.bfloat16)
    before = half.llm(inputs_embeds=row).logits
    prepare(half, lora)
    assert torch.equal(half.llm(inputs_embeds=row).logits, before)
    assert {v.dtype for n, v in half.named_parameters() if v.requires_grad} == {torch.float32}


def test_the_paper_s_recipe_adds_nothing(tiny_vlm: VisionLanguageModel, lora: TrainParams) -> None:
    """`parts: projection` trains the projection alone."""
    vlm = prepare(copy.deepcopy(tiny_vlm), lora.model_copy(update={"parts": "projection"}))
    assert list(TrainedPart(vlm, 0).state_dict()) == ["vlm.projection.weight", "vlm.projection.bias"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"vlm.projection.bias": None}, "1 of its tensors are wrong: vlm.projection.bias is missing, wanted (32,)"),
        ({"more": torch.zeros(1)}, "1 of its tensors are wrong: more is (1,), wanted no such tensor"),
        # copy_ would broadcast it
        ({"vlm.projection.bias": torch.zeros(1)}, "1 of its tensors are wrong: vlm.projection.bias is (1,), wanted (32,)"),
    ],
    ids=["missing", "left over", "shape"],
)  # fmt: skip
def test_a_state_that_does_not_fit_is_not_loaded(
    tiny_vlm: VisionLanguageModel, change: dict[str, Tensor | None], said: str
) -> None:
    """A KeyError that names the first wrong tensor; the model stays as it was."""
    part = TrainedPart(copy.deepcopy(tiny_vlm), 0)
    state = {n: v + 1 for n, v in part.state_dict().items()} | change
    with pytest.raises(KeyError) as error:
        part.load_state_dict({n: v for n, v in state.items() if v is not None})
    assert error.value.args == (said,)
    assert torch.equal(part.vlm.projection.weight, tiny_vlm.projection.weight)


def test_a_cut_answer_teaches_no_end(tiny_vlm: VisionLanguageModel, examples: Sequence[Example]) -> None:
    """Its labels end with a word, not with the mark."""
    cut = tiny_vlm.chat.answer(ANSWERS[1], 4)
    labels = collate([Example(examples[0].features, examples[0].prompt, cut)], 5)["labels"][0]
    assert labels[labels != IGNORED].tolist() == tokenize(tiny_vlm.tokenizer, f" {ANSWERS[1]}")[:4]
