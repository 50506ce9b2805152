"""A progress bar over rows: redrawn in place on a terminal, now and then a line in a log."""

from __future__ import annotations

import sys
from typing import TextIO

from tqdm import tqdm

LOG_INTERVAL = 10.0  # seconds between two lines where stderr is no terminal


class _Lines:
    """Turns tqdm's carriage returns into lines, for logs."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> None:
        line = text.strip()
        if line:
            self._stream.write(line + "\n")

    def flush(self) -> None:
        self._stream.flush()


def row_bar(stage: str, total: int | None, done: int) -> tqdm:
    """A bar on stderr over `total` rows (None: nobody knows), `done` of which an earlier run has finished."""
    if sys.stderr.isatty():
        return tqdm(desc=stage, total=total, initial=done, unit="row", mininterval=0.2, dynamic_ncols=True)
    return tqdm(
        desc=stage, total=total, initial=done, unit="row", mininterval=LOG_INTERVAL, ncols=100, file=_Lines(sys.stderr)
    )
