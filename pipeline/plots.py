"""The figures, as PNG files that are the same bytes every time."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pipeline.files import atomic
from pipeline.ledger import Funnel

INK, MUTED, GOOD, BAD = "#1c2733", "#d5dde3", "#23748f", "#b3532b"  # as in templates/gallery.css
DPI = 160


@dataclass(frozen=True)
class Rate:
    """A share between 0 and 1 with its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Panel:
    """Limits of one rule, from the lowest, and the rows that are kept at each."""

    rule: str
    limits: Sequence[str]
    kept: Sequence[int]
    present: int | None  # the place of the present limit among `limits`; None: the rule is off


def plot_funnel(found: Funnel, path: Path) -> None:
    """Bars of the rows that are left after each stage, with what each stage took out."""
    left = {"drawn": found.sampled, **{stage: rows for stage, rows in found.left_after.items() if stage != "emit"}}
    lost = [before - after for before, after in zip([found.sampled, *left.values()], left.values(), strict=False)]
    figure = Figure(figsize=(7.5, 0.42 * len(left) + 0.9), layout="constrained")
    axes = figure.subplots()
    axes.barh(list(left), [found.sampled] * len(left), color=MUTED, height=0.62)
    axes.barh(list(left), list(left.values()), color=GOOD, height=0.62)
    for row, (rows, gone) in enumerate(zip(left.values(), lost, strict=True)):
        label = f"{rows:,}" + (f"  (-{gone:,})" if gone else "")
        axes.text(found.sampled * 1.015, row, label, va="center", color=INK, fontsize=9)
    axes.set_xlim(0, max(1.0, found.sampled * 1.2))
    axes.invert_yaxis()
    axes.set_xticks([])
    title = f"{found.kept:,} of {found.pictures:,} pictures became pairs"
    _dress(axes, title)
    _save(figure, path)


def plot_before_after(rates: Sequence[tuple[str, Rate, Rate]], pictures: int, path: Path) -> None:
    """Failure rates before and after for each prompt, with 95 % intervals, on `pictures` held-out pictures."""
    named = [
        (f"{name}, {model}", rate)
        for name, *both in rates
        for model, rate in zip(("stage 1", "fine-tuned"), both, strict=True)
    ]
    figure = Figure(figsize=(7.5, 0.6 * len(named) + 1.1), layout="constrained")
    axes = figure.subplots()
    names, values = [name for name, _ in named], [rate.value for _, rate in named]
    margins = [[r.value - r.low for _, r in named], [r.high - r.value for _, r in named]]
    axes.barh(names, values, xerr=margins, color=[BAD, GOOD] * len(rates), height=0.55, ecolor=INK, capsize=4)
    for row, (_, rate) in enumerate(named):
        label = f"{rate.value:.1%}  ({rate.low:.1%} to {rate.high:.1%})"
        axes.text(1.02, row, label, va="center", color=INK, fontsize=9)
    axes.set_xlim(0, 1.38)
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1.0], ["0 %", "25 %", "50 %", "75 %", "100 %"])
    axes.invert_yaxis()
    _dress(axes, f"Answers that fail a rule, on {pictures:,} held-out pictures (95 % interval)")
    _save(figure, path)


def plot_rates(panels: Mapping[str, Sequence[tuple[str, Rate]]], path: Path) -> None:
    """Title -> named rates with their 95 % intervals, side by side; the names are those of the first panel."""
    rows = len(next(iter(panels.values())))
    figure = Figure(figsize=(5.2 * len(panels), 0.6 * rows + 1.0), layout="constrained")
    grid = figure.subplots(1, len(panels), sharey=True, squeeze=False)
    for axes, (title, rates), color in zip(grid.flat, panels.items(), cycle((GOOD, BAD)), strict=False):
        found = [rate for _, rate in rates]
        margins = [[rate.value - rate.low for rate in found], [rate.high - rate.value for rate in found]]
        values = [rate.value for rate in found]
        axes.barh([name for name, _ in rates], values, xerr=margins, color=color, height=0.55, ecolor=INK, capsize=4)
        for row, rate in enumerate(found):
            axes.text(1.02, row, f"{rate.value:.1%}", va="center", color=INK, fontsize=9)
        axes.set_xlim(0, 1.18)
        axes.set_xticks([0, 0.5, 1.0], ["0 %", "50 %", "100 %"])
        _dress(axes, title)
    grid.flat[0].invert_yaxis()  # shared by all
    _save(figure, path)


def plot_loss(curve: Sequence[tuple[int, float]], path: Path, heldout: Sequence[tuple[int, float]] = ()) -> None:
    """Training loss by step, and the loss on held-out pairs where there is one."""
    figure = Figure(figsize=(7.5, 3.2), layout="constrained")
    axes = figure.subplots()
    axes.plot([step for step, _ in curve], [loss for _, loss in curve], color=GOOD, linewidth=1.8)
    if heldout:
        axes.lines[0].set_label("training")
        axes.plot([step for step, _ in heldout], [loss for _, loss in heldout], color=BAD, marker="o", label="held out")
        axes.legend(frameon=False, fontsize=9)
    axes.set_xlabel("step", color=INK, fontsize=9)
    axes.grid(axis="y", color=MUTED, linewidth=0.6)
    _dress(axes, "Loss per token of the answers")
    _save(figure, path)


def plot_sweep(panels: Sequence[Panel], title: str, path: Path) -> None:
    """Small multiples of the rows that are kept at each limit of a rule, the present limit marked."""
    columns = 4
    lines = max(1, math.ceil(len(panels) / columns))
    figure = Figure(figsize=(3.0 * columns, 2.1 * lines + 0.5), layout="constrained")
    figure.suptitle(title, x=0.01, ha="left", color=INK, fontsize=11)
    grid = figure.subplots(lines, columns, sharey=True, squeeze=False)
    for axes in grid.flat[len(panels) :]:
        axes.set_visible(False)
    for axes, panel in zip(grid.flat, panels, strict=False):
        places = range(len(panel.limits))
        if panel.present is not None:
            axes.axvline(panel.present, color=BAD, linewidth=1.2)
        axes.plot(places, panel.kept, color=GOOD, marker="o", markersize=3, linewidth=1.4)
        axes.set_xticks(places, panel.limits, rotation=90)
        axes.grid(axis="y", color=MUTED, linewidth=0.6)
        _dress(axes, panel.rule)
        axes.tick_params(labelsize=7)
    _save(figure, path)


def _dress(axes: Axes, title: str) -> None:
    axes.set_title(title, loc="left", color=INK, fontsize=11)
    axes.tick_params(length=0, colors=INK, labelsize=9)
    axes.spines[:].set_visible(False)


def _save(figure: Figure, path: Path) -> None:
    with atomic(path) as temporary:
        # Software: without it matplotlib writes its version beside the pixels.
        figure.savefig(
            temporary, format="png", dpi=DPI, metadata={"Software": None}, bbox_inches="tight", pad_inches=0.15
        )
