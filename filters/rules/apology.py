"""Apologies of the model to its user."""

import re

from filters.quotations import count_matches
from pipeline.schema import Measurement, Passage, Rule

_SIGNS = frozenset(
    "sorry apologize apologise apologizes apologizing apologies apology oops whoops pardon forgive excuse mistake"
    " mistakes"
    " error errors misspoke corrected bad wrong mistaken regret meant take".split()
)
_SLIPS = r"(?:confusion|mistakes?|errors?|inconvenience|misunderstanding|mix-?up|delay|oversight|trouble|inaccurac)"
APOLOGY = re.compile(
    r"\bi(?:['’]m| am) (?:so |very |really |truly |terribly |deeply |extremely |awfully )?sorry\b"
    r"|\b(?:i|we) (?:do |must |sincerely |deeply |want to |would like to |have to |should )*apologi[sz]e\b"
    r"|\bi(?:['’]d| would) like to apologi[sz]e\b|\bi owe (?:you )?an apology\b"
    r"|\bmy (?:sincere |sincerest |deepest |humble )?apologies\b|(?:^|[.!?] )apologies[,.!]"
    rf"|\b(?:apologies|sorry|pardon me) (?:for|about) (?:the|that|this|any|my)(?: \w+)? {_SLIPS}"
    r"|\b(?:apologies|sorry|apologi[sz]e) (?:for|about) (?:that|this|not|my|it)\b"
    r"|\bi(?:['’]ve| have)? (?:\w+ )?(?:made|make) (?:a|an|some|several) (?:\w+ )?(?:mistakes?|errors?)\b"
    r"|(?:^|[.!?:] )(?:oops|whoops|sorry|my (?:bad|mistake)|pardon me)[,!.]"
    r"|\b(?:please |do )(?:forgive|pardon|excuse) (?:me|my|the (?:error|mistake|confusion))\b"
    r"|\bi was (?:wrong|mistaken) (?:about|before|earlier|when|there|to say)\b|\bi (?:take (?:that|it) back"
    r"|meant to say)\b"
    r"|\bapologies (?:if|that|to you)\b|\bi regret (?:the|that|any|this|to say|not)\b|\bi misspoke\b"
    r"|\bi stand corrected\b",
)


def measure(passage: Passage) -> Measurement:
    """Number of apologies in the description's own words: a card may well say "I'm sorry"."""
    return Measurement(0.0) if _SIGNS.isdisjoint(passage.vocabulary) else count_matches(APOLOGY, passage.text)


RULE = Rule(
    name="apology",
    why="An apology answers a user who is not there; it describes nothing.",
    source='MiniGPT-4 (arXiv 2304.10592): "I\'m sorry I made a mistake...", "I apologize for that ..."',
    measure=measure,
    fails="above",
    limit=0.0,
)
