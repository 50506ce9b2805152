"""What a rewriter says of the text instead of rewriting it."""

from filters.english import excerpt
from filters.quotations import own_words
from filters.remarks import OPENING, REMARK, SIGNS
from pipeline.schema import Measurement, Passage, Rule
from pipeline.text import sentence_spans


def measure(passage: Passage) -> Measurement:
    """Number of remarks about the text in the description's own words."""
    text = passage.text
    own = own_words(text).lower()
    found = [match.span() for match in [OPENING.match(own)] if match]
    if not SIGNS.isdisjoint(passage.vocabulary):
        for (start, end), words in zip(sentence_spans(text), passage.sentence_words, strict=True):
            if not SIGNS.isdisjoint(words):
                found += [(start + m.start(), start + m.end()) for m in REMARK.finditer(own[start:end])]
    return Measurement(float(len(found)), excerpt(text, *found[0]) if found else "")


RULE = Rule(
    name="rewriter_commentary",
    why="A remark about the text is no description of the picture.",
    source='MiniGPT-4 (arXiv 2304.10592): the repair prompt asks for results "without explanation", and gets it anyway',
    measure=measure,
    fails="above",
    limit=0.0,
    mendable=True,
)
