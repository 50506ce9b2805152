"""Tables of figures with their intervals, as Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def markdown(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table, every line ended."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def with_interval(found: Mapping[str, Any], name: str, form: str) -> str:
    """`name` with `name`_low and `name`_high behind it, or "-" where it could not be measured."""
    figures = [found[f"{name}{end}"] for end in ("", "_low", "_high")]
    if None in figures:
        return "-"
    value, low, high = (form.format(figure) for figure in figures)
    return f"{value} ({low} to {high})"


def by_training(found: Mapping[str, Any]) -> str:
    """The failure rate after each training by itself."""
    return ", ".join(f"{rate:.0%}" for rate in found["by_seed"])
