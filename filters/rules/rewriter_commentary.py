"""What a rewriter says of the text instead of rewriting it."""

from filters.english import excerpt
from filters.quotations import matches_by_sentence, own_words
from filters.remarks import OPENING, REMARK, SIGNS
from pipeline.schema import Measurement, Passage, Rule


def measure(passage: Passage) -> Measurement:
    """Number of remarks about the text in the description's own words."""
    found = matches_by_sentence(REMARK, SIGNS, passage)
    if opening := OPENING.match(own_words(passage.text).lower()):
        found.insert(0, opening.span())
    return Measurement(float(len(found)), excerpt(passage.text, *found[0]) if found else "")


RULE = Rule(
    name="rewriter_commentary",
    why="A remark about the text is no description of the picture.",
    source='MiniGPT-4 (arXiv 2304.10592): the repair prompt asks for results "without explanation", and gets it anyway',
    measure=measure,
    fails="above",
    limit=0.0,
    mendable=True,
)
