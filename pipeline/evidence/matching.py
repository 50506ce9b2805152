"""How well a text belongs to a picture: its own picture against others, whichever model compares them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Protocol

from PIL import Image


@dataclass(frozen=True)
class Match:
    """What a model makes of one text beside several pictures: more is better."""

    pictures: Sequence[float]  # in the order in which they were chosen
    blank: float | None = None  # without any picture; None where the model needs one


class Scorer(Protocol):
    """A model that compares texts with pictures; name and revision go into every row."""

    name: str
    revision: str
    absolute: bool
    """Whether the matches of different texts can be compared. Likelihoods cannot: a plain text is likely anyhow."""

    def match(
        self,
        pictures: Sequence[Image.Image],
        texts: Sequence[str],
        chosen: Sequence[Sequence[int]],
        advance: Callable[[int], None],
    ) -> list[Match | None]:
        """Each text with the pictures that `chosen` numbers for it; None for a text that says nothing.

        `advance` is told how many rows were finished.
        """
        ...


@dataclass(frozen=True)
class Grounding:
    """How one description stands to its picture."""

    score: float | None  # the match, less the mean over the others where matches are not absolute; None: no others
    rank: int  # of its own picture among all; an equal one goes first
    of: int  # pictures that were ranked, its own included
    gain_blank: float | None  # its match with its own picture, less that without any
    shuffled: float | None  # the score of a wrong picture in place of its own, against the same others


def choose_pictures(rows: int, others: int) -> list[list[int]]:
    """For each row the pictures it is compared with: its own, up to `others` that follow it, and one wrong one.

    The rows stand in a circle. The wrong picture takes the place of the row's own once, to show what a description
    scores that is not of its picture; two rows have none to spare for it.
    """
    return [[(row + step) % rows for step in range(min(rows, others + 2))] for row in range(rows)]


def weigh(match: Match, *, absolute: bool) -> Grounding:
    """A match with the pictures of `choose_pictures` as scores and ranks. Sources: `pipeline.evidence`."""
    own, *compared = match.pictures
    wrong = compared.pop() if len(compared) > 1 else None
    level = 0.0 if absolute else fmean(compared) if compared else None
    return Grounding(
        score=None if level is None else own - level,
        rank=1 + sum(other >= own for other in compared),
        of=1 + len(compared),
        gain_blank=None if match.blank is None else own - match.blank,
        shuffled=None if level is None or wrong is None else wrong - level,
    )
