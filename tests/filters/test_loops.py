"""Loops and refrains are found as by looking everywhere."""

from __future__ import annotations

from itertools import chain

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filters.loops import GRAM, Loop, _is_loop, find_loop, find_refrain, looped_words


def slow_loop(words: list[str]) -> Loop | None:
    """The first loop, every period from 2 to 40 tried at every place."""
    found: Loop | None = None
    for period in range(2, min(40, len(words) - 1) + 1):
        run = 0
        for position in range(period, len(words) + 1):
            if position < len(words) and words[position] == words[position - period]:
                run += 1
                continue
            if run and _is_loop(words, position - run - period, period, run):
                loop = Loop(position - run - period, period, run + period)
                if found is None or loop.start < found.start:
                    found = loop
                break
            run = 0
    return found


def slow_refrain(words: list[str]) -> list[int]:
    """Every start of four words that stand in at least three places."""
    grams = [words[start : start + GRAM] for start in range(len(words) - GRAM + 1)]
    return [start for start, gram in enumerate(grams) if grams.count(gram) >= 3]


def loops(phrase: list[str], rounds: int, cut: int) -> list[str]:
    """A phrase said some times over, its last round cut short."""
    return (phrase * rounds)[: len(phrase) * rounds - cut % max(1, len(phrase))]


WORDS = st.sampled_from("a the of and or with that is flower red blue cat mat".split())
LOOPS = st.builds(loops, st.lists(WORDS, max_size=42), st.integers(1, 4), st.integers(0, 41))
TEXTS = st.lists(st.one_of(LOOPS, st.lists(WORDS, max_size=12)), max_size=4).map(lambda parts: [*chain(*parts)])


@given(TEXTS)
@settings(max_examples=700, deadline=None)
def test_nothing_is_overlooked(words: list[str]) -> None:
    """The same loop and the same refrain as an exhaustive search finds."""
    loop, refrain = slow_loop(words), slow_refrain(words)
    assert find_loop(words) == loop
    assert find_refrain(words) == refrain
    inside = set(range(loop.start, loop.start + loop.length)) if loop else set()
    assert looped_words(words) == inside | {start + offset for start in refrain for offset in range(GRAM)}


@pytest.mark.parametrize(
    ("text", "loop"),
    [
        pytest.param("a cat on a mat and a cat on a mat", Loop(0, 6, 11), id="linked"),
        pytest.param("red hat and red hat", Loop(0, 3, 5), id="shortest_linked"),
        pytest.param("it is of the of the", Loop(2, 2, 4), id="of_the"),
        pytest.param("a dog on the left a dog on the right", None, id="left_and_right"),
        pytest.param("one two three one two three", Loop(0, 3, 6), id="twice"),
        pytest.param("one two three one two", None, id="not_quite_twice"),
        pytest.param("on and on and on", None, id="english"),
        pytest.param("the the the the", None, id="stutter"),
        pytest.param("", None, id="empty"),
    ],
)
def test_loop(text: str, loop: Loop | None) -> None:
    """A phrase is a loop when it is said again at once."""
    assert find_loop(text.split()) == loop


def test_a_long_loop_costs_no_more_than_its_length() -> None:
    """Two words said ten thousand times are looked at forty times each, not with each other."""
    words = ["red", "flower"] * 10_000
    assert find_loop(words) == Loop(0, 2, 20_000)
