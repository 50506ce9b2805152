"""What a rewriter says of the text instead of rewriting it."""

import re

from filters.quotations import count_matches
from pipeline.schema import Measurement, Passage, Rule

_TEXT = r"(?:paragraph|text|passage|sentence|description|caption|version|rewrite|output|result)s?"
_MENDED = r"(?:corrected|revised|rewritten|fixed|improved|edited|cleaned(?:[- ]up)?|updated|final|polished|refined)"
COMMENTARY = re.compile(
    rf"\bhere(?:['’]s| is| are) (?:the|a|an|your|my) (?:\w+ )?{_MENDED}(?: {_TEXT})?"
    rf"|\bhere(?:['’]s| is| are) (?:the|a|your|my) {_TEXT}(?: \w+){{0,4}}:"
    rf"|\b(?:the|this|your) (?:given|above|input|original|provided) {_TEXT}\b"
    rf"|(?:^|[.!?:]\s+)(?:the|this|your) (?:paragraph|passage) (?:is|was|has|contains|does|describes|seems|appears)\b"
    rf"(?! (?:printed|written|located|placed|in|on|at|above|below|under|next|framed|highlighted|set|centered))"
    rf"|\b{_TEXT} (?:is|are|was|seems?|appears?|looks?|remains?)(?: to be)?(?: \w+)? (?:correct|unchanged|error-free)\b"
    rf"|\balready correct\b|\b(?:the|this) (?:corrected|rewritten|fixed) (?:paragraph|text|sentence|description)\b"
    rf"|(?:^|[.!?]\s+){_MENDED} {_TEXT}:"
    r"|\bno (?:\w+ )?(?:errors?|mistakes?|changes?|corrections?|repetitions?) (?:(?:were|was|are|is|to be) )?"
    r"(?:found|needed|necessary|required|made|detected|correct|present)"
    r"|\bI(?:['’]ve| have)? (?:removed|corrected|fixed|rewritten|rewrote|revised)\b"
    r"|\b(?:grammatical|spelling) (?:errors?|mistakes?)\b|\brepeat(?:ing|ed) sentences?\b|\bwithout explanation\b"
    r"|^\W*(?:sure|certainly|of course|okay|ok)\s*[,!.:]",
    re.IGNORECASE,
)


def measure(passage: Passage) -> Measurement:
    """Number of remarks about the text outside quotation marks."""
    return count_matches(COMMENTARY, passage.text)


RULE = Rule(
    name="rewriter_commentary",
    why="A remark about the text is no description of the picture.",
    source='MiniGPT-4 (arXiv 2304.10592): the repair prompt asks for results "without explanation", and gets it anyway',
    measure=measure,
    fails="above",
    limit=0.0,
    mendable=True,
)
