"""The describe stage: two passes, the second where the first was short, and rows without a picture."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from pipeline.captioner import LocalCaptioner, load_captioner
from pipeline.generate import Answer, answer, first_turn, further_turn
from pipeline.params import DescribeParams, ModelParams, load_params
from pipeline.prompts import next_turn, picture_prompt
from pipeline.schema import FAILED, IMAGE, OUTCOME
from pipeline.vlm import VisionLanguageModel, save_projection
from stages.describe import DESCRIBED, describe

DOWNLOADED = pa.schema([pa.field("key", pa.string()), pa.field("image", IMAGE), *OUTCOME])


@pytest.fixture
def params(root: Path) -> DescribeParams:
    """Answers of up to twelve tokens, batches of four."""
    return load_params("smoke", root).describe.model_copy(update={"max_new_tokens": 12, "seed": 5})


def noise(seed: int) -> Image.Image:
    """A picture."""
    return Image.fromarray(np.random.default_rng(seed).integers(0, 255, (16, 16, 3), dtype=np.uint8))


def downloaded(*numbers: int | None) -> pa.Table:
    """Rows as `download` leaves them: a picture of noise for each number; where there is none, it failed."""
    failed = {"outcome": FAILED, "stage": "download", "rule": "http_404", "reason": "HTTP Error 404: Not Found"}
    rows = []
    for place, number in enumerate(numbers):
        row: dict[str, object] = {"key": f"{place:016x}", **(failed if number is None else {})}
        if number is not None:
            stream = BytesIO()
            noise(number).save(stream, "PNG")
            row["image"] = {"bytes": stream.getvalue(), "path": None}
        rows.append(row)
    return pa.Table.from_pylist(rows, schema=DOWNLOADED)


@dataclass
class Scripted:
    """A captioner that gives the answers listed, and keeps the pictures that it was shown."""

    first: Sequence[Answer]
    second: Sequence[Answer | None]
    shown: list[Image.Image] = field(default_factory=list)
    name: str = "scripted"
    revision: str = "r1"

    def describe(
        self,
        pictures: Sequence[Image.Image],
        params: DescribeParams,  # noqa: ARG002 - the protocol has it
        advance: Callable[[int], None],
    ) -> tuple[list[Answer], list[Answer | None]]:
        """See Captioner."""
        self.shown += pictures
        advance(len(pictures))
        return list(self.first), list(self.second)


def described(rows: pa.Table, params: DescribeParams, captioner: Scripted) -> list[dict[str, Any]]:
    """The stage's rows; everything but the picture comes through as it was."""
    done = describe(rows, params, captioner, lambda _: None)
    kept = rows.drop_columns(["image"])
    assert done.schema.equals(pa.schema([*kept.schema, *DESCRIBED]))
    assert done.select(kept.column_names).equals(kept)
    records: list[dict[str, Any]] = done.select(DESCRIBED.names).to_pylist()
    return records


JOINS = [
    pytest.param(Answer("A cat.", 3, "stop"), Answer("It sits.", 2, "length"), "A cat. It sits.", id="both"),
    pytest.param(Answer("A cat.", 99, "length"), None, "A cat.", id="first_alone"),
    pytest.param(Answer("A cat.", 3, "stop"), Answer("", 0, "stop"), "A cat.", id="nothing_to_add"),
    pytest.param(Answer("", 0, "stop"), Answer("It sits.", 2, "stop"), "It sits.", id="nothing_at_first"),
    pytest.param(Answer("", 0, "stop"), Answer("", 0, "stop"), "", id="nothing"),
]


@pytest.mark.parametrize(("first", "second", "raw"), JOINS)
def test_both_passes_are_kept_and_joined(
    params: DescribeParams, first: Answer, second: Answer | None, raw: str
) -> None:
    """One space at the seam; a pass that was not made leaves nulls, its prompt too."""
    (row,) = described(downloaded(0), params, Scripted([first], [second]))
    assert row["raw_text"] == raw
    assert (row["first_text"], row["first_tokens"], row["first_finish"]) == (first.text, first.tokens, first.finish)
    found = (row["continue_prompt"], row["continue_text"], row["continue_tokens"], row["continue_finish"])
    assert found == (("Continue", second.text, second.tokens, second.finish) if second else (None,) * 4)


def test_a_row_says_how_it_was_made(params: DescribeParams) -> None:
    """Who described it, asked what, decoding how."""
    (row,) = described(downloaded(0), params, Scripted([Answer("A cat.", 2, "stop")], [None]))
    assert (row["captioner"], row["captioner_revision"], row["seed"]) == ("scripted", "r1", 5)
    assert row["prompt"] == params.prompt
    decoding = json.loads(row["decoding"])
    assert decoding == params.model_dump(exclude={"prompt", "continue_prompt", "seed"})


def test_rows_without_a_picture_pass_through(params: DescribeParams) -> None:
    """They are not described, and every other row gets the answer to its own picture."""
    captioner = Scripted([Answer("one", 1, "stop"), Answer("two", 1, "stop")], [None, None])
    rows = described(downloaded(None, 1, None, 2), params, captioner)
    assert [row["raw_text"] for row in rows] == [None, "one", None, "two"]
    assert rows[0] == rows[2] == dict.fromkeys(DESCRIBED.names)
    assert [picture.tobytes() for picture in captioner.shown] == [noise(1).tobytes(), noise(2).tobytes()]


def test_a_shard_without_a_picture_passes_through(params: DescribeParams, tiny_vlm: VisionLanguageModel) -> None:
    """All of its downloads may have failed."""
    done = describe(downloaded(None, None), params, LocalCaptioner(tiny_vlm, "tiny", "r1"), lambda _: None)
    assert done.select(DESCRIBED.names).to_pylist() == [dict.fromkeys(DESCRIBED.names)] * 2


PICTURES = [noise(seed) for seed in range(6)]


@pytest.mark.parametrize(("limit", "continued"), [(0, 2), (11, 2), (12, 6), (80, 6)])
def test_the_model_goes_on_where_its_first_answer_was_short(
    tiny_vlm: VisionLanguageModel, params: DescribeParams, limit: int, continued: int
) -> None:
    """Up to `continue_up_to` tokens and no longer; the second pass answers the whole conversation so far."""
    captioner, advanced = LocalCaptioner(tiny_vlm, "tiny", "r1"), list[int]()
    first, second = captioner.describe(PICTURES, params.model_copy(update={"continue_up_to": limit}), advanced.append)
    assert sorted(a.tokens for a in first) == [0, 0, 12, 12, 12, 12]  # some of its answers end at once
    assert [b is not None for b in second] == [a.tokens <= limit for a in first]
    assert sum(b is not None for b in second) == continued
    assert sum(advanced) == len(PICTURES)
    prompt = picture_prompt(tiny_vlm.tokenizer, params.prompt)
    turn = next_turn(tiny_vlm.tokenizer, params.continue_prompt)
    rows = first_turn(tiny_vlm, tiny_vlm.encode_images(PICTURES), prompt)
    assert first == answer(tiny_vlm, rows, params, seeds=range(len(rows)))
    for row, one, two in zip(rows, first, second, strict=True):
        if two is not None:
            assert answer(tiny_vlm, [further_turn(tiny_vlm, row, one.text, turn)], params, seeds=[0]) == [two]


def test_the_captioner_is_named_by_its_parts(
    tiny_vlm: VisionLanguageModel, model_params: ModelParams, tmp_path: Path
) -> None:
    """The revision changes with the projection."""
    params = model_params.model_copy(update={"projection": tmp_path / "projection.safetensors"})
    save_projection(tiny_vlm, params.projection)
    before = load_captioner(params)
    assert before.name == "vision + llm"
    assert before.revision == load_captioner(params).revision
    other = copy.deepcopy(tiny_vlm)
    other.projection.bias.data += 1
    save_projection(other, params.projection)
    assert load_captioner(params).revision != before.revision
