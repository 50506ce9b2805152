"""What a captioner is asked and what it gives back, whichever model stands behind it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from PIL import Image

from pipeline.generate import Answer
from pipeline.params import DescribeParams


class Captioner(Protocol):
    """A model that describes pictures in two passes; name and revision go into every row."""

    name: str
    revision: str

    def describe(
        self, pictures: Sequence[Image.Image], params: DescribeParams, advance: Callable[[int], None]
    ) -> tuple[list[Answer], list[Answer | None]]:
        """Both passes for each picture, the second None where the first was long enough."""
        ...
