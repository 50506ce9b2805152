"""The benchmark of generation runs wherever torch does, and compares like with like."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from benchmarks.generation import ALONE, LOOP, PLAIN, decode_loop, main, one_at_a_time, plain_batches
from benchmarks.workload import WORKLOADS, draw_limits
from pipeline.generation import decoding

TINY = ["--model", "tiny", "--tokens", "12", "--threads", "1"]


@pytest.fixture(autouse=True)
def _at_the_root(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It reads the profiles of the repository."""
    monkeypatch.chdir(root)


def test_every_way_stands_in_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    """One line each, rates and shares in it, and how much faster the loop is than the way above it."""
    assert main([*TINY, "--pictures", "5", "--alone", "2", "--runs", "2", "--in-flight", "1", "3"]) == 0
    head, empty, *table = capsys.readouterr().out.splitlines()
    assert head.startswith("tiny, bfloat16, cpu, 1 threads; 5 pictures, answers of 8 to 12 tokens; medians of 2 runs.")
    assert empty == ""
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table]
    assert [len(row) for row in rows] == [8] * 7
    sizes = [
        f"{way} {size}{rest}" for size in (1, 3) for way, rest in ((f"{PLAIN} of", ""), (f"{LOOP},", " in flight"))
    ]
    assert [row[0] for row in rows[2:]] == [ALONE, *sizes]
    for row in rows[2:]:
        assert int(row[1].replace(",", "")) > 0
        assert float(row[3]) > 0
        assert (row[4] != "") == row[0].startswith(LOOP)


def test_every_way_generates_the_same_answers() -> None:
    """As many tokens, since the limits are a picture's own: neither way is spared a pass or a row."""
    limits = draw_limits(6, 12)
    workload = WORKLOADS["tiny"](torch.device("cpu"), "float32", limits)
    wanted = sum(first + second for first, second in limits)
    rows = range(6)
    counts = [one_at_a_time(workload, rows), plain_batches(workload, 4, rows), decode_loop(workload, 4, rows)]
    assert counts == [wanted] * 3


def test_the_loop_is_verified(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Equal for every number of rows in flight; a loop that takes the second best is found out."""
    arguments = [*TINY, "--pictures", "4", "--verify"]
    assert main(arguments) == 0
    assert capsys.readouterr().out.count("8 of 8 passes equal") == 4
    monkeypatch.setattr(decoding, "choose", lambda logits, *_: logits.topk(2).indices[:, 1])
    assert main(arguments) == 1
    assert " of 8 passes equal" in (found := capsys.readouterr().out)
    assert "picture 0, pass 1, token 0: " in found
