"""Does curation pay? Runs on tiny models, what a second one finds done, and the table."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from experiments.curation import table_of
from experiments.runs import answers_identity, ask, measured, run_of, trained
from pipeline.answering import Heldout, load_heldout
from pipeline.checkpoint import TRAINED_FILE
from pipeline.params import Params
from pipeline.training_set import Pair, TrainingSet
from pipeline.vlm import VisionLanguageModel
from tests.stages.emitted import DOWNLOADED, kept, picture, write_shards


@pytest.fixture
def params(stage1_params: Params) -> Params:
    """The smoke profile, with a stage 1 to start from."""
    return stage1_params


@pytest.fixture
def heldout(tiny_vlm: VisionLanguageModel, tmp_path: Path) -> Heldout:
    """Three held-out pictures."""
    write_shards(tmp_path / "evaluate", [kept(n) for n in (11, 12, 13)], DOWNLOADED)
    return load_heldout(tmp_path / "evaluate", tiny_vlm)


def pairs(text: str) -> TrainingSet:
    """Two pairs that say so."""
    rows = [Pair(f"test: {n}", picture(n), "Describe this image in detail.", text) for n in (1, 2)]
    return TrainingSet("test", rows, 100_000)


def test_a_finished_run_is_read_and_not_trained_again(params: Params, heldout: Heldout, tmp_path: Path) -> None:
    """With the same set, seeds and params; another set, another seed or other params are runs of their own."""
    first = trained(params, pairs("A red bus."), heldout, tmp_path / "work", [0, 1])
    done = {path: path.stat().st_mtime_ns for path in (tmp_path / "work/runs").iterdir()}
    assert len(done) == 2
    assert not (tmp_path / "work/checkpoints").exists()
    again = trained(params, pairs("A red bus."), heldout, tmp_path / "work", [0, 1])
    assert again == first
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "work/runs").iterdir()} == done
    trained(params, pairs("A dog."), heldout, tmp_path / "work", [0])
    trained(params, pairs("A red bus."), heldout, tmp_path / "work", [2])
    assert len(list((tmp_path / "work/runs").iterdir())) == 4


@pytest.mark.parametrize(
    "changes",
    [
        {"evaluate": {"prompts": {"poem": "A poem!", "detail": "What?"}}},
        {"evaluate": {"max_new_tokens": 3}},
        {"describe": {"prompt": "And?"}},
        {"train": {"seed": 7}},
        {"train": {"lr": 0.5}},
    ],
    ids=lambda changes: next(iter(next(iter(changes.values())))),
)
def test_what_decides_an_answer_is_in_its_identity(
    params: Params, heldout: Heldout, changes: dict[str, dict[str, object]]
) -> None:
    """Other answers must not pass for these."""
    other = params.model_copy(
        update={name: getattr(params, name).model_copy(update=change) for name, change in changes.items()}
    )
    assert answers_identity(other, pairs("A."), heldout) != answers_identity(params, pairs("A."), heldout)


def test_another_stage_1_is_another_run(params: Params, heldout: Heldout, tmp_path: Path) -> None:
    """Its tensors count, not its folder."""
    folder = tmp_path / "checkpoint"
    shutil.copytree(params.model.checkpoint, folder)
    moved = params.model_copy(update={"model": params.model.model_copy(update={"checkpoint": folder})})
    before = answers_identity(moved, pairs("A."), heldout)
    tensors = load_file(folder / TRAINED_FILE)
    save_file({name: value + 1 for name, value in tensors.items()}, folder / TRAINED_FILE)
    assert answers_identity(moved, pairs("A."), heldout) != before


def test_figures_are_over_seeds_of_training(
    tiny_vlm: VisionLanguageModel, params: Params, heldout: Heldout, tmp_path: Path
) -> None:
    """Each seed is one column of answers; the failure rate is their mean, and stands for each by itself too."""
    run = trained(params, pairs("A red bus."), heldout, tmp_path / "work", [0, 1])
    assert [len(each) for each in run.answers] == [2, 2, 2]
    stage1 = run_of([ask(tiny_vlm, heldout, params, "stage 1")] * 2, params, [0, 1], None)
    figures = measured(run, stage1, heldout, frozenset(), params)
    by_seed = figures["by_seed"]
    assert isinstance(by_seed, list)
    assert figures["failure_rate"] == pytest.approx(sum(by_seed) / 2)
    assert figures["pairs"] == 2
    assert [each[0] for each in stage1.answers] == [each[1] for each in stage1.answers]
    assert not torch.equal(torch.tensor(stage1.said[0].margins), torch.tensor(run.said[0].margins))


def test_the_table_reads_as_markdown() -> None:
    """A row for each set; the change stands beside the sets that are not the curated one."""
    rate = {"failure_rate": 0.25, "failure_rate_low": 0.2, "failure_rate_high": 0.3, "by_seed": [0.2, 0.25, 0.3]}
    words = {"rep_4": 0.0171, "mean_words": 28.2, "recall": None, "recall_low": None, "recall_high": None}
    margin = {"margin": 0.438, "margin_low": 0.4, "margin_high": 0.5}
    less = {"difference": -0.5, "difference_low": -0.6, "difference_high": -0.4, "p": 0.00012}
    found = {"pairs": 183, **rate, **words, **margin, "curated_less_this": less}
    figures = {"stage 1": found | {"pairs": None}, "raw": found, "curated": found}
    change, rest = "-50.0 points (-60.0 to -40.0)", "0.017 | 28 | - | 0.438 (0.400 to 0.500) |"
    assert table_of(figures, 200, 3).splitlines()[4:] == [
        f"| stage 1 |  | 25.0% (20.0% to 30.0%) |  | {change} | {rest}",
        f"| raw | 183 | 25.0% (20.0% to 30.0%) | 20%, 25%, 30% | {change} | {rest}",
        f"| curated | 183 | 25.0% (20.0% to 30.0%) | 20%, 25%, 30% |  | {rest}",
    ]
