"""Stage 2: what is learnt of a set, what is left alone, and what a limit on the answers does."""

from __future__ import annotations

import functools
import json
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import pyarrow as pa
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from pipeline.checkpoint import load_stage1
from pipeline.errors import UsageError
from pipeline.finetuned import TRAINED_FILE, save_trained
from pipeline.finetuning import finetune, tokenized
from pipeline.params import Params
from pipeline.parquet import read_table, write_table
from pipeline.schema import IMAGE
from pipeline.training import TrainedPart
from pipeline.training_set import read_training_set
from pipeline.vlm import VisionLanguageModel

TEXTS = ("A red bus stands in a street.", "A dog sits. It barks at a tree.", "The image shows a cat.", "A boat.")


@pytest.fixture
def params(stage1_params: Params) -> Params:
    """The smoke profile, with a stage 1 to start from."""
    return stage1_params


def picture(n: int) -> bytes:
    """A small JPEG, another one for every number."""
    stream = BytesIO()
    Image.new("RGB", (64, 48), (60 * n, 90, 255 - 60 * n)).save(stream, "JPEG")
    return stream.getvalue()


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    """Four pairs as `emit` writes them."""
    columns = {
        "key": pa.array([f"{n:016x}" for n in range(4)]),
        "image": pa.array([{"bytes": picture(n), "path": None} for n in range(4)], IMAGE),
        "description": pa.array(TEXTS),
        "instruction": pa.array(["Describe this image in detail."] * 4),
    }
    write_table(pa.table(columns), tmp_path / "pairs.parquet")
    return tmp_path / "pairs.parquet"


def with_train(params: Params, **changes: object) -> Params:
    """Other params for the section train."""
    return params.model_copy(update={"train": params.train.model_copy(update=changes)})


def run(params: Params, pairs: Path, work: Path) -> tuple[dict[str, object], dict[str, torch.Tensor]]:
    """The metrics and the trained tensors of a run over `pairs`, or over the set that train.data names."""
    found = read_training_set(params.train.data, pairs, params.emit, params.download.max_pixels)
    tuned = finetune(params, found, work)
    return tuned.metrics, {name: value.clone() for name, value in tuned.part.state_dict().items()}


@pytest.mark.parametrize("parts", ["projection", "projection+lora"])
def test_it_changes_what_it_trains_and_nothing_else(params: Params, pairs: Path, tmp_path: Path, parts: str) -> None:
    """Tower and language model are bit for bit those of stage 1; every tensor that is written has moved."""
    changed = with_train(params, parts=parts)
    before = load_stage1(params.model).state_dict()
    found = read_training_set(None, pairs, changed.emit, changed.download.max_pixels)
    tuned = finetune(changed, found, tmp_path / "work")
    after = {name.replace(".base_layer", ""): value for name, value in tuned.vlm.state_dict().items()}
    moved = {name for name, value in before.items() if not torch.equal(value, after[name])}
    assert moved == {"projection.weight", "projection.bias"}
    save_trained(tuned.part, tmp_path)
    written = load_file(tmp_path / TRAINED_FILE)
    assert {name for name in written if "lora" not in name} == {f"vlm.{name}" for name in moved}
    assert any("lora" in name for name in written) == (parts == "projection+lora")
    assert all(bool(value.any()) for name, value in written.items() if "lora_B" in name)  # zero before the first step


def test_the_align_layout_trains_to_the_same_weights(params: Params, pairs: Path, tmp_path: Path) -> None:
    """filter_cap.json and image/ hold the same pairs, and the instructions are drawn as `emit` draws them."""
    align = tmp_path / "align"
    (align / "image").mkdir(parents=True)
    listed = []
    for n, text in enumerate(TEXTS):
        (align / "image" / f"{n:016x}.jpg").write_bytes(picture(n))
        listed.append({"image_id": f"{n:016x}", "caption": text})
    (align / "filter_cap.json").write_text(json.dumps({"annotations": listed}), encoding="utf-8")
    drawn = params.model_copy(
        update={"emit": params.emit.model_copy(update={"instructions": ["Describe this image in detail."]})}
    )
    metrics, own = run(drawn, pairs, tmp_path / "own")
    other_metrics, other = run(with_train(drawn, data=str(align)), pairs, tmp_path / "other")
    assert metrics == other_metrics
    assert [name for name, value in own.items() if not torch.equal(value, other[name])] == []


def test_a_run_goes_on_from_its_own_checkpoints_alone(params: Params, pairs: Path, tmp_path: Path) -> None:
    """A finished one is not trained again; another set's, or another seed's, are of no use."""
    once, work = with_train(params, steps=2), tmp_path / "work"
    first, _ = run(once, pairs, work)
    (checkpoint,) = work.glob("*/checkpoint-2/model.safetensors")
    written = checkpoint.stat().st_mtime_ns
    assert run(once, pairs, work)[0] == first
    assert checkpoint.stat().st_mtime_ns == written
    run(with_train(params, steps=2, seed=9), pairs, work)
    assert len(list(work.iterdir())) == 2
    table = read_table(pairs)
    others = pa.array(["Another text.", *TEXTS[1:]])
    write_table(table.set_column(table.column_names.index("description"), "description", others), pairs)
    run(once, pairs, work)
    assert len(list(work.iterdir())) == 3
    assert checkpoint.stat().st_mtime_ns == written


def test_in_bfloat16_it_learns_nearly_the_same(params: Params, pairs: Path, tmp_path: Path) -> None:
    """The loss goes where it goes in float32, within the precision, and is not that of float32."""
    plain = with_train(params, steps=3, batch_size=4)
    exact, weights = run(plain, pairs, tmp_path / "plain")
    assert float(str(exact["loss_last"])) < float(str(exact["loss_first"]))
    other, rounded = run(with_train(plain, mixed_precision="bfloat16"), pairs, tmp_path / "other")
    assert other["loss_last"] == pytest.approx(exact["loss_last"], rel=0.05)
    assert any(not torch.equal(value, rounded[name]) for name, value in weights.items())


def test_a_step_in_two_passes_sees_the_whole_batch(
    params: Params, pairs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twice as many passes, half as many rows in each, and nearly the same loss."""
    rows: list[int] = []
    forward = TrainedPart.forward

    @functools.wraps(forward)  # Trainer looks at what it takes
    def counting(self: TrainedPart, features: torch.Tensor, **others: torch.Tensor) -> dict[str, torch.Tensor]:
        rows.append(len(features))
        return forward(self, features, **others)

    monkeypatch.setattr(TrainedPart, "forward", counting)
    plain = with_train(params, steps=2, batch_size=4)
    exact, _ = run(plain, pairs, tmp_path / "plain")
    assert rows == [4, 4]
    other, _ = run(with_train(plain, accumulation=2), pairs, tmp_path / "other")
    assert rows[2:] == [2, 2, 2, 2]
    assert other["loss_last"] == pytest.approx(exact["loss_last"], rel=0.05)


LONG = "A dog sits. It barks at a tree."


@pytest.mark.parametrize(
    ("text", "room", "learnt", "shortened", "unfinished"),
    [
        pytest.param(LONG, 50, " A dog sits. It barks at a tree.###", 0, 0, id="fits"),
        pytest.param(LONG, "exact", " A dog sits. It barks at a tree.###", 0, 0, id="fits_exactly"),
        pytest.param(LONG, "one less", " A dog sits.###", 1, 0, id="one_token_too_long"),
        pytest.param("A dog. A cat. A tree on a mat.", "one less", " A dog. A cat.###", 1, 0, id="three_sentences"),
        pytest.param("A dog sits on a mat", 2, None, 0, 1, id="one_long_sentence"),
        pytest.param("  A dog sits. \n", 50, " A dog sits.###", 0, 0, id="blanks"),
    ],
)
def test_a_long_answer_ends_behind_a_whole_sentence(
    tiny_vlm: VisionLanguageModel, text: str, room: int | str, learnt: str | None, shortened: int, unfinished: int
) -> None:
    """The end mark is never lost in silence: last sentences go, or the row is counted as cut."""
    chat = tiny_vlm.chat
    tokens = len(chat.said(text))
    limit = {"exact": tokens, "one less": tokens - 1}.get(str(room), room)
    found = tokenized(chat, [text], int(limit))
    assert (found.shortened, found.unfinished) == (shortened, unfinished)
    said = decoded(tiny_vlm, found.ids[0])
    assert said == learnt if learnt else not said.endswith("###")


def decoded(vlm: VisionLanguageModel, ids: Sequence[int]) -> str:
    """Token ids as text."""
    return str(vlm.tokenizer.decode(list(ids)))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        pytest.param({"batch_size": 3, "accumulation": 2}, "train.batch_size 3 cannot be dealt out evenly", id="batch"),
        pytest.param({"mixed_precision": "float16"}, "train.mixed_precision float16 needs a GPU", id="half"),
    ],
)
def test_what_the_devices_cannot_do_is_said_before_a_model_loads(
    params: Params, changes: dict[str, object], said: str
) -> None:
    """One line that names the key."""
    from pipeline.devices import check_devices

    if "mixed_precision" in changes and torch.accelerator.is_available():
        pytest.skip("this machine can")
    section = with_train(params, **changes).train
    with pytest.raises(UsageError, match=said):
        check_devices(section.batch_size, section.accumulation, section.mixed_precision, "train", "train")
