"""The benchmark of the filters runs anywhere, on the captions that it says it runs on."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from statistics import fmean

import pyarrow.parquet as pq
import pytest

from benchmarks import filter_memory, filters, peer_worker
from benchmarks.captions import write_captions
from benchmarks.peers import PEERS
from filters import RULES, default_limits, judge_all


def table_of(out: str, first: str) -> dict[str, list[str]]:
    """The rows of the Markdown table whose head begins so, by their first cell."""
    lines = out.splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith(f"| {first} |")) + 2
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[start:] if line.startswith("|")]
    return {row[0]: row[1:] for row in rows}


def test_every_rule_has_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    """All rules together, what they share, each, and the repairs: a rate and a cost that belong together."""
    assert filters.main(["--texts", "20", "--rounds", "1", "--no-peers"]) == 0
    rows = table_of(capsys.readouterr().out, "what")
    assert rows.keys() == {filters.ALL, filters.SPLITTING, filters.REPAIR, *(rule.name for rule in RULES)}
    for rate, cost in rows.values():
        assert float(rate.replace(",", "")) * float(cost.replace(",", "")) == pytest.approx(1e6, rel=0.3)


def test_captions_are_what_is_said_of_them() -> None:
    """About 100 words each, all different, the same every time; most are clean and every fourth at most is faulty."""
    captions = write_captions(400)
    assert captions == write_captions(400)
    assert len(set(captions)) == 400
    assert 90 < fmean(len(caption.split()) for caption in captions) < 110
    limits = {**default_limits(), "language": None}
    faulty = [number for number, text in enumerate(captions) if any(v.failed for v in judge_all(text, limits))]
    wrong = [number for number in faulty if number % 4 != 3]
    assert len(faulty) - len(wrong) > 90
    assert len(wrong) <= 20, [captions[number] for number in wrong]


def test_peers_stand_beside_rules() -> None:
    """What the worker can run is what the tables name, and all of the rules that they name exist."""
    assert [peer.name for peer in PEERS] == [*peer_worker.PEERS]
    for peer in PEERS:
        known = {rule.name for rule in RULES}
        assert all(names and known.issuperset(names) for names in peer.nearest.values())


def test_the_worker_needs_nothing_of_ours(tmp_path: Path) -> None:
    """It starts in a folder and an interpreter that do not know pairmill, and misses its own project alone."""
    texts = tmp_path / "texts.json"
    texts.write_text(json.dumps(["A cat."]), encoding="utf-8")
    command = [sys.executable, "-I", peer_worker.__file__, "datatrove", str(texts)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, input="")
    assert done.returncode == 1
    assert "No module named 'datatrove'" in done.stderr


def test_memory_is_of_the_whole_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every row of every shard is filtered, in a process whose peak is its own."""
    filter_memory.write_shards(tmp_path / "describe", 1_020)
    assert [pq.read_metadata(path).num_rows for path in sorted((tmp_path / "describe").iterdir())] == [1_000, 20]
    filter_memory.compare([20, 60])
    (first, second) = table_of(capsys.readouterr().out, "rows").items()
    assert (first[0], second[0]) == ("20", "60")
    assert first[1][-1] == "1.00"
    assert 50 < float(second[1][1].removesuffix(" MB")) < 2_000
