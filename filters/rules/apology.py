"""Apologies of the model to its user."""

import re

from filters.quotations import count_matches
from pipeline.schema import Measurement, Passage, Rule

_SIGNS = frozenset(
    "sorry apologize apologise apologizes apologizing apologies apology oops whoops pardon forgive excuse mistake"
    " mistakes error errors typo typos slip misspoke corrected bad wrong mistaken regret meant take".split()
)
_SLIPS = r"(?:confusion|mistakes?|errors?|inconvenience|misunderstanding|mix-?up|delay|oversight|trouble|inaccurac)"
_PHRASES = (
    # "I'm so sorry", "we do apologise", "I would like to apologize"
    r"\bi(?:['’]m| am) (?:so |very |really |truly |terribly |deeply |extremely |awfully )?sorry\b",
    r"\b(?:i|we) (?:do |must |sincerely |deeply |want to |would like to |have to |should )*apologi[sz]e\b",
    r"\bi(?:['’]d| would) like to apologi[sz]e\b",
    # "I owe you an apology", "my sincere apologies", "Apologies,"
    r"\bi owe (?:you )?an apology\b",
    r"\bmy (?:sincere |sincerest |deepest |humble )?apologies\b",
    r"(?:^|[.!?] )apologies[,.!]",
    # "sorry for the confusion", "apologies for that"
    rf"\b(?:apologies|sorry|pardon me) (?:for|about) (?:the|that|this|any|my)(?: \w+)? {_SLIPS}",
    r"\b(?:apologies|sorry|apologi[sz]e) (?:for|about) (?:that|this|not|my|it)\b",
    # "I have made a mistake", "Oops!", "My bad."
    (
        r"\bi(?:['’]ve| have)? (?:\w+ )?(?:made|make) (?:a|an|some|several)"
        r" (?:\w+ )?(?:mistakes?|errors?|typos?|slips?)\b"
    ),
    r"(?:^|[.!?:] )(?:oops|whoops|sorry|my (?:bad|mistake)|pardon me)[,!.]",
    # "please forgive my", "Forgive me for"
    r"\b(?:please |do )(?:forgive|pardon|excuse) (?:me|my|the (?:error|mistake|confusion))\b",
    r"(?:^|[.!?] )(?:forgive|pardon|excuse) me for\b",
    # "I was wrong about", "I take that back", "I meant to say"
    r"\bi was (?:wrong|mistaken) (?:about|before|earlier|when|there|to say)\b",
    r"\bi (?:take (?:that|it) back|meant to say)\b",
    # "apologies if", "I regret the", "I misspoke", "I stand corrected"
    r"\bapologies (?:if|that|to you)\b",
    r"\bi regret (?:the|that|any|this|to say|not)\b",
    r"\bi misspoke\b",
    r"\bi stand corrected\b",
)
APOLOGY = re.compile("|".join(_PHRASES))  # in lower-cased text


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
