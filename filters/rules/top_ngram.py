"""The most frequent run of two to four words."""

from __future__ import annotations

from pipeline.schema import Measurement, Passage, Rule

GOPHER = {2: 0.20, 3: 0.18, 4: 0.16}  # n: share of the characters


def measure(passage: Passage) -> Measurement:
    """Largest of (characters in the most frequent n-gram of words / all characters) / Gopher's limit, n = 2 to 4.

    1 is Gopher's own limit. An n-gram must occur twice to count: in a clean caption of twelve words every one occurs
    once, and one of four words holds more than 16 % of its characters.
    """
    worst = Measurement(0.0)
    for n, limit in GOPHER.items():
        counts = passage.repeated_grams(n)
        if not counts:
            break  # where no two words recur, no three do
        times = max(counts.values())
        gram = " ".join(next(gram for gram, count in counts.items() if count == times))
        value = len(gram) * times / len(passage.text) / limit
        if value > worst.value:
            worst = Measurement(value, f'"{gram}" {times} times')
    return worst


RULE = Rule(
    name="top_ngram",
    why="It is the measure other curation tools report, so a set can be compared with theirs.",
    source="Gopher's top n-gram character fraction (arXiv 2112.11446, table A1), as datatrove's GopherRepetitionFilter",
    measure=measure,
    fails="above",
    limit=3.0,
    mendable=True,
)
