"""Sentences that repeat an earlier one, word for word or nearly."""

from filters.duplicates import find_repeats
from pipeline.schema import Measurement, Passage, Rule


def measure(passage: Passage) -> Measurement:
    """Share of the sentences that repeat an earlier one (`filters.duplicates`); 0 to 1."""
    sentences = passage.sentences
    repeats = find_repeats(sentences)
    if not repeats:
        return Measurement(0.0)
    return Measurement(len(repeats) / len(sentences), f'"{sentences[min(repeats)][:80]}"')


RULE = Rule(
    name="sentence_duplication",
    why="A sentence that says again what one sentence before it has said is padding, and the model learns to pad.",
    source="Gopher's duplicate line fraction (arXiv 2112.11446), on sentences and for near-duplicates too",
    measure=measure,
    fails="above",
    limit=0.0,
    mendable=True,
)
