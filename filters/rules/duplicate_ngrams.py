"""Characters in runs of five to ten words that occur again."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.schema import Measurement, Passage, Rule

GOPHER = {5: 0.15, 6: 0.14, 7: 0.13, 8: 0.12, 9: 0.11, 10: 0.10}  # n: share of the characters


def measure(passage: Passage) -> Measurement:
    """Largest of (characters in repeated n-grams of words / all characters) / Gopher's limit, n = 5 to 10.

    1 is Gopher's own limit. As in datatrove the words are walked once: a run that was seen counts whole, without
    blanks, and the walk goes on behind it.
    """
    worst, words = Measurement(0.0), passage.words
    for n, limit in GOPHER.items():
        if not passage.repeated_grams(n):
            break  # where no five words recur, no six do
        repeated, first = _repeated_characters(words, n)
        value = repeated / len(passage.text) / limit
        if value > worst.value:
            worst = Measurement(value, f'"{first}"')
    return worst


def _repeated_characters(words: Sequence[str], n: int) -> tuple[int, str]:
    seen: set[tuple[str, ...]] = set()
    characters, position, first = 0, 0, ""
    while position <= len(words) - n:
        gram = tuple(words[position : position + n])
        if gram in seen:
            characters += sum(map(len, gram))
            first = first or " ".join(gram)
            position += n
        else:
            seen.add(gram)
            position += 1
    return characters, first


RULE = Rule(
    name="duplicate_ngrams",
    why="It is the measure other curation tools report, so a set can be compared with theirs.",
    source="Gopher's duplicate n-gram character fraction (arXiv 2112.11446, table A1), as datatrove's filter",
    measure=measure,
    fails="above",
    limit=2.0,
    mendable=True,
)
