"""Share of words that hold an English sentence together."""

from filters.english import FUNCTION_WORDS
from pipeline.schema import Measurement, Passage, Rule


def measure(passage: Passage) -> Measurement:
    """Function words / all words; 0 to 1, and 0 for a text without words.

    data-juicer's default of 0.3 rejects one in thirty of 528 clean captions, the terse ones, dense with nouns. Tuned on
    captions: 0.1, which finds lists of tags.
    """
    words = passage.words
    return Measurement(sum(map(FUNCTION_WORDS.__contains__, words)) / len(words) if words else 0.0)


RULE = Rule(
    name="stopwords",
    why="A list of tags has nouns and no sentence; English of any style has articles and prepositions.",
    source="data-juicer's stopwords_filter (min_ratio 0.3), with the closed word classes of `filters.english`",
    measure=measure,
    fails="below",
    limit=0.1,
    mendable=True,
)
