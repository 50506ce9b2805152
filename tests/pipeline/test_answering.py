"""What models answer about held-out pictures."""

from __future__ import annotations

import copy
from pathlib import Path

import pyarrow as pa
import pytest
import torch
from pydantic import ValidationError

from pipeline.answering import ANSWERS, Heldout, answer_all, load_heldout, records_of
from pipeline.errors import JobError
from pipeline.params import EvaluateParams, load_params
from pipeline.parquet import write_table
from pipeline.schema import IMAGE
from pipeline.vision import FEATURE_WIDTH
from pipeline.vlm import VisionLanguageModel
from tests.stages.emitted import picture

SAMPLED = {"do_sample": True, "seeds": [3, 4], "max_new_tokens": 8, "batch_size": 4}


@pytest.fixture
def params(root: Path) -> EvaluateParams:
    """Sampling with two seeds."""
    return load_params("smoke", root).evaluate.model_copy(update=SAMPLED)


@pytest.fixture
def heldout() -> Heldout:
    """Four pictures of noise."""
    features = torch.randn(4, 5, FEATURE_WIDTH, generator=torch.Generator().manual_seed(1))
    return Heldout(pa.table({"key": ["a", "b", "c", "d"]}), features)


def test_an_answer_depends_on_its_picture_and_its_seed_alone(
    tiny_vlm: VisionLanguageModel, heldout: Heldout, params: EvaluateParams
) -> None:
    """Other pictures and seeds beside it change nothing; another seed draws another answer."""
    both = answer_all(tiny_vlm, heldout, "What?", params, "test")
    assert [len(each) for each in both] == [2] * 4
    assert any(first.text != second.text for first, second in both)
    alone = answer_all(tiny_vlm, heldout.first(2), "What?", params.model_copy(update={"seeds": [4]}), "test")
    assert alone == [[each[1]] for each in both[:2]]
    again = answer_all(copy.deepcopy(tiny_vlm), heldout, "What?", params, "test")
    assert again == both


def test_every_answer_is_a_row(tiny_vlm: VisionLanguageModel, heldout: Heldout, params: EvaluateParams) -> None:
    """With its key, seed, and the rules that reject it."""
    answers = answer_all(tiny_vlm, heldout, "What?", params, "test")
    failures = [[["refrain"], []] for _ in answers]
    rows = records_of(answers, failures, heldout, params.seeds, {"prompt": "detail", "model": "stage1"})
    table = pa.Table.from_pylist(rows, schema=ANSWERS)
    assert table["key"].to_pylist() == ["a", "a", "b", "b", "c", "c", "d", "d"]
    assert table["seed"].to_pylist() == [3, 4] * 4
    assert table["failed"].to_pylist() == [True, False] * 4
    assert table["text"].to_pylist() == [answer.text for each in answers for answer in each]
    assert not any(table[name].null_count for name in table.column_names)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        pytest.param({"seeds": [1, 1], "do_sample": True}, "evaluate.seeds must differ", id="equal"),
        pytest.param({"seeds": [1, 2], "do_sample": False}, "every seed draws the same answer", id="greedy"),
        pytest.param({"seeds": []}, "at least 1 item", id="none"),
        pytest.param({"prompts": {}}, "at least 1 item", id="no_prompt"),
    ],
)
def test_seeds_that_mean_nothing_are_refused(root: Path, changes: dict[str, object], said: str) -> None:
    """Before anything runs."""
    given = load_params("smoke", root).evaluate.model_dump(mode="json") | changes
    with pytest.raises(ValidationError, match=said):
        EvaluateParams.model_validate(given)


def test_only_pictures_that_came_are_shown(tiny_vlm: VisionLanguageModel, tmp_path: Path) -> None:
    """What failed or was rejected is no held-out picture; where none is left, one line says so."""
    images = pa.array([{"bytes": picture(1), "path": None}, None], IMAGE)
    table = pa.table(
        {
            "key": ["a", "b"],
            "caption": ["one", "two"],
            "keywords": pa.array([["x"], None], pa.list_(pa.string())),
            "image": images,
            "outcome": pa.array([None, "failed"], pa.string()),
        }
    )
    write_table(table, tmp_path / "some/part-00000.parquet")
    write_table(table.slice(1), tmp_path / "none/part-00000.parquet")
    found = load_heldout(tmp_path / "some", tiny_vlm)
    assert found.keys == ["a"]
    assert found.features.shape[0] == 1
    with pytest.raises(JobError, match=r"none holds no picture"):
        load_heldout(tmp_path / "none", tiny_vlm)
