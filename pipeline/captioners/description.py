"""What a captioner is asked and what it gives back, whichever model stands behind it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from PIL import Image

from pipeline.generate import Answer
from pipeline.params import DescribeParams


@dataclass(frozen=True)
class Description:
    """Both passes over one picture; `second` is None where the first was long enough."""

    first: Answer
    second: Answer | None = None


@dataclass(frozen=True)
class Undescribed:
    """A picture that brought no description, and why, on one line."""

    reason: str


class Captioner(Protocol):
    """A model that describes pictures in two passes; name and revision go into every row."""

    name: str
    revision: str

    def describe(
        self,
        pictures: Sequence[Image.Image],
        seeds: Sequence[int],
        params: DescribeParams,
        advance: Callable[[int], None],
    ) -> list[Description | Undescribed]:
        """Describe each picture, in their order; `advance` is told how many rows were finished.

        Each picture has its own seed (31 bits) of whatever is drawn for it, in either pass: what is said of one
        depends on no other. A picture that brings no description costs its own row alone. Raises JobError when no
        row is to blame.
        """
        ...
