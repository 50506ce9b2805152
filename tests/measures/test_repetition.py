"""Repetition within texts and across texts, and length."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from measures.repetition import adjusted_distinct, distinct_n, measure_repetition, rep_n


@pytest.mark.parametrize(
    ("text", "n", "expected"),
    [
        ("a cat sat on a mat", 1, 1 / 6),
        ("a cat sat on a mat", 2, 0.0),
        ("the cat the cat the cat", 2, 3 / 5),  # the cat, cat the, the cat, cat the, the cat
        ("the cat the cat the cat", 3, 2 / 4),
        ("the cat the cat the cat", 4, 1 / 3),
        ("The cat! The CAT, the cat.", 4, 1 / 3),
        ("one two three four", 4, 0.0),
        ("one two three", 4, None),
        ("", 1, None),
        ("...", 1, None),
        ("well-known isn’t don't", 3, 0.0),
    ],
    ids=[
        "words",
        "pairs",
        "loop",
        "loop 3",
        "loop 4",
        "marks and case",
        "as long",
        "shorter",
        "empty",
        "marks",
        "compounds",
    ],
)
def test_rep_n(text: str, n: int, expected: float | None) -> None:
    """Share of n-grams that repeat one before them; a text shorter than n words has none."""
    assert rep_n(text, n) == (None if expected is None else pytest.approx(expected))


@pytest.mark.parametrize(
    ("texts", "n", "expected"),
    [
        (["a cat", "a dog"], 1, 3 / 4),
        (["a cat", "a dog"], 2, 1.0),
        (["a cat", "a cat"], 2, 1 / 2),
        (["a", "cat"], 2, None),  # no pair crosses texts
        (["a", "cat sat"], 2, 1.0),
        ([], 1, None),
    ],
    ids=["words", "pairs", "one text twice", "across", "too short does not count", "nothing"],
)
def test_distinct_n(texts: list[str], n: int, expected: float | None) -> None:
    """Different n-grams / n-grams of the whole set."""
    assert distinct_n(texts, n) == expected


WORDS = st.lists(st.sampled_from("a cat sat on the mat and dog".split()), max_size=12).map(" ".join)


@given(st.lists(WORDS, max_size=5), st.integers(1, 4))
def test_a_text_said_again_is_nothing_new(texts: list[str], n: int) -> None:
    """The whole set twice: half the distinct-n, and each text's rep-n as it was."""
    once, twice = distinct_n(texts, n), distinct_n(texts * 2, n)
    assert twice == (None if once is None else pytest.approx(once / 2))
    assert measure_repetition(texts, 100).rep == pytest.approx(measure_repetition(texts * 2, 100).rep)


@given(WORDS, st.integers(1, 4))
def test_within_one_text_they_are_complements(text: str, n: int) -> None:
    """rep-n + distinct-n = 1 for a single text."""
    rep, distinct = rep_n(text, n), distinct_n([text], n)
    assert (rep is None) == (distinct is None)
    assert rep is None or distinct is None or rep + distinct == pytest.approx(1)


@pytest.mark.parametrize(
    ("texts", "vocabulary", "expected"),
    [
        (["a cat"], 4, 2 / (4 * (1 - (3 / 4) ** 2))),
        (["a a a"], 2, 1 / (2 * (1 - 1 / 8))),
        (["a cat", "a dog"], 3, 3 / (3 * (1 - (2 / 3) ** 4))),
        (["a"], 49152, 1.0),
        (["a"], 1, 1.0),
        (["", "..."], 10, None),
    ],
    ids=["two words", "one word", "texts together", "one draw shows one", "a vocabulary of one", "nothing"],
)
def test_adjusted_distinct(texts: list[str], vocabulary: int, expected: float | None) -> None:
    """Different words / how many as many draws from the vocabulary would show."""
    assert adjusted_distinct(texts, vocabulary) == (None if expected is None else pytest.approx(expected))


def test_adjusted_distinct_is_fair_to_length() -> None:
    """Words drawn alike, ten times as many: distinct-1 falls to a fraction, the adjusted figure stays."""
    words = [f"w{(number * number) % 1009}" for number in range(5000)]  # 505 different words
    short, long = [" ".join(words[:300])], [" ".join(words[:3000])]
    plain = distinct_n(long, 1), distinct_n(short, 1)
    fair = adjusted_distinct(long, 505), adjusted_distinct(short, 505)
    assert None not in (*plain, *fair)
    assert plain[0] < 0.25 * plain[1]  # type: ignore[operator]
    assert 0.7 < fair[0] / fair[1] < 1.3  # type: ignore[operator]


def test_measure_repetition() -> None:
    """A text that is too short for an n counts for the other figures."""
    found = measure_repetition(["the cat the cat the cat", "a dog", "a dog", ""], 50, tokens=[8, 2, 3, 1])
    assert found.as_dict() == pytest.approx(
        {
            "rep_2": (3 / 5 + 0 + 0) / 3,
            "rep_3": 1 / 2,
            "rep_4": 1 / 3,
            "distinct_1": 4 / 10,
            "distinct_2": 3 / 7,
            "distinct_3": 2 / 4,
            "ead": 4 / (50 * (1 - 0.98**10)),
            "distinct_answers": 3 / 4,
            "mean_words": 10 / 4,
            "mean_tokens": 14 / 4,
        }
    )


@pytest.mark.parametrize(("texts", "words"), [([], None), ([""], 0.0)], ids=["no texts", "an empty one"])
def test_nothing_is_measured_of_nothing(texts: list[str], words: float | None) -> None:
    """Null, which is JSON, and not 0, which would be the best value that there is."""
    metrics = measure_repetition(texts, 50).as_dict()
    assert json.loads(json.dumps(metrics, allow_nan=False)) == metrics
    assert metrics["rep_4"] is metrics["distinct_1"] is metrics["ead"] is metrics["mean_tokens"] is None
    assert metrics["mean_words"] == words


def test_lengths_belong_to_texts() -> None:
    """A length too few is a bug, not a mean."""
    with pytest.raises(ValueError, match="2 texts"):
        measure_repetition(["a", "b"], 50, tokens=[1])
