"""Apologies of the model to its user."""

import re

from filters.quotations import count_matches
from pipeline.schema import Measurement, Passage, Rule

APOLOGY = re.compile(
    r"\bI(?:['’]m| am) (?:so |very |really |truly )?sorry\b"
    r"|\bI (?:do |must |sincerely |deeply )*apologi[sz]e\b"
    r"|\bmy (?:sincere |deepest )?apologies\b"
    r"|\b(?:apologies|sorry) (?:for|about) (?:the|that|this|any|my) (?:\w+ )?"
    r"(?:confusion|mistake|error|inconvenience|misunderstanding|delay)"
    r"|\bI (?:have |['’]ve )?made (?:a|an|some) (?:mistakes?|errors?)\b"
    r"|(?:^|[.!?] )(?:oops|sorry)[,!.] I\b",
    re.IGNORECASE,
)


def measure(passage: Passage) -> Measurement:
    """Number of apologies outside quotation marks: a card may well say "I'm sorry"."""
    return count_matches(APOLOGY, passage.text)


RULE = Rule(
    name="apology",
    why="An apology answers a user who is not there; it describes nothing.",
    source='MiniGPT-4 (arXiv 2304.10592): "I\'m sorry I made a mistake...", "I apologize for that ..."',
    measure=measure,
    fails="above",
    limit=0.0,
)
