"""Sentences that break off."""

from filters.endings import find_unfinished
from pipeline.schema import Measurement, Passage, Rule


def measure(passage: Passage) -> Measurement:
    """Number of unfinished sentences; a text without any sentence counts as one."""
    if not passage.sentences:
        return Measurement(1.0, "no sentence")
    faults = find_unfinished(passage.text, passage.sentences)
    if not faults:
        return Measurement(0.0)
    last = max(faults)
    return Measurement(float(len(faults)), f'{faults[last]} in "...{passage.sentences[last][-50:]}"')


RULE = Rule(
    name="dangling_ending",
    why="A description cut off by the token limit, or at the seam of two passes, teaches the model to break off.",
    source="C4's terminal punctuation (arXiv 1910.10683), with the last word looked at as well",
    measure=measure,
    fails="above",
    limit=0.0,
    mendable=True,
)
