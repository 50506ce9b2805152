"""Descriptions that ramble."""

from pipeline.schema import Measurement, Passage, Rule


def measure(passage: Passage) -> Measurement:
    """Words."""
    return Measurement(float(len(passage.words)))


RULE = Rule(
    name="too_long",
    why="A model that does not find the end drifts away from the picture, and teaches others to.",
    source="data-juicer words_num_filter; two passes of 200 tokens bound MiniGPT-4's own descriptions",
    measure=measure,
    fails="above",
    limit=300.0,
    mendable=True,
)
