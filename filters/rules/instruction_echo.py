"""Descriptions that repeat the instruction."""

from filters.english import stem
from pipeline.schema import Measurement, Passage, Rule

INSTRUCTIONS = (
    "describe this image in detail",
    "give as many details as possible",
    "say everything you see",
    "take a look at this image and describe what you notice",
    "please provide a detailed description of the picture",
    "could you describe the contents of this image for me",
    "fix the error in the given paragraph",
    "remove any repeating sentences",
    "remove unnecessary repetition",
    "rewrite any incomplete sentences",
    "return directly the results without explanation",
    "return directly the input paragraph",
    "if it is already correct without explanation",
)
_STEMS = tuple(tuple(stem(word) for word in phrase.split()) for phrase in INSTRUCTIONS)


def measure(passage: Passage) -> Measurement:
    """Largest share of one instruction's words (stemmed) that the text says in a row; 0 to 1."""
    said = f" {' '.join(stem(word) for word in passage.words)} "
    worst = Measurement(0.0)
    for phrase, stems in zip(INSTRUCTIONS, _STEMS, strict=True):
        share = _longest_run(stems, said) / len(stems)
        if share > worst.value:
            worst = Measurement(share, f'"{phrase}"')
    return worst


def _longest_run(stems: tuple[str, ...], said: str) -> int:
    for length in range(len(stems), 1, -1):
        for start in range(len(stems) - length + 1):
            if f" {' '.join(stems[start : start + length])} " in said:
                return length
    return 0


RULE = Rule(
    name="instruction_echo",
    why="An answer that repeats its instruction says nothing of the picture.",
    source="MiniGPT-4's own prompts (arXiv 2304.10592, sections 3.2 and 3.3)",
    measure=measure,
    fails="above",
    limit=0.8,
)
