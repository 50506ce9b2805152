"""The errors a user sees: one line that names the file, key or row and the mend; never a traceback."""

from collections.abc import Sequence


class PairmillError(Exception):
    """A failure that is explained in its message; `exit_code` is what the process ends with."""

    exit_code = 1


class JobError(PairmillError):
    """A job that could not be finished: a dead server, a torn shard, a missing model (exit code 1)."""


class UsageError(PairmillError):
    """A request that makes no sense: a mistyped key, an unknown profile, a bad flag (exit code 2)."""

    exit_code = 2


def first_line(error: Exception) -> str:
    """What a library's error says, short enough for one line."""
    return " ".join(str(error).split())[:200] or type(error).__name__


def listed(names: Sequence[str], most: int = 8) -> str:
    """Names for one line: the first few, and how many more there are."""
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
