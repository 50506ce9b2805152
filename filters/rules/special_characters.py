"""Share of characters that are no letters."""

from filters.characters import count_letters
from pipeline.schema import Measurement, Passage, Rule


def measure(passage: Passage) -> Measurement:
    """Characters that are no letters (white space, digits, punctuation, symbols) / all characters; 0 to 1.

    data-juicer counts white space too, so clean English stands at 0.2, and its default of 0.25 rejects captions with
    prices or initials in them. Tuned on captions: 0.5.
    """
    text = passage.text
    if not text:
        return Measurement(0.0)
    return Measurement(1.0 - count_letters(text) / len(text))


RULE = Rule(
    name="special_characters",
    why="A text of marks, digits and blanks is no description, whichever marks they are.",
    source="data-juicer's special_characters_filter (max_ratio 0.25)",
    measure=measure,
    fails="above",
    limit=0.5,
    mendable=True,
)
