"""What every stage's command line does alike: its flags, and one line for whatever goes wrong.

Exit codes: 0 done; 1 the job could not be finished (`JobError`, a file system error, Ctrl-C, SIGTERM);
2 the request makes no sense (`UsageError`). A bug keeps its traceback.
"""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

from pipeline.errors import PairmillError, UsageError
from pipeline.files import explain

if TYPE_CHECKING:
    from pipeline.params import Params

INTERRUPTED = "interrupted; finished shards are kept, run the same command again"


class Parser(argparse.ArgumentParser):
    """argparse with its errors as UsageError: one line, exit code 2."""

    def error(self, message: str) -> NoReturn:
        """Raise what argparse would print."""
        raise UsageError(f"{message}; see {self.prog} --help")


def stage_parser(description: str | None) -> argparse.ArgumentParser:
    """A parser with `--profile`; `description` is the stage's docstring. Wrong flags raise UsageError."""
    spec = getattr(sys.modules["__main__"], "__spec__", None)
    parser = Parser(
        prog=f"python -m {spec.name}" if spec else None,
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--profile", metavar="NAME", help="a file of profiles/ (default: what params.yaml names)")
    return parser


def stage_params(description: str | None, argv: Sequence[str] | None, root: Path = Path()) -> Params:
    """Parse a command line that has no flag but `--profile`, and load that profile, once and for the whole run."""
    from pipeline.params import load_params

    return load_params(stage_parser(description).parse_args(argv).profile, root)


def run_command(body: Callable[[Sequence[str] | None], None], argv: Sequence[str] | None = None) -> int:
    """Run `body(argv)` and return the process's exit code; what a user can mend is one line on stderr.

    While it runs, SIGTERM ends it as Ctrl-C does: the block in hand is left in order, nothing finished is lost.
    """
    try:
        with _sigterm_as_interrupt():
            body(argv)
    except PairmillError as error:
        return _fail(str(error), error.exit_code)
    except KeyboardInterrupt:
        print(f"pairmill: {INTERRUPTED}", file=sys.stderr)
        return 1
    except OSError as error:
        return _fail(explain(error), 1)
    return 0


def _fail(message: str, code: int) -> int:
    print(f"pairmill: error: {message}", file=sys.stderr)
    return code


@contextmanager
def _sigterm_as_interrupt() -> Iterator[None]:
    def interrupt(_signum: int, _frame: FrameType | None) -> NoReturn:
        raise KeyboardInterrupt

    former = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, former)
