"""Sentences cast in one mould."""

from filters.english import enumerates, words_of
from filters.loops import GRAM, TIMES, find_refrain, refrain_words
from filters.quotations import own_words
from pipeline.schema import Measurement, Passage, Rule


def measure(passage: Passage) -> Measurement:
    """Share of all words that lie in runs of four words which the text holds three times or more; 0 to 1.

    0 for a text that tells what it lists apart ("on the first floor ..., on the second ..., on the third ...").
    """
    words = passage.words
    if max(passage.repeated_grams(GRAM).values(), default=0) < TIMES:
        return Measurement(0.0)
    words = words_of(own_words(passage.text))  # a poster may repeat itself
    starts = find_refrain(words)
    if not starts or enumerates(words):
        return Measurement(0.0)
    return Measurement(
        len(refrain_words(words)) / len(passage.words), f'"{" ".join(words[starts[0] : starts[0] + GRAM])}"'
    )


RULE = Rule(
    name="refrain",
    why='"The man is wearing a blue shirt. The man is wearing a blue hat. The man is ..." loops with new words.',
    source="Gopher's duplicate n-gram fractions (arXiv 2112.11446); three times, since left and right share a frame",
    measure=measure,
    fails="above",
    limit=0.3,
    mendable=True,
)
