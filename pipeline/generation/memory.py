"""Running out of memory with many rows at once: half as many, and on."""

from __future__ import annotations

import sys
from collections.abc import Callable

from accelerate.utils.memory import clear_device_cache, should_reduce_batch_size

from pipeline.errors import JobError


def fits(work: Callable[[], None], rows: int) -> bool:
    """Do `work` on `rows` rows at once; false if it ran out of memory. JobError if it did so with a single row."""
    try:
        work()
    except RuntimeError as error:  # torch.OutOfMemoryError is one; on a CPU it has no class of its own
        if not should_reduce_batch_size(error):
            raise
        if rows == 1:
            raise JobError(
                "out of memory with a single row: choose a smaller model, dtype or max_new_tokens"
            ) from error
        return False
    return True


def halve(rows: int) -> int:
    """Say so, give unused memory back and return half of `rows`.

    To be called when the error is forgotten: its traceback holds the tensors of the pass that failed.
    """
    less = max(1, rows // 2)
    print(f"out of memory with {rows} rows at once: going on with {less}", file=sys.stderr)
    clear_device_cache(garbage_collection=True)
    return less
