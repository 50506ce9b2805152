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


class Progress:
    """What a transform sees of its bar: called with a number of rows, it advances; a note stands behind the counts."""

    def __init__(self, bar: tqdm) -> None:
        self._bar = bar

    def __call__(self, rows: int) -> None:
        """Advance."""
        self._bar.update(rows)

    def note(self, text: str) -> None:
        """Show `text` from the next redrawing on."""
        self._bar.set_postfix_str(text, refresh=False)


def row_bar(stage: str, total: int | None, done: int) -> tqdm:
    """A bar on stderr over `total` rows (None: nobody knows), `done` of which an earlier run has finished."""
    if sys.stderr.isatty():
        return tqdm(desc=stage, total=total, initial=done, unit="row", mininterval=0.2, dynamic_ncols=True)
    return tqdm(
        desc=stage, total=total, initial=done, unit="row", mininterval=LOG_INTERVAL, ncols=100, file=_Lines(sys.stderr)
    )
