"""What a language model is asked and what it gives back, whether it runs here or behind a server."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

STOP, LENGTH = "stop", "length"  # as OpenAI-compatible servers name them


@dataclass(frozen=True)
class Completion:
    """One answer. Exactly one of `text` and `error` (one line) is None.

    `finish` is empty, and a count of tokens None, where nobody said it.
    """

    text: str | None
    finish: str = ""
    error: str | None = None
    tokens_in: int | None = None
    tokens_out: int | None = None


class LanguageModel(Protocol):
    """A language model that answers user messages; name and revision go into every row that it is asked about."""

    name: str
    revision: str

    def complete(self, texts: Sequence[str], advance: Callable[[int], None]) -> list[Completion]:
        """Answer each message of `texts`, in their order; `advance` is told how many rows were finished.

        A message that brings no answer costs its own row alone. Raises JobError when no row is to blame.
        """
        ...
