"""pairmill check FILE

Hold every description of a file against the rules, as the stage `filter` does. FILE is .txt (one description a
line), .jsonl, .csv, .tsv or .parquet, or - for standard input. One JSON object a row, in the order of the file:

  {"id": 7, "verdict": "faulty", "faults": [{"rule": ..., "value": ..., "threshold": ..., "reason": ...}],
   "repaired": "the text after all repairs, which add no word"}

Exit codes: 0 every row is clean (an empty file too); 1 some are faulty; 2 the request or a row makes no sense. A row
without a text is no row: it ends the run with one line that names it, and what stands before it has been judged.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from filters import RULES, judge_all, repair
from pipeline.errors import UsageError
from pipeline.schema import Verdict
from tools.captions import Row, add_source_flags, read_rows, source_of
from tools.command import limits_of, run_tool, tool_parser, with_bar
from tools.layout import aligned, percent

SOME_FAULTY = 1  # exit code
CLEAN, FAULTY = "clean", "faulty"


def check_row(row: Row, limits: Mapping[str, float | None]) -> dict[str, object]:
    """What `pairmill check` prints of a row."""
    faults = _faults(row.text, limits)
    return {
        "id": row.id,
        "verdict": FAULTY if faults else CLEAN,
        "faults": [{"rule": v.rule, "value": v.value, "threshold": v.limit, "reason": v.reason} for v in faults],
        "repaired": repair(row.text)[0],
    }


def _faults(text: str, limits: Mapping[str, float | None]) -> list[Verdict]:
    return [verdict for verdict in judge_all(text, limits) if verdict.failed]


def print_rows(rows: Iterable[Row], limits: Mapping[str, float | None]) -> int:
    """Print one JSON object a row; returns the exit code."""
    answer = 0
    for row in rows:
        checked = check_row(row, limits)
        print(json.dumps(checked, ensure_ascii=False))
        if checked["verdict"] == FAULTY:
            answer = SOME_FAULTY
    return answer


def print_summary(rows: Iterable[Row], limits: Mapping[str, float | None]) -> int:
    """Print what `summarise` says of the rows; of those before it, if one of them is broken."""
    counts = Counter[str]()
    try:
        for row in rows:
            counts += _count(row, limits)
    finally:
        print(summary_of(counts))
    return SOME_FAULTY if counts[FAULTY] else 0


def _count(row: Row, limits: Mapping[str, float | None]) -> Counter[str]:
    faults = _faults(row.text, limits)
    counts = Counter({"rows": 1, FAULTY if faults else CLEAN: 1})
    counts.update(f"rule {fault.rule}" for fault in faults)
    if faults and not _faults(repair(row.text)[0], limits):
        counts["mended"] = 1
    return counts


def summary_of(counts: Mapping[str, int]) -> str:
    """The counts as two tables: rows by verdict, and rows that each rule fails (in the order in which rules run)."""
    rows, faulty = counts["rows"], counts[FAULTY]
    verdicts = [
        ("checked", rows, ""),
        (CLEAN, counts[CLEAN], percent(counts[CLEAN], rows)),
        (FAULTY, faulty, percent(faulty, rows)),
        ("  of those clean after repair", counts["mended"], percent(counts["mended"], faulty)),
    ]
    fails = [(rule.name, counts[f"rule {rule.name}"]) for rule in RULES]
    table = aligned(("", "rows", "share"), verdicts)
    if faulty:
        table += "\n\n" + aligned(("rule", "rows", "share"), [(rule, n, percent(n, rows)) for rule, n in fails if n])
    return table


def _run(argv: Sequence[str] | None) -> int:
    parser = tool_parser("check", __doc__)
    parser.add_argument("file", metavar="FILE", help="a caption file, or - for standard input")
    add_source_flags(parser)
    parser.add_argument("--summary", action="store_true", help="print a table in place of the rows")
    args = parser.parse_args(argv)
    limits = limits_of(args)
    # JSON is UTF-8 whatever the locale; and who reads along gets each row when it is judged.
    sys.stdout.reconfigure(encoding="utf-8", line_buffering=True)  # type: ignore[union-attr]
    # Rows on a terminal are their own progress.
    rows = with_bar(read_rows(source_of(args)), "check", hidden=sys.stdout.isatty() and not args.summary)
    return (print_summary if args.summary else print_rows)(rows, limits)


def main(argv: Sequence[str] | None = None) -> int:
    """Check; returns the exit code."""
    return run_tool(_run, argv, failure=UsageError.exit_code)


if __name__ == "__main__":
    raise SystemExit(main())
