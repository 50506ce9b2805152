"""Repeated runs of words anywhere in the text."""

from collections import Counter

from pipeline.schema import Measurement, Passage, Rule

REP_LEN = 5  # words; data-juicer's 10 misses a seven-word sentence that a caption says three times


def measure(passage: Passage) -> Measurement:
    """Occurrences of repeated 5-grams of words / all 5-grams; 0 to 1, and 0 for fewer than five words."""
    words = passage.words
    grams = Counter(tuple(words[start : start + REP_LEN]) for start in range(len(words) - REP_LEN + 1))
    if not grams:
        return Measurement(0.0)
    gram, times = grams.most_common(1)[0]
    evidence = f'"{" ".join(gram)}" {times} times' if times > 1 else ""
    return Measurement(sum(n for n in grams.values() if n > 1) / grams.total(), evidence)


RULE = Rule(
    name="word_repetition",
    why="It is the measure other curation tools report, so a set can be compared with theirs; it backs up `refrain`.",
    source="data-juicer's word_repetition_filter, with rep_len 5 instead of 10",
    measure=measure,
    fails="above",
    limit=0.4,
    mendable=True,
)
