"""Repeated runs of words anywhere in the text."""

from pipeline.schema import Measurement, Passage, Rule

REP_LEN = 5  # words; data-juicer's 10 misses a seven-word sentence that a caption says three times


def measure(passage: Passage) -> Measurement:
    """Occurrences of repeated 5-grams of words / all 5-grams; 0 to 1, and 0 for fewer than five words."""
    repeated = passage.repeated_grams(REP_LEN)
    if not repeated:
        return Measurement(0.0)
    gram = max(repeated, key=lambda gram: repeated[gram])
    share = sum(repeated.values()) / (len(passage.words) - REP_LEN + 1)
    return Measurement(share, f'"{" ".join(gram)}" {repeated[gram]} times')


RULE = Rule(
    name="word_repetition",
    why="It is the measure other curation tools report, so a set can be compared with theirs; it backs up `refrain`.",
    source="data-juicer's word_repetition_filter, with rep_len 5 instead of 10",
    measure=measure,
    fails="above",
    limit=0.4,
    mendable=True,
)
