"""The errors a user sees: one line that names the file, key or row and the mend; never a traceback."""


class PairmillError(Exception):
    """A failure that is explained in its message; `exit_code` is what the process ends with."""

    exit_code = 1


class JobError(PairmillError):
    """A job that could not be finished: a dead server, a torn shard, a missing model (exit code 1)."""


class UsageError(PairmillError):
    """A request that makes no sense: a mistyped key, an unknown profile, a bad flag (exit code 2)."""

    exit_code = 2
