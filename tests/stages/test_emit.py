"""`emit` accounts for every sampled key, and what it writes opens in the tools that people use."""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from io import BytesIO
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest
import yaml
from PIL import Image

from pipeline.instructions import instruction_of
from pipeline.ledger import check_balance
from pipeline.params import EmitParams
from pipeline.parquet import read_table, write_table
from pipeline.schema import CANDIDATE, FAILED, KEPT, REJECTED
from stages.emit import main
from tests.stages.emitted import (
    DOWNLOADED,
    JUDGED,
    Row,
    failed,
    kept,
    mixed,
    picture,
    rejected,
    table_of,
    unreadable,
    write_run,
    write_shards,
)

FILES = ("pairs.parquet", "rejected.parquet", "ledger.parquet", "metrics.json", "rules.csv", "funnel.png")


@pytest.fixture
def outputs(workplace: Path) -> Path:
    """The outputs of a run of `mixed`, ready for `emit`."""
    folder = workplace / "outputs/embedded"
    write_run(folder, mixed())
    return folder


def set_param(workplace: Path, section: str, key: str, value: object) -> None:
    """Change one param of the profile."""
    path = workplace / "profiles/embedded.yaml"
    profile = yaml.safe_load(path.read_text())
    profile[section][key] = value
    path.write_text(yaml.safe_dump(profile))


def test_every_key_goes_to_one_place(outputs: Path) -> None:
    """Pairs and rejects hold the sample between them, each in its order; the ledger has it whole."""
    assert main([]) == 0
    assert read_table(outputs / "pairs.parquet")["key"].to_pylist() == [f"{n:016x}" for n in (5, 2, 7)]
    assert read_table(outputs / "rejected.parquet")["key"].to_pylist() == [f"{n:016x}" for n in (1, 4, 6, 3)]
    ledger = read_table(outputs / "ledger.parquet")
    check_balance(read_table(outputs / "sample/curate.parquet")["key"].to_pylist(), ledger)
    assert Counter(ledger["outcome"].to_pylist()) == {KEPT: 3, REJECTED: 3, FAILED: 1}


def test_candidates_that_were_not_drawn_are_no_rows_and_unreadable_lines_are(outputs: Path) -> None:
    """The ledger holds whom download drew, then the lines of the source; only the former are in the figures."""
    write_run(outputs, mixed(), undrawn=[kept(8), kept(9)], bad=[unreadable("cc.tsv:17"), unreadable("cc.tsv:40")])
    assert main([]) == 0
    ledger = read_table(outputs / "ledger.parquet").to_pylist()
    assert [row["key"] for row in ledger[:7]] == [row["key"] for row in mixed()]
    assert [(row["url"], row["outcome"], row["stage"], row["rule"]) for row in ledger[7:]] == [
        ("cc.tsv:17", FAILED, "corpus", "missing_tab"),
        ("cc.tsv:40", FAILED, "corpus", "missing_tab"),
    ]
    metrics = json.loads((outputs / "metrics.json").read_text())
    assert (metrics["sampled"], metrics["failed"]) == (7, {"download": {"http_404": 1}})


def test_a_pair_says_where_it_comes_from(outputs: Path) -> None:
    """The five columns that training reads come first; every other column of the last stage follows."""
    assert main([]) == 0
    pairs = read_table(outputs / "pairs.parquet")
    assert pairs.column_names[:5] == ["key", "image", "description", "instruction", "caption"]
    gone = {"outcome", "stage", "rule", "reason", "value", "final_text"}
    assert set(pairs.column_names) == (set(JUDGED.names) - gone) | {"image", "description", "instruction"}
    first, source = pairs.to_pylist()[0], kept(5)
    assert first["description"] == source["final_text"]
    same = set(pairs.column_names) & source.keys()
    assert {name: first[name] for name in same} == {name: source[name] for name in same}


def test_a_reject_says_why_and_keeps_its_texts(outputs: Path) -> None:
    """Reason first, then the picture if there is one; the texts as each stage left them."""
    assert main([]) == 0
    table = read_table(outputs / "rejected.parquet")
    assert table.column_names[:7] == ["key", "outcome", "stage", "rule", "reason", "value", "image"]
    missing, looping, *_ = table.to_pylist()
    assert (missing["rule"], missing["image"], missing["raw_text"]) == ("http_404", None, None)
    assert (looping["rule"], looping["value"], looping["final_text"]) == ("phrase_loop", 0.75, kept(4)["final_text"])
    assert looping["image"]["bytes"] == picture(4)


def test_two_runs_write_the_same_bytes(outputs: Path) -> None:
    """Nothing of the clock or of chance is in the output."""
    assert main([]) == 0
    files = [*FILES, "cc_sbu_align/filter_cap.json"]
    before = {name: (outputs / name).read_bytes() for name in files}
    assert main([]) == 0
    assert {name: (outputs / name).read_bytes() for name in files} == before


@pytest.mark.parametrize("streaming", [False, True])
def test_datasets_decodes_the_pictures(outputs: Path, tmp_path: Path, streaming: bool) -> None:
    """`load_dataset("parquet", ...)` gives PIL pictures without a word about features."""
    from datasets import load_dataset

    assert main([]) == 0
    for name, column in (("pairs", "description"), ("rejected", "reason")):
        path = str(outputs / f"{name}.parquet")
        rows = load_dataset("parquet", data_files=path, split="train", streaming=streaming, cache_dir=str(tmp_path))
        *_, last = rows
        n = int(last["key"], 16)
        assert isinstance(last["image"], Image.Image)
        assert (last["image"].size, last["image"].mode) == ((24 + n, 16), "RGB")
        assert last[column]


def test_pandas_reads_the_pairs(outputs: Path) -> None:
    """The plainest reader there is gets texts and picture bytes."""
    assert main([]) == 0
    pairs = pd.read_parquet(outputs / "pairs.parquet")
    assert list(pairs["caption"]) == ["picture number 5", "picture number 2", "picture number 7"]
    assert Image.open(BytesIO(pairs["image"][1]["bytes"])).size == (26, 16)


def test_row_groups_follow_the_shards(outputs: Path) -> None:
    """A reader that streams holds one shard's pairs, not the set."""
    assert main([]) == 0
    file = pq.ParquetFile(outputs / "pairs.parquet")
    assert [file.metadata.row_group(i).num_rows for i in range(file.num_row_groups)] == [1, 1, 1]


def test_instructions_hang_on_the_key_alone() -> None:
    """Another seed draws anew; other rows change nothing; every instruction gets its share."""
    params = EmitParams(instructions=["a", "b", "c", "d"], seed=42, align_layout=False)
    keys = [f"{n:016x}" for n in range(4000)]
    drawn = [instruction_of(key, params) for key in keys]
    assert drawn[::-1] == [instruction_of(key, params) for key in keys[::-1]]
    assert set(drawn) == set(params.instructions)
    assert all(900 < n < 1100 for n in Counter(drawn).values())
    other = [instruction_of(key, params.model_copy(update={"seed": 43})) for key in keys]
    assert 800 < sum(a == b for a, b in zip(drawn, other, strict=True)) < 1200


def test_minigpt4_reads_its_own_layout(outputs: Path) -> None:
    """filter_cap.json as the original loader wants it, beside the stored bytes."""
    assert main([]) == 0
    annotations = json.loads((outputs / "cc_sbu_align/filter_cap.json").read_text())["annotations"]
    assert annotations == [{"image_id": f"{n:016x}", "caption": f"The image shows the number {n}."} for n in (5, 2, 7)]
    assert {path.name: path.read_bytes() for path in (outputs / "cc_sbu_align/image").iterdir()} == {
        f"{n:016x}.jpg": picture(n) for n in (5, 2, 7)
    }


def test_the_layout_is_left_out_on_demand(outputs: Path, workplace: Path) -> None:
    """Switched off, what an earlier run wrote goes; the folder stays, because DVC wants every output."""
    assert main([]) == 0
    set_param(workplace, "emit", "align_layout", False)
    assert main([]) == 0
    assert list((outputs / "cc_sbu_align").iterdir()) == []


def test_metrics_are_numbers_that_add_up(outputs: Path) -> None:
    """`dvc metrics show` gets the funnel, and what is gone by outcome, stage and rule."""
    assert main([]) == 0
    assert json.loads((outputs / "metrics.json").read_text()) == {
        "sampled": 7,
        "downloaded": 6,
        "described": 6,
        "kept": 3,
        "yield": 3 / 6,
        "rejected": {"filter": {"refrain": 1}, "verify": {"phrase_loop": 2}},
        "failed": {"download": {"http_404": 1}},
    }


def test_rules_are_tallied(outputs: Path) -> None:
    """A rule is the sole reason only where no other rule failed; one that never failed has its line too."""
    rows = [*mixed(), rejected(8, "verify", ["dangling_ending"])]
    write_run(outputs, rows)
    assert main([]) == 0
    header, *lines = list(csv.reader((outputs / "rules.csv").read_text().splitlines()))
    assert header == [
        "rule",
        *"fails_in_filter rejected_by_filter fails_in_verify rejected_by_verify sole_reason".split(),
    ]
    assert lines == [
        ["refrain", "1", "1", "0", "0", "0"],
        ["phrase_loop", "1", "0", "2", "2", "1"],
        ["dangling_ending", "0", "0", "2", "1", "1"],
    ]


UNBALANCED: list[tuple[str, list[Row], list[Row], str]] = [
    ("a sampled key is gone", mixed(), mixed()[1:], r"1 missing \(0{15}5\)"),
    ("a key was never sampled", mixed()[1:], mixed(), r"1 unknown \(0{15}5\)"),
    ("another order", mixed(), mixed()[::-1], r"not in the order of"),
    ("no reason", [kept(1), failed(2)], [kept(1), failed(2, reason="")], r"1 without a proper outcome \(0{15}2\)"),
]


@pytest.mark.parametrize(("sample", "rows", "fault"), [pytest.param(*c[1:], id=c[0]) for c in UNBALANCED])
def test_what_does_not_balance_is_not_written(
    workplace: Path, capsys: pytest.CaptureFixture[str], sample: list[Row], rows: list[Row], fault: str
) -> None:
    """One line that names the keys, exit code 1, and not a file."""
    outputs = workplace / "outputs/embedded"
    write_run(outputs, rows)
    write_table(table_of(sample, CANDIDATE), outputs / "sample/curate.parquet")
    assert main([]) == 1
    error = capsys.readouterr().err
    assert re.search(fault, error)
    assert error.count("\n") == 1
    assert sorted(path.name for path in outputs.iterdir()) == ["bad_rows.parquet", "download", "sample", "verify"]


def test_pictures_of_another_run_are_noticed(outputs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A text never gets the picture of another key, nor a shard the pictures of another shard."""
    write_shards(outputs / "download/curate", mixed()[::-1], DOWNLOADED)
    assert main([]) == 1
    assert "part-00000.parquet do not hold the same keys in the same order" in capsys.readouterr().err
    write_shards(outputs / "download/curate", [*mixed(), *mixed()], DOWNLOADED)
    assert main([]) == 1
    assert "holds 5 shards and outputs/embedded/verify 3" in capsys.readouterr().err


def test_nothing_kept_is_a_failure(outputs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One line names the rules that took most and where the texts are; an older set does not survive it."""
    assert main([]) == 0
    rows = [failed(1), *(rejected(n, "verify", ["refrain"]) for n in (2, 3)), rejected(4, "filter", ["phrase_loop"])]
    write_run(outputs, rows)
    (outputs / "verify/part-00002.parquet").unlink()
    (outputs / "download/curate/part-00002.parquet").unlink()
    capsys.readouterr()
    assert main([]) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "not one of 4 candidates was kept: refrain in verify 2, http_404 in download 1" in error
    assert "outputs/embedded/rejected.parquet" in error
    assert not (outputs / "pairs.parquet").exists()
    assert read_table(outputs / "rejected.parquet").num_rows == 4
