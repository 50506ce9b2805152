"""The `pairmill` command: lists the stages, runs one by name, and says in one line that there is no such stage."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline import __version__
from pipeline.cli import COMMANDS, main, module_of
from pipeline.errors import UsageError


def _pairmill(root: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pipeline.cli", *words]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)


def test_help_lists_every_stage_in_order(capsys: pytest.CaptureFixture[str]) -> None:
    """`pairmill --help` shows one line a stage, in the order of the pipeline."""
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    lines = [line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines()]
    assert [tuple(words) for words in lines if tuple(words) in COMMANDS] == list(COMMANDS)


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    """`pairmill --version` names the product and its version."""
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"pairmill {__version__}\n"


def test_nothing_asked(capsys: pytest.CaptureFixture[str]) -> None:
    """`pairmill` alone shows the list on stderr and ends as a request that makes no sense does."""
    assert main([]) == UsageError.exit_code
    assert "describe" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("descibe", "describe"),
        ("fliter", "filter"),
        ("evaluation", "evaluate"),
        ("Train", "train"),
        ("asset", "assets"),
    ],
)
def test_unknown_stage_names_the_nearest(wrong: str, right: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A mistyped stage is one line with the nearest name, exit code 2."""
    assert main([wrong]) == UsageError.exit_code
    (line,) = capsys.readouterr().err.splitlines()
    assert f"no stage {wrong!r}; did you mean {right}?" in line


@pytest.mark.parametrize("command", [name for name, _ in COMMANDS])
def test_every_command_has_its_own_help(command: str, root: Path) -> None:
    """`pairmill STAGE --help` is the help of that stage or tool, which opens with its command."""
    done = _pairmill(root, command, "--help")
    assert done.returncode == 0
    assert re.search(
        rf"^(python -m {re.escape(module_of(command))} --\w+|pairmill {command}\b)", done.stdout, re.MULTILINE
    )


def test_stage_ends_the_process_with_its_own_code(root: Path) -> None:
    """What the stage says of a wrong flag, and its exit code, come through untouched."""
    done = _pairmill(root, "corpus", "--no-such-flag")
    assert done.returncode == UsageError.exit_code
    assert len(done.stderr.splitlines()) == 1
    assert "--no-such-flag" in done.stderr
