"""The log of the fetching processes, read while they write it."""

from __future__ import annotations

import json
from pathlib import Path

from pipeline.fetch.log import Ended, Log


def line(url: str) -> bytes:
    """What a process writes of one address."""
    fields = {"url": url, "rule": "", "reason": "", "bytes": 3, "seconds": 0.5, "tries": 1, "at": 2.0}
    return json.dumps(fields).encode() + b"\n"


def test_news_come_once_from_every_process_and_only_as_whole_lines(tmp_path: Path) -> None:
    """A line that is being written is left for the next look."""
    log = Log(tmp_path)
    assert log.news() == []
    (tmp_path / "log-1.jsonl").write_bytes(line("a") + line("b")[:20])
    (tmp_path / "log-2.jsonl").write_bytes(line("c"))
    assert [ended.url for ended in log.news()] == ["a", "c"]
    assert log.news() == []
    (tmp_path / "log-1.jsonl").write_bytes(line("a") + line("b") + line("d"))
    assert log.news() == [Ended("b", "", "", 3, 0.5, 1, 2.0), Ended("d", "", "", 3, 0.5, 1, 2.0)]
    assert log.news() == []
