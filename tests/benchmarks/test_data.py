"""The benchmarks of sampling and download run anywhere, and both sides of each do the whole work."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import download, sampling


@pytest.fixture(autouse=True)
def _at_the_root(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They read the profiles of the repository."""
    monkeypatch.chdir(root)


def cells_of(out: str, first: str) -> list[str]:
    """The cells of the table's line that begins so."""
    (line,) = (line for line in out.splitlines() if line.startswith(f"| {first} |"))
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_both_ways_draw_from_the_same_table(capsys: pytest.CaptureFixture[str]) -> None:
    """Ours holds a small table whole; pandas draws as many as a sample may try."""
    assert sampling.main(["--rows", "20000"]) == 0
    out = capsys.readouterr().out
    drawn = {way: int(cells_of(out, way)[-1].replace(",", "")) for way in ("stages.corpus", "pandas")}
    assert drawn["pandas"] == 18_000
    assert 11_000 < drawn["stages.corpus"] < 20_000


def test_both_ways_fetch_every_picture(capsys: pytest.CaptureFixture[str]) -> None:
    """A way that lost one would end the run; the ratio is to the bare one."""
    assert download.main(["--pictures", "6", "--runs", "1", "--processes", "1", "--threads", "4"]) == 0
    out = capsys.readouterr().out
    assert cells_of(out, "bare img2dataset")[-1] == "1.00"
    assert float(cells_of(out, "download")[-1]) > 0
