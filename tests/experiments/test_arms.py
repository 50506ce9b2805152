"""The sets that curation is held against."""

from __future__ import annotations

from pathlib import Path

import pytest

from experiments.arms import arms, curated, random_raw, raw, rules
from pipeline.errors import JobError
from pipeline.instructions import instruction_of
from pipeline.params import Params, load_params
from pipeline.training_set import TrainingSet
from stages import emit
from tests.stages.emitted import DOWNLOADED, JUDGED, Row, failed, kept, picture, rejected, write_run, write_shards

SOUND = "The image shows a red bus in a street. A man waits at a stop with a bag."
LOOPING = "A red bus stands in a street. A red bus stands in a street. A red bus stands in a street."


@pytest.fixture
def params(root: Path) -> Params:
    """The smoke profile with limits that look at sentences that are said again."""
    params = load_params("smoke", root)
    limits = params.verify.limits | {"sentence_duplication": 0.0, "too_short": 10}
    return params.model_copy(update={"verify": params.verify.model_copy(update={"limits": limits})})


@pytest.fixture
def outputs(workplace: Path) -> Path:
    """A run of six rows: two kept, one rejected by the last rules, one by the first, one for its picture, one without any."""
    folder = workplace / "outputs/embedded"
    rows: list[Row] = [
        kept(5, raw_text=LOOPING, repaired_text=SOUND),
        failed(1),
        rejected(4, "verify", ["phrase_loop"], raw_text=LOOPING, repaired_text=LOOPING),
        rejected(6, "filter", ["refrain"], raw_text=LOOPING, repaired_text=SOUND),
        rejected(3, "verify", ["grounding"], raw_text=SOUND, repaired_text=SOUND),
        kept(7, raw_text=SOUND, repaired_text=SOUND),
    ]
    write_run(folder, rows)
    # Each stage's table as it left it: what later stages reject is alive there.
    alive = dict.fromkeys(("outcome", "stage", "rule", "reason", "value"))
    later = {"describe": ("filter", "verify"), "filter": ("verify",)}
    for stage, rejecting in later.items():
        write_shards(folder / stage, [row | alive if row.get("stage") in rejecting else row for row in rows], JUDGED)
    assert emit.main([]) == 0
    return folder


def keys(found: TrainingSet) -> list[str]:
    """Whom the pairs are of."""
    return [pair.place.rpartition(" ")[2].lstrip("0") for pair in found.pairs]


def test_raw_is_every_description_as_it_came(params: Params, outputs: Path) -> None:
    """The rejected ones too, with their own pictures and the instruction of their keys; not what has no picture."""
    found = raw(params, outputs)
    assert keys(found) == ["5", "4", "6", "3", "7"]
    assert [pair.description for pair in found.pairs] == [LOOPING, LOOPING, LOOPING, SOUND, SOUND]
    assert [pair.picture for pair in found.pairs] == [picture(n) for n in (5, 4, 6, 3, 7)]
    assert [pair.instruction for pair in found.pairs] == [
        instruction_of(f"{n:016x}", params.emit) for n in (5, 4, 6, 3, 7)
    ]


def test_rules_alone_keep_what_every_rule_lets_pass_without_a_rewriter(params: Params, outputs: Path) -> None:
    """The repaired texts, judged by the limits of `verify`."""
    found = rules(params, outputs)
    assert keys(found) == ["5", "3", "7"]
    assert {pair.description for pair in found.pairs} == {SOUND}


def test_the_curated_set_is_the_run_s_own(params: Params, outputs: Path) -> None:
    """What `emit` wrote."""
    assert [pair.description for pair in curated(params, outputs).pairs] == [
        "The image shows the number 5.",
        "The image shows the number 7.",
    ]


def test_the_random_set_is_raw_and_as_large_as_the_curated_one(params: Params, outputs: Path) -> None:
    """Another seed of the sample draws others; the same one draws the same."""
    everything, _, chosen, found = arms(params, outputs)
    assert len(found.pairs) == len(chosen.pairs) == 2
    assert set(keys(found)) < set(keys(everything))
    again = [keys(random_raw(everything, 2, seed)) for seed in range(8)]
    assert keys(found) == keys(random_raw(everything, 2, params.sample.seed))
    assert len({tuple(each) for each in again}) > 1


def test_the_four_sets_are_told_by_name(params: Params, outputs: Path) -> None:
    """In the order of the table."""
    assert [each.name for each in arms(params, outputs)] == ["raw", "rules", "curated", "random raw"]


def test_a_curated_set_of_another_run_is_one_line(params: Params, outputs: Path) -> None:
    """It cannot hold more than was described."""
    with pytest.raises(JobError, match=r"holds 9 pairs, the stage describe 5"):
        random_raw(raw(params, outputs), 9, 0)


def test_rows_of_another_run_are_no_set(params: Params, outputs: Path) -> None:
    """Pictures and texts are matched by key; one line names the files that do not fit."""
    write_shards(outputs / "download/curate", [kept(n) for n in (1, 2, 3, 4, 6, 7)], DOWNLOADED)
    with pytest.raises(JobError, match=r"do not hold the same keys in the same order"):
        raw(params, outputs)


def test_a_set_without_rows_is_one_line(params: Params, outputs: Path) -> None:
    """It names the stage's folder."""
    write_shards(outputs / "describe", [failed(1)], JUDGED)
    for shard in sorted((outputs / "download/curate").iterdir())[1:] + sorted((outputs / "describe").iterdir())[1:]:
        shard.unlink()
    write_shards(outputs / "download/curate", [failed(1)], DOWNLOADED)
    with pytest.raises(JobError, match=r"not one row of .*describe is left for the set 'raw'"):
        raw(params, outputs)
