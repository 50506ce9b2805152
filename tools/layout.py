"""Figures as people read them: aligned tables, shares in per cent, texts cut to a line."""

from __future__ import annotations

from collections.abc import Sequence


def aligned(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A table as wide as its cells: the first column and texts to the left, numbers and shares to the right."""
    cells = [list(header), *([str(cell) for cell in row] for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(header))]
    right = [
        column > 0 and all(not cell[:1].isalpha() for row in cells[1:] for cell in [row[column]])
        for column in range(len(header))
    ]
    lines = (
        "  ".join(
            cell.rjust(width) if flush else cell.ljust(width)
            for cell, width, flush in zip(row, widths, right, strict=True)
        )
        for row in cells
    )
    return "\n".join(line.rstrip() for line in lines)


def percent(hits: int, of: int) -> str:
    """A share, "-" of nothing."""
    return f"{hits / of:.1%}" if of else "-"


def shortened(text: str, most: int) -> str:
    """`text` on one line of at most `most` characters, the middle left out: faults stand at both ends."""
    line = " ".join(text.split())
    if len(line) <= most:
        return line
    half = (most - 5) // 2
    return f"{line[:half]} ... {line[-half:]}"


def number(value: float) -> str:
    """A number with all its digits, as a profile takes it."""
    return f"{value:.15g}"
