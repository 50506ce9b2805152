"""Share of characters that are letters or digits."""

from filters.characters import count_alphanumeric
from pipeline.schema import Measurement, Passage, Rule


def measure(passage: Passage) -> Measurement:
    """Letters and digits of any script / all characters; 0 to 1, and 0 for an empty text.

    data-juicer's default of 0.25 is for web pages; clean captions stand at 0.8. Tuned on captions: 0.5.
    """
    text = passage.text
    return Measurement(count_alphanumeric(text) / len(text) if text else 0.0)


RULE = Rule(
    name="alphanumeric",
    why="Sentences are made of words; rulers, tables and drawings made of characters are not.",
    source="data-juicer's alphanumeric_filter (min_ratio 0.25)",
    measure=measure,
    fails="below",
    limit=0.5,
    mendable=True,
)
