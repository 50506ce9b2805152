"""Refusals to describe, and requests for a picture."""

import re

from filters.quotations import count_matches
from pipeline.schema import Measurement, Passage, Rule

_SIGNS = frozenset(
    "i i'm i'd you your please unable impossible attached uploaded loaded provided shared supplied received"
    " unavailable seeing viewing access"
    " available load processed opened viewed guidelines policy policies unfortunately failed me".split()
)
_PICTURE = r"(?:images?|pictures?|photos?|photographs?|files?|visuals?)"
_DO = (
    r"(?:see|view|access|describe|provide|identify|determine|assist|help|fulfill?|comply|answer|generate|process|look"
    r"|display|recogni[sz]e|tell|analy[sz]e|open|load|confirm|interpret|offer|give|comment|continue|complete|do that"
    r"|do this|say|read|create|produce|perform|detect|verify|make out|examine|discern|respond|discuss|share|write)"
)
_NOT = (
    r"(?:cannot|can ?not|can['’]t|could not|couldn['’]t|do not|don['’]t|did not|didn['’]t|will not|won['’]t"
    r"|would not|wouldn['’]t|must not)"
)
_SENT = r"(?:provided|attached|uploaded|loaded|shared|supplied|included|given|received|sent|available|displayed)"
REFUSAL = re.compile(
    rf"\bi {_NOT}(?: (?!see why\b)\w+)?(?: be able to)? {_DO}\b"
    rf"|\bi {_NOT} (?:actually |currently |really )?(?:have (?:access|the ability|any|enough|an image)|know (?:what"
    r"|how))"
    r"|\bi(?:['’]m| am| was) (?:\w+ )?(?:unable|not able|not allowed|not permitted|not designed|not programmed"
    r"|not equipped|not capable|not comfortable|incapable|prohibited)\b"
    r"|\bi(?:['’]m| am) afraid (?:that |but )?(?:i|this|the|there|it)\b"
    r"|\bi (?:was|have|am) (?:not|never)(?: been)? (?:given|provided|shown|sent)\b"
    r"|\bi (?:must|have to|will have to|respectfully|need to) (?:decline|refuse)\b|\bi (?:refuse|decline) to\b"
    r"|\bi(?:['’]d| would) (?:rather|prefer) not\b|\bi(?:['’]d| would) need (?:more|to see|you|an?) "
    rf"|\b(?:unable|not able|impossible|not possible|failed) (?:for me )?to (?:{_DO}) (?:the|this|that|your|an?|any) "
    rf"(?:\w+ )?(?:{_PICTURE}|request|description|content)\b"
    r"|\b(?:unable|not able|impossible|not possible|difficult|hard) for me to\b"
    rf"|\b(?:no|not an?) {_PICTURE} (?:(?:was|is|were|has been|have been|seems to be|appears to be) )?{_SENT}"
    r"(?!\s+(?:on|in|at|to the)\b)"
    rf"|\b(?:there (?:is|was) no|i (?:see|have) no|i (?:do not|don['’]t) see (?:an?|any|the)) {_PICTURE}"
    r"(?=[.,;!]|$| (?:to|here|in your|attached|provided|available))"
    rf"|\b(?:the|this|your|an?) {_PICTURE} (?:(?:was|is|has|were|does|did|could) not|(?:was|is|has|were|does|did"
    r"|could)n['’]t"
    rf"|(?:can ?not|can['’]t))(?: be| been| seem to be| appear to be)? (?:{_SENT}|load|described|processed|opened"
    r"|viewed)"
    rf"(?!\s+(?:on|in the|at|to the)\b)|\b{_PICTURE} (?:failed to load|not (?:available|found|loaded|provided)"
    r"|is unavailable)"
    r"|\b(?:please|could you(?: please)?|can you(?: please)?|would you(?: please)?) (?:re-?upload|upload|provide|share"
    rf"|attach|send|resend|give me|supply|try)(?: (?:me|us|with))? (?:an?|the|your|more|again|another|some|additional"
    r"|it)\b"
    rf"|\byou (?:have not|haven['’]t|did not|didn['’]t|forgot to)(?: yet)? (?:{_SENT}|provide|attach|upload|share"
    r"|include|send)"
    rf"|\bwithout (?:(?:being able to )?see(?:ing)?|access to|viewing|having) (?:the|an?|any) (?:actual )?{_PICTURE}"
    r"|\bi(?:['’]m| am) sorry,? (?:but|i can)|\b(?:against|violates?) (?:my|our|the) (?:\w+ )?(?:guidelines|polic(?:y"
    r"|ies)"
    r"|programming|rules|principles)\b",
)


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
