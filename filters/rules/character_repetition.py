"""Repeated runs of characters."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np

from pipeline.schema import Measurement, Passage, Rule

REP_LEN = 10  # characters; data-juicer's default


def measure(passage: Passage) -> Measurement:
    """Occurrences of the most frequent repeated 10-grams of characters / all 10-grams; 0 to 1.

    As many of the most frequent ones count as the square root of the number of different ones.
    """
    text = passage.text
    total = len(text) - REP_LEN + 1
    grams = Counter([text[start : start + REP_LEN] for start in _suspects(text)]) if total > 1 else Counter[str]()
    repeated = [times for times in grams.values() if times > 1]
    if not repeated:
        return Measurement(0.0)
    different = total - sum(repeated) + len(repeated)
    top = sorted(repeated, reverse=True)[: math.isqrt(different)]
    return Measurement(sum(top) / total, f'"{grams.most_common(1)[0][0]}" {top[0]} times')


def _suspects(text: str) -> list[int]:
    """Where 10-grams start that can be repeated: in ASCII those whose first eight bytes are, found as one number."""
    total = len(text) - REP_LEN + 1
    if not text.isascii():
        return list(range(total))
    eights = np.ndarray(total, dtype=np.uint64, buffer=text.encode(), strides=(1,))
    order = eights.argsort()
    ordered = eights[order]
    (again,) = (ordered[1:] == ordered[:-1]).nonzero()
    return sorted({*order[again].tolist(), *order[again + 1].tolist()})


RULE = Rule(
    name="character_repetition",
    why="It sees what the rules for words and sentences cannot: loops inside words, in lists and in other scripts.",
    source="data-juicer's character_repetition_filter (rep_len 10)",
    measure=measure,
    fails="above",
    limit=0.25,
    mendable=True,
)
