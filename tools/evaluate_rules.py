"""pairmill evaluate-rules [FILE ...]

Hold the rules against captions that people have read and labelled. FILE is JSON Lines of
{"id", "text", "verdict": "clean"|"faulty", "faults": [kinds], "repairable": true|false, "note"}; without one, the three
sets that come with pairmill: `tune` (rules and limits were chosen on it), `heldout` (they were not) and `embedded`
(what the embedded model writes). Shares come with Wilson's 95 % interval.

A rule's precision is the share of the rows it fails that are labelled faulty, for whatever fault; its recall is the
share of the rows with its own kinds of fault that it fails. At the end stand the rows on which rules and labels differ.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import filters
from pipeline.files import write_text
from pipeline.quality import Interval, Proportion
from tools.command import limits_of, run_tool, tool_parser
from tools.evaluation import Evaluation, Judged, evaluate_rules
from tools.labels import read_labels
from tools.layout import aligned, number, shortened

PACKAGED = tuple(
    Path(filters.__file__).parent / "labelled" / f"{name}.jsonl" for name in ("tune", "heldout", "embedded")
)


def describe(name: str, found: Evaluation, with_rows: bool) -> str:
    """The evaluation of one set as text."""
    rows = found.faulty
    total = f"{name}: {rows.recall.of} rows labelled faulty, {rows.precision.of} fail a rule"
    whole = aligned(
        ("faulty", "share", "95 % interval", "rows"),
        [
            ("precision", *_cells(rows.precision)),
            ("recall", *_cells(rows.recall)),
            ("F1", *_cells(rows.f1)),
            ("repairable rows clean after repair", *_cells(found.repaired)),
        ],
    )
    parts = [total, whole, _rule_table(found), _kind_table(found)]
    if with_rows:
        parts += [_wrong("false alarm", found.false_alarms), _wrong("miss", found.misses)]
    return "\n\n".join(part for part in parts if part)


def _rule_table(found: Evaluation) -> str:
    header = ("rule", "limit", "fails", "precision", "95 % interval", "kinds", "recall", "95 % interval", "by any rule")
    return aligned(
        header,
        [
            (
                each.rule,
                number(each.limit),
                each.precision.of,
                *_cells(each.precision)[:2],
                "+".join(each.kinds),
                *_cells(each.recall)[:2],
                _cells(each.recall_by_any)[0],
            )
            for each in found.rules
        ],
    )


def _kind_table(found: Evaluation) -> str:
    rows = [(each.kind, *_cells(each.recall)) for each in found.kinds if each.recall.of]
    return aligned(("kind", "found", "95 % interval", "rows"), rows) if rows else ""


def _cells(share: Interval) -> tuple[str, str, str]:
    """A share, its interval and its count, as cells."""
    count = f"{share.hits}/{share.of}" if isinstance(share, Proportion) else ""
    if share.value is None:
        return "-", "-", count
    return f"{share.value:.1%}", f"{share.low:.1%} to {share.high:.1%}", count


def _wrong(what: str, judged: Sequence[Judged]) -> str:
    """A line for each row that the rules get wrong: what they say of it, or what they should have said."""
    return "\n".join(
        f"{what} {each.row.id} ({', '.join(each.rules or each.row.faults)}): {shortened(each.row.text, 160)}"
        for each in judged
    )


def figures_of(found: Evaluation) -> dict[str, object]:
    """Every figure for a file: the rows that the rules get wrong by id, without their texts."""
    figures = asdict(found)
    for name, judged in (("false_alarms", found.false_alarms), ("misses", found.misses)):
        figures[name] = [{"id": each.row.id, "faults": each.row.faults, "rules": each.rules} for each in judged]
    return figures


def _run(argv: Sequence[str] | None) -> int:
    parser = tool_parser("evaluate-rules", __doc__)
    parser.add_argument("files", metavar="FILE", nargs="*", type=Path, help="labelled captions")
    parser.add_argument("--json", metavar="FILE", type=Path, help="also write all figures to this file")
    parser.add_argument(
        "--no-rows", action="store_true", help="do not print the rows that the rules get wrong: keep them unseen"
    )
    args = parser.parse_args(argv)
    limits = limits_of(args)
    named = {str(path): path for path in args.files} or {path.stem: path for path in PACKAGED}
    labelled = {name: read_labels(path) for name, path in named.items()}
    figures: dict[str, Mapping[str, object]] = {}
    for name, rows in labelled.items():
        found = evaluate_rules(rows, limits)
        print(describe(name, found, with_rows=not args.no_rows), end="\n\n")
        figures[name] = figures_of(found)
    if args.json:
        write_text(json.dumps(figures, indent=1) + "\n", args.json)
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    """Evaluate; returns the exit code."""
    return run_tool(_run, argv)


if __name__ == "__main__":
    raise SystemExit(main())
