"""Refusals to describe, and requests for a picture."""

import re

from filters.quotations import count_matches
from pipeline.schema import Measurement, Passage, Rule

_SIGNS = frozenset(
    "i i'm i'd you your please unable impossible attached uploaded loaded provided shared supplied received"
    " unavailable seeing viewing access"
    " available load processed opened viewed guidelines policy policies unfortunately failed me inappropriate"
    " unethical beyond assistant model reasons without nothing".split()
)
_PICTURE = r"(?:images?|pictures?|photos?|photographs?|files?|visuals?)"
_DO = (
    r"(?:see|view|access|describe|provide|identify|determine|assist|help(?! (?:but|\w+ing)\b)|fulfill?|comply"
    r"|answer|generate|process|look"
    r"|display|recogni[sz]e|tell|analy[sz]e|open|load|confirm|interpret|offer|give|comment|continue|complete|do that"
    r"|do this|say|read|create|produce|perform|detect|verify|name|count|guess|go into|make out|examine|discern"
    r"|respond|discuss|share|write)"
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
    r"|\bi (?:have no|lack (?:the|any)|do not have the|don['’]t have the) (?:way of|means of|ability|capability"
    r"|capacity|access"
    r"|tools|information|context)\b|\bmore than i (?:can|am able to)\b"
    rf"|\bi(?:['’]m| am) not (?:really |quite |entirely )?(?:sure|certain) (?:what|who|which|where|whether) (?:the"
    rf"|this|that"
    r"|it|they|these|those|you)\b"
    rf"|\b(?:any|an?) {_PICTURE} (?:attached|uploaded|provided|included|in your)\b(?= (?:to|with|in|here|by you)"
    rf"|[.,;!]|$)"
    rf"|\bnot (?:accessible|available|visible|known|clear|shown|possible|given) to (?:me|this (?:assistant|model"
    rf"|ai|system))\b"
    r"|\bbeyond my (?:capabilities|abilities|ability|knowledge|means|skills|understanding)\b"
    rf"|\b(?:this|the|your) (?:ai |language |vision |virtual )?(?:assistant|model|system|chatbot|ai) (?:is"
    rf"|was) (?:not able|unable"
    rf"|not allowed|not designed|not permitted|incapable)\b(?: to| of)"
    rf"|\b{_PICTURE} (?:that )?you (?:mentioned|sent|uploaded|attached|provided|shared|are referring to"
    rf"|referred to|want)\b"
    r"|\b(?:inappropriate|unethical|wrong|improper|against the rules) (?:for me )?to (?:describe|identify|comment"
    r"|speculate)\b"
    rf"|\b(?:nothing|not anything) (?:that |for me )?(?:to|i can|can be|could be) (?:describe"
    rf"|say about)(?= (?:here|in this)|[.,;]|$)"
    rf"|\bi (?:do not|don['’]t) feel (?:\w+ )?(?:comfortable|able|qualified)\b|\bi(?:['’]m| am) not comfortable\b"
    r"|\bfor (?:privacy|safety|legal|ethical|security) reasons,? (?:i|we)\b|\b(?:cannot|can['’]t) (?:help"
    r"|assist) (?:you )?with"
    r" (?:that|this)\b|\bwithout (?:further|more|additional|any) (?:context|information),? (?:i|it is|it['’]s|this"
    r"|there)\b"
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
