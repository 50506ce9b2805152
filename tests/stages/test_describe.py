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

from pipeline.captioners.description import Description, Undescribed
from pipeline.captioners.minigpt4 import LocalCaptioner, load_local_captioner
from pipeline.checks import check_transformed
from pipeline.generate import Answer, answer, first_turn, further_turn
from pipeline.params import DescribeParams, ModelParams, load_params
from pipeline.schema import FAILED, IMAGE, OUTCOME
from pipeline.seeds import row_seed
from pipeline.vlm import VisionLanguageModel
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
    """A captioner that gives the descriptions listed, and keeps what it was shown."""

    descriptions: Sequence[Description | Undescribed]
    shown: list[Image.Image] = field(default_factory=list)
    seeds: list[int] = field(default_factory=list)
    name: str = "scripted"
    revision: str = "r1"

    def describe(
        self,
        pictures: Sequence[Image.Image],
        seeds: Sequence[int],
        params: DescribeParams,  # noqa: ARG002 - the protocol has it
        advance: Callable[[int], None],
    ) -> list[Description | Undescribed]:
        """See Captioner."""
        self.shown += pictures
        self.seeds += seeds
        advance(len(pictures))
        return list(self.descriptions)


def described(rows: pa.Table, params: DescribeParams, captioner: Scripted) -> list[dict[str, Any]]:
    """The stage's rows, all of which live on; everything but the picture comes through as it was."""
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
    (row,) = described(downloaded(0), params, Scripted([Description(first, second)]))
    assert row["raw_text"] == raw
    assert (row["first_text"], row["first_tokens"], row["first_finish"]) == (first.text, first.tokens, first.finish)
    found = (row["continue_prompt"], row["continue_text"], row["continue_tokens"], row["continue_finish"])
    assert found == (("Continue", second.text, second.tokens, second.finish) if second else (None,) * 4)


def test_a_row_says_how_it_was_made(params: DescribeParams) -> None:
    """Who described it, asked what, decoding how; who was asked and how stands in a row that got no answer too."""
    (row,) = described(downloaded(0), params, Scripted([Description(Answer("A cat.", 2, "stop"))]))
    assert (row["captioner"], row["captioner_revision"], row["seed"]) == (
        "scripted",
        "r1",
        row_seed(params.seed, f"{0:016x}"),
    )
    assert row["prompt"] == params.prompt
    decoding = json.loads(row["decoding"])
    elsewhere = {"backend", "model", "server", "prompt", "continue_prompt", "seed"}
    assert decoding == params.model_dump(exclude=elsewhere)


def test_a_row_without_a_description_has_failed(params: DescribeParams) -> None:
    """Its reason is the captioner's; who was asked and how still stands in it; its neighbours live on."""
    said = Description(Answer("A cat.", 2, "stop"))
    captioner = Scripted([said, Undescribed("status 500: no text"), said])
    done = describe(downloaded(0, 1, None, 2), params, captioner, lambda _: None)
    outcome = {"outcome": FAILED, "stage": "describe", "rule": "captioner_failed", "reason": "status 500: no text"}
    assert done.select(OUTCOME.names).to_pylist()[1] == {**outcome, "value": None}
    assert done["outcome"].to_pylist() == [None, FAILED, FAILED, None]
    assert done["rule"].to_pylist()[2] == "http_404"
    assert done["raw_text"].to_pylist() == ["A cat.", None, None, "A cat."]
    row = done.select(DESCRIBED.names).to_pylist()[1]
    assert {name for name, value in row.items() if value is not None} == {
        "prompt", "captioner", "captioner_revision", "decoding", "seed",
    }  # fmt: skip
    check_transformed("describe", "part-00000.parquet", downloaded(0, 1, None, 2), done)


def test_each_row_s_seed_goes_to_the_captioner_and_into_the_row(params: DescribeParams) -> None:
    """Whatever rows there are beside it; 31 bits, which every sampler takes."""
    captioner = Scripted([Description(Answer("A cat.", 2, "stop"))] * 50)
    rows = described(downloaded(None, *range(50)), params, captioner)
    assert (
        captioner.seeds
        == [row["seed"] for row in rows[1:]]
        == [row_seed(params.seed, f"{i:016x}") for i in range(1, 51)]
    )
    assert len(set(captioner.seeds)) == 50
    assert 2**30 < max(captioner.seeds) < 2**31


def test_rows_without_a_picture_pass_through(params: DescribeParams) -> None:
    """They are not described, and every other row gets the answer to its own picture."""
    captioner = Scripted([Description(Answer("one", 1, "stop")), Description(Answer("two", 1, "stop"))])
    rows = described(downloaded(None, 1, None, 2), params, captioner)
    assert [row["raw_text"] for row in rows] == [None, "one", None, "two"]
    assert rows[0] == rows[2] == dict.fromkeys(DESCRIBED.names)
    assert [picture.tobytes() for picture in captioner.shown] == [noise(1).tobytes(), noise(2).tobytes()]


def test_a_shard_without_a_picture_passes_through(params: DescribeParams, tiny_vlm: VisionLanguageModel) -> None:
    """All of its downloads may have failed."""
    done = describe(downloaded(None, None), params, LocalCaptioner(tiny_vlm, "tiny", "r1"), lambda _: None)
    assert done.select(DESCRIBED.names).to_pylist() == [dict.fromkeys(DESCRIBED.names)] * 2


PICTURES = [noise(seed) for seed in range(6)]


def passes(descriptions: Sequence[Description | Undescribed]) -> tuple[list[Answer], list[Answer | None]]:
    """First and second passes of pictures that were all described."""
    good = [each for each in descriptions if isinstance(each, Description)]
    assert len(good) == len(descriptions)
    return [each.first for each in good], [each.second for each in good]


@pytest.mark.parametrize(("limit", "continued"), [(1, 0), (2, 2), (10, 2), (11, 3), (12, 6), (80, 6)])
def test_the_model_goes_on_where_its_first_answer_was_short(
    tiny_vlm: VisionLanguageModel, params: DescribeParams, limit: int, continued: int
) -> None:
    """Up to `continue_up_to` tokens and no longer; the second pass answers the whole conversation so far."""
    captioner, advanced = LocalCaptioner(tiny_vlm, "tiny", "r1"), list[int]()
    changed = params.model_copy(update={"continue_up_to": limit})
    first, second = passes(captioner.describe(PICTURES, range(len(PICTURES)), changed, advanced.append))
    assert sorted(a.tokens for a in first) == [2, 2, 11, 12, 12, 12]  # some of its answers end early
    assert [b is not None for b in second] == [a.tokens <= limit for a in first]
    assert sum(b is not None for b in second) == continued
    assert sum(advanced) == len(PICTURES)
    prompt = tiny_vlm.chat.picture_prompt(params.prompt)
    turn = tiny_vlm.chat.next_turn(params.continue_prompt)
    rows = first_turn(tiny_vlm, tiny_vlm.encode_images(tiny_vlm.preprocess(PICTURES)), prompt)
    assert first == answer(tiny_vlm, rows, params, seeds=range(len(rows)))
    for row, one, two in zip(rows, first, second, strict=True):
        if two is not None:
            assert answer(tiny_vlm, [further_turn(tiny_vlm, row, one.text, turn)], params, seeds=[0]) == [two]


def test_what_is_drawn_for_a_picture_depends_on_its_seed_alone(
    tiny_vlm: VisionLanguageModel, params: DescribeParams
) -> None:
    """Neither on its neighbours nor on the size of a batch; another seed draws other words."""
    warm = params.model_copy(update={"do_sample": True})
    captioner, seeds = LocalCaptioner(tiny_vlm, "tiny", "r1"), [3, 1, 4, 1, 5, 9]
    together = captioner.describe(PICTURES, seeds, warm, lambda _: None)
    alone = [captioner.describe([p], [s], warm, lambda _: None)[0] for p, s in zip(PICTURES, seeds, strict=True)]
    assert together == alone
    backwards = captioner.describe(
        PICTURES[::-1], seeds[::-1], warm.model_copy(update={"batch_size": 1}), lambda _: None
    )
    assert backwards == together[::-1]
    assert captioner.describe(PICTURES, [s + 1 for s in seeds], warm, lambda _: None) != together


def test_the_captioner_is_named_by_its_parts(
    tiny_vlm: VisionLanguageModel, model_params: ModelParams, tmp_path: Path
) -> None:
    """The revision changes with the projection."""
    params = model_params.model_copy(update={"checkpoint": tmp_path})
    tiny_vlm.save_pretrained(params.checkpoint)
    before = load_local_captioner(params)
    assert before.name == "vision + llm"
    assert before.revision == load_local_captioner(params).revision
    other = copy.deepcopy(tiny_vlm)
    other.projection.bias.data += 1
    other.save_pretrained(params.checkpoint)
    assert load_local_captioner(params).revision != before.revision
