"""Descriptions that are too short to be detailed."""

from pipeline.schema import Measurement, Passage, Rule


def measure(passage: Passage) -> Measurement:
    """Characters, white space at both ends left out."""
    text = passage.text.strip()
    return Measurement(float(len(text)), f'"{text[:40]}"')


RULE = Rule(
    name="too_short",
    why="A text of a few words is a caption, not the detailed description that the model should learn to give.",
    source="MiniGPT-4 (arXiv 2304.10592): descriptions under 50 characters are rejected",
    measure=measure,
    fails="below",
    limit=50.0,
)
