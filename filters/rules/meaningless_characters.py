"""Characters that no English sentence is written with."""

import re

from filters.english import excerpt
from pipeline.schema import Measurement, Passage, Rule

# Runs first: "!!!!!" is meaningless as a whole, while "!" is not. "..." is C4's ellipsis (`dangling_ending`).
MEANINGLESS = re.compile(
    r"([^\w\s])\1{3,}|([!,;:\"$&%/+])\2{2,}|_{2,}"
    r"|[^\w\s.,;:!?'\"()\[\]\-–—…%&/$€£¥°+’‘“”´`#@*=×½¼¾²³™®©\u0300-\u036f]"
    r"|(?<!\w)[#@*=_`]+(?!\w)|[#*=`]{2,}"
)


def measure(passage: Passage) -> Measurement:
    """Share of the characters that are control or replacement characters, odd symbols, or runs of one mark."""
    matches = list(MEANINGLESS.finditer(passage.text))
    if not matches:
        return Measurement(0.0)
    share = sum(len(match[0]) for match in matches) / len(passage.text)
    return Measurement(share, excerpt(passage.text, *matches[0].span()))


RULE = Rule(
    name="meaningless_characters",
    why='MiniGPT-4\'s repair asks to remove "meaningless characters"; what is left of them is junk to learn.',
    source="data-juicer's special_characters_filter, with the punctuation of English prose allowed",
    measure=measure,
    fails="above",
    limit=0.0,
    mendable=True,
)
