"""How much a set of texts repeats itself, within a text and across texts, and how long its texts are.

Words are those of `pipeline.schema.split_words`: lower-cased, without punctuation. No n-gram crosses two texts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from pipeline.schema import split_words

REP_NS = (2, 3, 4)  # seq-rep-4 is the figure of Welleck et al.; 2 and 3 see the shorter loops
DISTINCT_NS = (1, 2, 3)  # Li et al. report 1 and 2


@dataclass(frozen=True)
class Repetition:
    """The figures of one set of texts; None where no text is long enough to have one."""

    rep: Mapping[int, float | None]  # n -> mean of `rep_n`
    distinct: Mapping[int, float | None]  # n -> `distinct_n`
    ead: float | None  # `adjusted_distinct`
    distinct_answers: float | None  # different texts / texts
    mean_words: float | None
    mean_tokens: float | None  # None too where the tokens were not counted

    def as_dict(self) -> dict[str, float | None]:
        """`rep_2` ..., `distinct_1` ..., `ead`, `distinct_answers`, `mean_words`, `mean_tokens`."""
        return {
            **{f"rep_{n}": value for n, value in self.rep.items()},
            **{f"distinct_{n}": value for n, value in self.distinct.items()},
            "ead": self.ead,
            "distinct_answers": self.distinct_answers,
            "mean_words": self.mean_words,
            "mean_tokens": self.mean_tokens,
        }


def measure_repetition(texts: Sequence[str], vocabulary: int, tokens: Sequence[int] | None = None) -> Repetition:
    """All figures of `texts`, in any order.

    `vocabulary` is that of `adjusted_distinct`. `tokens` holds the length of each text in the model's tokens; raises
    ValueError where there is not one for each.
    """
    if tokens is not None and len(tokens) != len(texts):
        raise ValueError(f"{len(texts)} texts, and the lengths of {len(tokens)} in tokens")
    return Repetition(
        rep={n: _mean([rep for text in texts if (rep := rep_n(text, n)) is not None]) for n in REP_NS},
        distinct={n: distinct_n(texts, n) for n in DISTINCT_NS},
        ead=adjusted_distinct(texts, vocabulary),
        distinct_answers=_mean_of(len(set(texts)), len(texts)),
        mean_words=_mean([len(split_words(text)) for text in texts]),
        mean_tokens=_mean(tokens or []),
    )


def rep_n(text: str, n: int) -> float | None:
    """seq-rep-n, the share of n-grams that repeat one before them: 1 - distinct n-grams / n-grams.

    Welleck et al. 2020 (arXiv 1908.04319, section 5), of words instead of tokens. None for a text of fewer than n
    words: it has no n-gram, and does not count in the mean over texts.
    """
    grams = list(_grams(text, n))
    return 1 - len(set(grams)) / len(grams) if grams else None


def distinct_n(texts: Iterable[str], n: int) -> float | None:
    """Different n-grams / n-grams of all texts together; None where no text has n words.

    Li et al. 2016 (arXiv 1510.03055) divide by the number of words; by that of n-grams, as most have done since, it
    reaches 1. It falls with the amount of text, for new words come ever more rarely: compare sets of about the same
    number of words, or by `adjusted_distinct`.
    """
    grams = list(chain.from_iterable(_grams(text, n) for text in texts))
    return _mean_of(len(set(grams)), len(grams))


def adjusted_distinct(texts: Iterable[str], vocabulary: int) -> float | None:
    """Expectation-adjusted distinct: N / (V (1 - ((V - 1) / V)^C)), with N different words among C.

    Liu et al. 2022 (arXiv 2202.13587): the divisor is how many different ones C draws from a vocabulary of V words
    would show, so that it depends on the amount of text much less than `distinct_n` does. It compares sets only for
    one V; the authors take the vocabulary of the models under comparison, the largest where they differ. None
    without a word.
    """
    words = list(chain.from_iterable(map(split_words, texts)))
    return _mean_of(len(set(words)), vocabulary * (1 - (1 - 1 / vocabulary) ** len(words)))


def _grams(text: str, n: int) -> Iterable[tuple[str, ...]]:
    words = split_words(text)
    return zip(*(words[start:] for start in range(n)), strict=False)


def _mean(values: Sequence[float]) -> float | None:
    return _mean_of(sum(values), len(values))


def _mean_of(part: float, whole: float) -> float | None:
    return part / whole if whole else None
