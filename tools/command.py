"""What the tools' command lines do alike: their limits, and how they end."""

from __future__ import annotations

import argparse
import math
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence

from tqdm import tqdm

from filters import check_limits, default_limits
from pipeline.command import Parser, run_command
from pipeline.errors import JobError, UsageError
from tools.captions import Row

CLOSED_PIPE = 141  # 128 + SIGPIPE: what a shell sees of any command whose reader has gone


LIMITS_OF_PROFILE = "take the limits of this profile (run in a checkout)"


def tool_parser(command: str, description: str | None, profile: str = LIMITS_OF_PROFILE) -> Parser:
    """A parser of `pairmill COMMAND` with `--profile` (and what it does) and `--limit`.

    `description` is the module's docstring. Wrong flags raise UsageError.
    """
    formatter = argparse.RawDescriptionHelpFormatter
    parser = Parser(prog=f"pairmill {command}", description=description, formatter_class=formatter)
    parser.add_argument("--profile", metavar="NAME", help=profile)
    parser.add_argument(
        "--limit",
        metavar="RULE=VALUE",
        action="append",
        default=[],
        help="another limit for one rule, or RULE=off; may be given again",
    )
    return parser


def limits_of(args: argparse.Namespace) -> dict[str, float | None]:
    """The limits that `--profile` (its section filter) and `--limit` ask for; without them those tuned on captions.

    Raises UsageError that names the wrong rule, with the nearest right one, or the value.
    """
    limits = default_limits()
    if args.profile is not None:
        from pipeline.params import load_params

        limits = dict(load_params(args.profile).filter.limits)
    limits |= asked_limits(args.limit)
    check_limits(limits)
    return limits


def asked_limits(wishes: Sequence[str]) -> dict[str, float | None]:
    """RULE=VALUE and RULE=off as limits, of whatever rules. Raises UsageError for anything else."""
    limits: dict[str, float | None] = {}
    for wish in wishes:
        rule, equals, value = wish.partition("=")
        if not (rule and equals):
            raise UsageError(f"--limit {wish}: write RULE=VALUE or RULE=off")
        limits[rule] = None if value == "off" else _number(value, wish)
    return limits


def _number(value: str, wish: str) -> float:
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise UsageError(f"--limit {wish}: {value!r} is neither a number nor off")
    return number


def with_bar(rows: Iterable[Row], command: str, hidden: bool = False) -> Iterator[Row]:
    """`rows`, counted on stderr as they pass where that is a terminal, unless `hidden`."""
    hidden = hidden or not sys.stderr.isatty()
    return iter(tqdm(rows, desc=command, unit="row", mininterval=0.2, dynamic_ncols=True, disable=hidden))


def run_tool(body: Callable[[Sequence[str] | None], int], argv: Sequence[str] | None = None, failure: int = 1) -> int:
    """Run `body(argv)` as `run_command` does and return its answer as the exit code.

    `failure` is the exit code of a job that could not be finished, for tools of which 1 is an answer. A reader that
    closes the pipe (`| head`) has seen enough: nothing is said.
    """
    answer = 0

    def run(argv: Sequence[str] | None) -> None:
        nonlocal answer
        try:
            answer = body(argv)
            sys.stdout.flush()
        except BrokenPipeError:
            # What is still buffered must go somewhere when the interpreter ends.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            answer = CLOSED_PIPE
        except KeyboardInterrupt:
            raise JobError("interrupted") from None

    code = run_command(run, argv)
    return {0: answer, JobError.exit_code: failure}.get(code, code)
