"""A phrase that a sentence says again and again."""

from itertools import pairwise

from filters.english import enumerates
from filters.loops import find_loop, loop_words, looped_words
from pipeline.schema import Measurement, Passage, Rule

_LEAST = 2  # words said again; a loop says some pair again


def measure(passage: Passage) -> Measurement:
    """Share of all words that lie in a phrase which their own sentence repeats (`filters.loops`); 0 to 1."""
    covered, total, evidence = 0, 0, ""
    for sentence, words in zip(passage.sentences, passage.sentence_words, strict=True):
        total += len(words)
        if len(words) - len(set(words)) < _LEAST or len(set(pairs := list(pairwise(words)))) == len(pairs):
            continue
        own = loop_words(sentence)
        if (looped := looped_words(own)) and (find_loop(own) or not enumerates(words)):
            covered += len(looped)
            evidence = evidence or f'"{" ".join(words[min(looped) : min(looped) + 12])}"'
    return Measurement(covered / total if total else 0.0, evidence)


RULE = Rule(
    name="phrase_loop",
    why='"a flower that is a flower that is a flower" is the failure that the curated set exists to cure.',
    source="Gopher's share of text in duplicate n-grams (arXiv 2112.11446), counted where a phrase recurs at once",
    measure=measure,
    fails="above",
    limit=0.0,
    mendable=True,
)
