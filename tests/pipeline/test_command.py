"""The command line: one line and the right exit code for whatever a user can mend."""

from __future__ import annotations

import errno
import os
import signal
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from pipeline.command import INTERRUPTED, run_command, stage_params, stage_parser
from pipeline.errors import JobError, UsageError


def raising(error: BaseException) -> Callable[[Sequence[str] | None], None]:
    """A command whose job ends with `error`."""

    def body(_argv: Sequence[str] | None) -> None:
        raise error

    return body


def fill_the_disk(_argv: Sequence[str] | None) -> None:
    """Run into the device that is always full."""
    with Path("/dev/full").open("w") as full:
        full.write("x")


@pytest.mark.parametrize(
    ("body", "code", "line"),
    [
        (raising(JobError("the server is dead")), 1, "pairmill: error: the server is dead"),
        (raising(UsageError("unknown key x")), 2, "pairmill: error: unknown key x"),
        (raising(KeyboardInterrupt()), 1, f"pairmill: {INTERRUPTED}"),
        (lambda _: os.kill(os.getpid(), signal.SIGTERM), 1, f"pairmill: {INTERRUPTED}"),
        (lambda _: os.kill(os.getpid(), signal.SIGINT), 1, f"pairmill: {INTERRUPTED}"),
        (lambda _: print(Path("gone.txt").stat()), 1, "pairmill: error: gone.txt: No such file or directory"),
        (
            fill_the_disk,
            1,
            "pairmill: error: an output stream: No space left on device; free some room there and run the same command",
        ),
        (
            raising(OSError(errno.ENOSPC, "No space left on device", "outputs/x")),
            1,
            "pairmill: error: outputs/x: No space left on device; free some room there and run the same command again",
        ),
        (
            lambda _: stage_parser("").parse_args(["--profil", "x", "--y"]),
            2,
            "pairmill: error: unrecognized arguments: --y; see ",
        ),
    ],
)
def test_what_a_user_can_mend_is_one_line(
    body: Callable[[Sequence[str] | None], None], code: int, line: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """No traceback, nothing on stdout, exit code 2 for the request and 1 for the job."""
    assert run_command(body, []) == code
    out, err = capfd.readouterr()
    assert out == ""
    assert err.startswith(line)
    assert err.count("\n") == 1


def test_a_bug_keeps_its_traceback_and_signals_their_handlers() -> None:
    """An error that no user can mend passes through; SIGTERM means afterwards what it meant before."""
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(ZeroDivisionError):
        run_command(lambda _: print(1 / 0), [])
    assert signal.getsignal(signal.SIGTERM) is before


def test_the_body_gets_its_arguments() -> None:
    """A body that ends well means exit code 0, and sees the arguments as they came."""
    seen: list[Sequence[str] | None] = []
    assert run_command(seen.append, ["--profile", "paper"]) == 0
    assert seen == [["--profile", "paper"]]


def test_params_come_from_the_profile_named() -> None:
    """`--profile` picks the profile, params.yaml does without it, and a wrong one is a usage error."""
    root = Path(__file__).parents[2]
    assert stage_params("", [], root).profile == "embedded"
    assert stage_params("", ["--profile", "embedded"], root).profile == "embedded"
    with pytest.raises(UsageError, match="nowhere"):
        stage_params("", ["--profile", "nowhere"], root)


def test_help_shows_the_docstring(capsys: pytest.CaptureFixture[str]) -> None:
    """`--help` prints the stage's own description, line by line, and ends well."""
    with pytest.raises(SystemExit) as end:
        stage_parser("First line.\n\n  second\n").parse_args(["--help"])
    assert end.value.code == 0
    assert "First line.\n\n  second\n" in capsys.readouterr().out
