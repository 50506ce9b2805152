"""What the processes of img2dataset say of each address as it ends: JSON lines, a file a process, read as it grows."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Ended:
    """An address that has been asked for."""

    url: str
    rule: str  # "" where a body came
    reason: str  # "" likewise
    bytes: int  # of a body that came in full, else 0
    seconds: float  # without the wait for the host's turn
    tries: int
    at: float  # when: seconds since the epoch


class Log:
    """The files `log-<pid>.jsonl` of a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read: dict[Path, int] = {}  # bytes of each file that are read

    def news(self) -> list[Ended]:
        """What has been written since the last call; a line that is not whole yet comes with a later one."""
        found = []
        for path in sorted(self._folder.glob("log-*.jsonl")):
            with path.open("rb") as file:
                file.seek(self._read.get(path, 0))
                whole = file.read().rpartition(b"\n")[0]
            if whole:
                self._read[path] = self._read.get(path, 0) + len(whole) + 1
                found += [Ended(**json.loads(line)) for line in whole.split(b"\n")]
        return found
