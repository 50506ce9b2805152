"""The bound on what threads hold at once."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread

import pytest

from pipeline.budget import PixelBudget


class Asker:
    """A thread that asks for pixels, says when it has them, and gives them back when told."""

    def __init__(self, budget: PixelBudget, pixels: int) -> None:
        self.budget = budget
        self.pixels = pixels
        self.has = Event()
        self.told = Event()
        self.thread = Thread(target=self._run, daemon=True)  # one that waits for ever must not hold the tests up

    def _run(self) -> None:
        with self.budget.hold(self.pixels):
            self.has.set()
            self.told.wait()

    @property
    def waits(self) -> bool:
        """Whether it has to wait, once that is settled."""
        waiting = self.budget._changed._waiters  # type: ignore[attr-defined]
        while not self.has.is_set() and not waiting:
            time.sleep(0.001)
        return not self.has.is_set()

    def give_back(self) -> None:
        """End the thread."""
        self.told.set()
        self.thread.join(timeout=10)


@contextmanager
def asking(budget: PixelBudget, pixels: int) -> Iterator[Asker]:
    """A thread that has asked; it ends with the block."""
    asker = Asker(budget, pixels)
    asker.thread.start()
    try:
        yield asker
    finally:
        asker.give_back()


@pytest.mark.parametrize(
    ("held", "wanted", "waits"),
    [(0, 11, False), (1, 9, False), (1, 10, True), (5, 5, False), (5, 6, True), (10, 1, True), (12, 1, True)],
)
def test_what_does_not_fit_waits_until_it_does(held: int, wanted: int, waits: bool) -> None:
    """Of 10 pixels; the last one included, and what never fits goes alone."""
    budget = PixelBudget(10)
    with asking(budget, held) as first:
        assert first.has.wait(10)
        with asking(budget, wanted) as second:
            assert second.waits == waits
            first.give_back()
            assert second.has.wait(10)


def test_what_is_held_is_given_back_after_an_error() -> None:
    """A picture that cannot be decoded does not shrink the budget."""
    budget = PixelBudget(10)
    with pytest.raises(KeyError), budget.hold(10):
        raise KeyError
    with asking(budget, 10) as next_one:
        assert not next_one.waits
