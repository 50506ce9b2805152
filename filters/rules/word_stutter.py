"""The same word several times in a row."""

from __future__ import annotations

import re

from filters.english import excerpt
from pipeline.schema import Measurement, Passage, Rule

# English itself doubles these; one repetition of them is no stutter.
DOUBLED = frozenset("bye far had ha long many more much no now really so that there very".split())
STUTTER = re.compile(r"(?<![\w'’\-])(\w+(?:['’\-]\w+)*)(?:,?\s+\1(?![\w'’\-]))+", re.IGNORECASE)


def allowed_run(run: str) -> int:
    """How often `run` may say its word: once, but twice for "had had", "big, big", "Duran Duran", "0 0"."""
    first, second = run.replace(",", " ").split()[:2]
    name = first[0].isupper() and second[0].isupper() and len(first) > 3
    return 2 if "," in run or first.lower() in DOUBLED or first.isdigit() or name else 1


def measure(passage: Passage) -> Measurement:
    """Length of the longest run of one word, less one where English doubles that word itself; 1 if none repeats."""
    worst = Measurement(1.0)
    for match in STUTTER.finditer(passage.text):
        length = len(match[0].split()) - allowed_run(match[0]) + 1
        if length > worst.value:
            worst = Measurement(float(length), excerpt(passage.text, *match.span()))
    return worst


RULE = Rule(
    name="word_stutter",
    why='A word said twice in a row ("the the the") is the shortest loop a language model falls into.',
    source="run length of equal words; the one-word case of Gopher's repetition rules (arXiv 2112.11446)",
    measure=measure,
    fails="above",
    limit=1.0,
    mendable=True,
)
