"""Repeated runs of characters."""

import math
from collections import Counter

from pipeline.schema import Measurement, Passage, Rule

REP_LEN = 10  # characters; data-juicer's default


def measure(passage: Passage) -> Measurement:
    """Occurrences of the most frequent repeated 10-grams of characters / all 10-grams; 0 to 1.

    As many of the most frequent ones count as the square root of the number of different ones.
    """
    text = passage.text
    windows = [text[start : start + REP_LEN] for start in range(len(text) - REP_LEN + 1)]
    grams = Counter(windows)
    if len(grams) == len(windows):
        return Measurement(0.0)
    top = sorted((times for times in grams.values() if times > 1), reverse=True)[: math.isqrt(len(grams))]
    return Measurement(sum(top) / len(windows), f'"{grams.most_common(1)[0][0]}" {top[0]} times')


RULE = Rule(
    name="character_repetition",
    why="It sees what the rules for words and sentences cannot: loops inside words, in lists and in other scripts.",
    source="data-juicer's character_repetition_filter (rep_len 10)",
    measure=measure,
    fails="above",
    limit=0.25,
    mendable=True,
)
