"""A sweep for people: a CSV of every step, a figure, a table of one rule, and a line of help for each."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

from pipeline.plots import Panel, plot_sweep
from pipeline.quality import Interval
from pipeline.sweep import EXAMPLES, Step
from tools.layout import aligned, number, shortened
from tools.measured import Measured

_COLUMNS = (
    *("rule", "fails", "limit", "present", "rows_failed", "rows_removed", "rows_kept", "change"),
    *("precision", "recall"),
    *(f"example_{number}_{what}" for number in range(1, EXAMPLES + 1) for what in ("id", "text")),
)


def to_csv(steps: Mapping[str, Sequence[Step]], rows: Measured) -> str:
    """One line for each limit of each rule; an empty limit is a rule that is off, an empty precision unlabelled rows.

    `rows_failed` counts what the rule fails, `rows_removed` what any rule fails, `change` what that is more (or less)
    than at the present limit; the examples change sides between this limit and the one nearer to the present one.
    """
    text = io.StringIO()
    writer = csv.DictWriter(text, _COLUMNS, lineterminator="\n")
    writer.writeheader()
    for rule, its in steps.items():
        writer.writerows(_line(rule, step, rows) for step in its)
    return text.getvalue()


def _line(rule: str, step: Step, rows: Measured) -> dict[str, object]:
    line: dict[str, object] = {
        "rule": rule,
        "fails": rows.measures[rule].fails,
        "limit": step.limit,
        "present": int(step.present),
        "rows_failed": step.fails,
        "rows_removed": step.removed,
        "rows_kept": len(rows.ids) - step.removed,
        "change": step.change,
    }
    if step.quality:
        line |= {"precision": step.quality.precision.value, "recall": step.quality.recall.value}
    for place, row in enumerate(step.examples, 1):
        line |= {f"example_{place}_id": rows.ids[row], f"example_{place}_text": rows.texts[row]}
    return line


def save_figure(steps: Mapping[str, Sequence[Step]], rows: Measured, path: Path) -> None:
    """A panel for each rule of which some limit changes how many rows are kept."""
    total = len(rows.ids)
    panels = []
    for rule, all_steps in steps.items():
        if any(step.change for step in all_steps):
            its = [step for step in all_steps if step.limit is not None]
            present = next((place for place, step in enumerate(its) if step.present), None)
            panels.append(Panel(rule, [_limit(step) for step in its], [total - step.removed for step in its], present))
    plot_sweep(panels, f"Rows kept of {total:,} at other limits of one rule (line: the present limit)", path)


def table_of(rule: str, steps: Sequence[Step], rows: Measured) -> str:
    """Every step of a rule, and under the table the examples that change sides at each."""
    labelled = any(step.quality for step in steps)
    header = ("limit", "", "rule fails", "removed", "change", *(("precision", "recall") if labelled else ()))
    lines = []
    for step in steps:
        shares = (_percent(step.quality.precision), _percent(step.quality.recall)) if step.quality else ()
        lines.append(
            (_limit(step), "now" if step.present else "", step.fails, step.removed, f"{step.change:+d}", *shares)
        )
    examples = [
        f"{'removed' if step.change > 0 else 'kept'} at {_limit(step)}: {_row(row, rows)}"
        for step in steps
        for row in step.examples
    ]
    return "\n".join([f"{rule} fails what is {rows.measures[rule].fails} its limit", aligned(header, lines), *examples])


def advice(rule: str, steps: Sequence[Step], rows: Measured) -> list[str]:
    """A line for the nearest limit on each side that changes anything, or one line that says there is none."""
    present = next(place for place, step in enumerate(steps) if step.present)
    now = steps[present]
    lower = next((step for step in reversed(steps[:present]) if step.change), None)
    higher = next((step for step in steps[present + 1 :] if step.change), None)
    lines = [_advice(rule, now, step, rows) for step in (lower, higher) if step]
    return lines or [f"{rule}: fails {now.fails} at {_limit(now)}, and no limit near that changes which rows are kept"]


def _advice(rule: str, now: Step, step: Step, rows: Measured) -> str:
    what = f"remove {step.change} more" if step.change > 0 else f"keep {-step.change} more"
    row = "row" if abs(step.change) == 1 else "rows"
    line = f"{rule}: from {_limit(now)} to {_limit(step)} would {what} {row}"
    if now.quality and step.quality:
        precision = f"precision {_percent(now.quality.precision)} to {_percent(step.quality.precision)}"
        line += f" ({precision}, recall {_percent(now.quality.recall)} to {_percent(step.quality.recall)})"
    if step.examples:
        line += f"; read {', '.join(str(rows.ids[row]) for row in step.examples)}"
    return line


def _row(row: int, rows: Measured) -> str:
    return f"{rows.ids[row]}: {shortened(rows.texts[row], 160)}"


def _limit(step: Step) -> str:
    return "off" if step.limit is None else number(step.limit)


def _percent(share: Interval) -> str:
    return "-" if share.value is None else f"{share.value:.1%}"
