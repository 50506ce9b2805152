"""A description that begins anew."""

from filters.restarts import find_restart, split_seams
from pipeline.schema import Measurement, Passage, Rule


def measure(passage: Passage) -> Measurement:
    """1 if the text opens a description a second time, else 0."""
    sentences = split_seams(passage.sentences)
    start = find_restart(sentences)
    return Measurement(0.0) if start is None else Measurement(1.0, f'"{sentences[start][:60]}"')


RULE = Rule(
    name="restart",
    why="At the seam of the two passes a model often describes the picture afresh, and contradicts itself.",
    source="the continue pass of MiniGPT-4 (arXiv 2304.10592, section 3.2), as small captioners answer it",
    measure=measure,
    fails="above",
    limit=0.0,
    mendable=True,
)
