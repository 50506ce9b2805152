"""Refusals to describe, and requests for a picture."""

import re

from filters.quotations import count_matches
from pipeline.schema import Measurement, Passage, Rule

# A text without any of these words refuses nothing.
_SIGNS = frozenset(
    "i i'm i'd me you your please unable impossible unfortunately failed attached uploaded loaded provided shared"
    " supplied received available unavailable load processed opened viewed seeing viewing access guidelines policy"
    " policies".split()
)
_PICTURE = r"(?:images?|pictures?|photos?|photographs?|files?|visuals?)"
_DO = (
    r"(?:see|view|access|describe|provide|identify|determine|assist|help|fulfill?|comply|answer|generate|process|look"
    r"|display|recogni[sz]e|tell|analy[sz]e|open|load|confirm|interpret|offer|give|comment|continue|complete|do that"
    r"|do this|say|read|create|produce|perform|detect|verify|make out|examine|discern|respond|discuss|share|write)"
)
_CANNOT = (
    r"(?:cannot|can ?not|can['’]t|could not|couldn['’]t|do not|don['’]t|did not|didn['’]t|will not|won['’]t"
    r"|would not|wouldn['’]t|must not)"
)
_IS_NOT = r"(?:(?:was|is|has|were|does|did|could) not|(?:was|is|has|were|does|did|could)n['’]t|can ?not|can['’]t)"
_SENT = r"(?:provided|attached|uploaded|loaded|shared|supplied|included|given|received|sent|available|displayed)"
_ELSEWHERE = r"(?!\s+(?:on|in|at|to the)\b)"  # "no picture was loaded on the van"
_I_AM = r"\bi(?:['’]m| am| was)"
_PHRASES = (
    # "I cannot see", "I won't be able to tell", "I do not actually have access", "I don't know what"
    rf"\bi {_CANNOT}(?: \w+)?(?: be able to)? {_DO}\b",
    (
        rf"\bi {_CANNOT} (?:actually |currently |really )?have (?:access|the ability|any|enough|an image|personal"
        r"|feelings|opinions|eyes|emotions)"
    ),
    rf"\bi {_CANNOT} know (?:what|how)",
    # "I'm unable", "I am not able", "I was never shown", "I'm afraid I", "I'm sorry, but"
    (
        rf"{_I_AM} (?:\w+ )?(?:unable|incapable|prohibited|not (?:able|allowed|permitted|designed|programmed|equipped"
        r"|capable|comfortable))\b"
    ),
    rf"{_I_AM} afraid (?:that |but )?(?:i|this|the|there|it)\b|{_I_AM} sorry,? (?:but|i can)",
    r"\bi (?:was|have|am) (?:not|never)(?: been)? (?:given|provided|shown|sent)\b",
    # "I must decline", "I'd rather not", "I would need more", "against my guidelines"
    r"\bi (?:must|have to|will have to|respectfully|need to) (?:decline|refuse)\b|\bi (?:refuse|decline) to\b",
    r"\bi(?:['’]d| would) (?:(?:rather|prefer) not\b|need (?:more|to see|you|an?) )",
    r"\b(?:against|violates?) (?:my|our|the) (?:\w+ )?(?:guidelines|polic(?:y|ies)|programming|rules|principles)\b",
    # "unable to view the picture", "not possible for me to"
    (
        rf"\b(?:unable|not able|impossible|not possible|failed) (?:for me )?to {_DO} (?:the|this|that|your|an?"
        rf"|any) (?:\w+ )?(?:{_PICTURE}|request|description|content)\b"
    ),
    r"\b(?:unable|not able|impossible|not possible|difficult|hard) for me to\b",
    # "no image was provided", "I don't see any picture", "the photo could not be loaded", "without seeing the image"
    (
        rf"\b(?:no|not an?) {_PICTURE} (?:(?:was|is|were|has been|have been|seems to be"
        rf"|appears to be) )?{_SENT}{_ELSEWHERE}"
    ),
    (
        rf"\b(?:there (?:is|was) no|i (?:see|have) no|i (?:do not|don['’]t) see (?:an?|any|the)) {_PICTURE}"
        r"(?=[.,;!]|$| (?:to|here|in your|attached|provided|available))"
    ),
    (
        rf"\b(?:the|this|your|an?) {_PICTURE} {_IS_NOT}(?: be| been| seem to be| appear to be)?"
        rf" (?:{_SENT}|load|described|processed|opened|viewed){_ELSEWHERE}"
    ),
    rf"\b{_PICTURE} (?:failed to load|not (?:available|found|loaded|provided)|is unavailable)",
    rf"\bwithout (?:(?:being able to )?see(?:ing)?|access to|viewing|having) (?:the|an?|any) (?:actual )?{_PICTURE}",
    # "please upload the picture", "could you share it again", "you have not attached"
    (
        r"\b(?:please|(?:could|can|would) you(?: please)?) (?:re-?upload|upload|provide|share|attach|send|resend"
        r"|give me|supply|try)(?: (?:me|us|with))? (?:an?|the|your|more|again|another|some|additional|it)\b"
    ),
    (
        rf"\byou (?:have not|haven['’]t|did not|didn['’]t|forgot to)(?: yet)? (?:{_SENT}|provide|attach|upload|share"
        r"|include|send)"
    ),
)
REFUSAL = re.compile("|".join(_PHRASES))


def measure(passage: Passage) -> Measurement:
    """Number of refusals in the description's own words."""
    return Measurement(0.0) if _SIGNS.isdisjoint(passage.vocabulary) else count_matches(REFUSAL, passage.text)


RULE = Rule(
    name="refusal",
    why="A model that says what it cannot do, or asks for the picture, has not described it.",
    source='refusal phrases of instruction-tuned models ("I cannot see the image"), as in Vicuna\'s data cleaning',
    measure=measure,
    fails="above",
    limit=0.0,
)
