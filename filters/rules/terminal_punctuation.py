"""Lines that end without a terminal mark."""

import re

from pipeline.schema import Measurement, Passage, Rule

_TERMINAL = re.compile(r"[.!?…\"'”’][)\]]?$")


def measure(passage: Passage) -> Measurement:
    """Lines that end in neither a terminal mark nor a closing quotation mark / lines; 0 to 1, and 0 without lines.

    C4 drops each such line of a page. In captions the mark alone misleads: human ones are often written without, and
    a sentence can break off before a full stop. `dangling_ending` looks closer, so this one is measured and off.
    """
    lines = [line for line in map(str.rstrip, passage.text.splitlines()) if line]
    bare = [line for line in lines if not _TERMINAL.search(line) or line.endswith("...")]
    return Measurement(len(bare) / len(lines), f'"...{bare[-1][-40:]}"') if bare else Measurement(0.0)


RULE = Rule(
    name="terminal_punctuation",
    why="It is the measure other curation tools report, so a set can be compared with theirs.",
    source="C4 (arXiv 1910.10683), as datatrove's C4QualityFilter: . ? ! and quotation marks end a line, ... does not",
    measure=measure,
    fails="above",
    limit=None,
    mendable=True,
)
