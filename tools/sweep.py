"""pairmill sweep [FILE]

What would other limits keep and remove? The limit of each rule is moved over the values that were measured, at most
seven on each side, while all other rules stay as they are. Without FILE the rows are those of the last run,
outputs/<profile>/verify: final texts, and for rows that `filter` rejected the repaired ones. FILE is a caption file as
`pairmill check` reads it, or a labelled one as `pairmill evaluate-rules` reads it, which adds precision and recall.

Writes sweep.csv (every limit, with rows that change sides there) and sweep.png, to outputs/<profile>/sweep or, for
FILE, outputs/sweep/<its name>; prints a line for each rule, or with --rule the table of one.
"""

from __future__ import annotations

import argparse
import difflib
from collections.abc import Sequence
from pathlib import Path

from filters import RULES
from pipeline.errors import UsageError
from pipeline.files import write_text
from pipeline.sweep import sweep
from tools.captions import STDIN, Row, add_source_flags, read_rows, source_of
from tools.command import asked_limits, limits_of, run_tool, tool_parser, with_bar
from tools.labels import is_labelled, read_labels
from tools.measured import Measured, measure_rows, measure_run
from tools.sweep_report import advice, save_figure, table_of, to_csv

PROFILE = "the run to look at (default: what params.yaml names); with FILE: the limits, else those tuned on captions"


def _measured(args: argparse.Namespace) -> tuple[Measured, list[bool] | None, Path]:
    """The rows that the command line names, which are faulty where they are labelled, and the folder to write."""
    shaped = args.field or args.id_field or args.format
    if args.file is None:
        if shaped:
            raise UsageError("--field, --id-field and --format speak of a FILE; name it")
        from pipeline.params import load_params

        outputs = Path("outputs", load_params(args.profile).profile)
        return measure_run(outputs / "verify", asked_limits(args.limit)), None, outputs / "sweep"
    limits = limits_of(args)
    out = Path("outputs", "sweep", "stdin" if args.file == STDIN else Path(args.file).stem)
    if not shaped and is_labelled(Path(args.file)):
        labels = read_labels(Path(args.file))
        rows = with_bar((Row(label.id, label.text) for label in labels), "sweep")
        return measure_rows(rows, limits), [label.faulty for label in labels], out
    return measure_rows(with_bar(read_rows(source_of(args)), "sweep"), limits), None, out


def _checked_rule(rule: str, measured: Measured) -> str:
    """`rule`, if it was measured. Raises UsageError that says what to do."""
    if rule in measured.measures:
        return rule
    if rule in {each.name for each in RULES}:
        raise UsageError(f"--rule {rule}: it is off and was not measured; give it a limit (--limit {rule}=VALUE)")
    near = difflib.get_close_matches(rule, list(measured.measures), n=1, cutoff=0.0)[0]
    raise UsageError(f"--rule {rule}: unknown rule; did you mean {near!r}?")


def _run(argv: Sequence[str] | None) -> int:
    parser = tool_parser("sweep", __doc__, PROFILE)
    parser.add_argument("file", metavar="FILE", nargs="?", help="a caption file, or - for standard input")
    add_source_flags(parser)
    parser.add_argument("--rule", metavar="NAME", help="print every limit of this rule, with texts that change sides")
    parser.add_argument("--out", metavar="DIR", type=Path, help="the folder for sweep.csv and sweep.png")
    args = parser.parse_args(argv)
    measured, faulty, out = _measured(args)
    if not measured.ids:
        raise UsageError(f"{args.file or 'the run'} holds no rows to sweep over")
    rule = args.rule and _checked_rule(args.rule, measured)
    steps = sweep(measured.measures, faulty)
    out = args.out or out
    write_text(to_csv(steps, measured), out / "sweep.csv")
    save_figure(steps, measured, out / "sweep.png")
    if rule:
        print(table_of(rule, steps[rule], measured))
    else:
        print("\n".join(line for name, its in steps.items() for line in advice(name, its, measured)))
    print(f"\nwrote {out / 'sweep.csv'} and {out / 'sweep.png'}; --rule NAME prints the texts for one rule")
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    """Sweep; returns the exit code."""
    return run_tool(_run, argv)


if __name__ == "__main__":
    raise SystemExit(main())
