"""Refusals to describe, and requests for a picture."""

import re

from filters.quotations import count_matches
from pipeline.schema import Measurement, Passage, Rule

_SIGNS = frozenset(
    "i i'm i'd you your please unable impossible attached uploaded loaded provided shared supplied received"
    " unavailable seeing viewing access available load processed opened viewed guidelines policy policies"
    " unfortunately failed me inappropriate unethical beyond assistant model reasons without nothing".split()
)
_PICTURE = r"(?:images?|pictures?|photos?|photographs?|files?|visuals?)"
_DO = (
    r"(?:see|view|access|describe|provide|identify|determine|assist|help(?! (?:but|\w+ing)\b)|fulfill?|comply|answer"
    r"|generate|process|look|display|recogni[sz]e|tell|analy[sz]e|open|load|confirm|interpret|offer|give|comment"
    r"|continue|complete|do that|do this|say|read|create|produce|perform|detect|verify|name|count|guess|go into"
    r"|make out|examine|discern|respond|discuss|share|write)"
)
_NOT = (
    r"(?:cannot|can ?not|can['’]t|could not|couldn['’]t|do not|don['’]t|did not|didn['’]t|will not|won['’]t|would not"
    r"|wouldn['’]t|must not)"
)
_SENT = r"(?:provided|attached|uploaded|loaded|shared|supplied|included|given|received|sent|available|displayed)"
_PHRASES = (
    # "I cannot see", "I won't be able to tell"; not "I cannot see why"
    rf"\bi {_NOT}(?: (?!see why\b)\w+)?(?: be able to)? {_DO}\b",
    # "I do not actually have access", "I do not have opinions", "I don't know what"
    (
        rf"\bi {_NOT} (?:actually |currently |really )?(?:have (?:access|the ability|any|enough|an image|personal"
        r"|feelings|opinions|eyes|emotions)|know (?:what|how))"
    ),
    # "I'm unable", "I was not designed", "I'm afraid that I", "I was never shown"
    (
        r"\bi(?:['’]m| am| was) (?:\w+ )?(?:unable|not able|not allowed|not permitted|not designed|not programmed"
        r"|not equipped|not capable|not comfortable|incapable|prohibited)\b"
    ),
    r"\bi(?:['’]m| am) afraid (?:that |but )?(?:i|this|the|there|it)\b",
    r"\bi (?:was|have|am) (?:not|never)(?: been)? (?:given|provided|shown|sent)\b",
    # "I must decline", "I refuse to", "I'd rather not", "I would need more"
    r"\bi (?:must|have to|will have to|respectfully|need to) (?:decline|refuse)\b",
    r"\bi (?:refuse|decline) to\b",
    r"\bi(?:['’]d| would) (?:rather|prefer) not\b",
    r"\bi(?:['’]d| would) need (?:more|to see|you|an?) ",
    # "unable to view the picture", "hard for me to"
    (
        rf"\b(?:unable|not able|impossible|not possible|failed) (?:for me )?to (?:{_DO})"
        rf" (?:the|this|that|your|an?|any) (?:\w+ )?(?:{_PICTURE}|request|description|content)\b"
    ),
    r"\b(?:unable|not able|impossible|not possible|difficult|hard) for me to\b",
    # "no image was provided", "I don't see any picture"; not "no picture was loaded on the van"
    (
        rf"\b(?:no|not an?) {_PICTURE} (?:(?:was|is|were|has been|have been|seems to be"
        rf"|appears to be) )?{_SENT}(?!\s+(?:on|in|at|to the)\b)"
    ),
    (
        r"\b(?:there (?:is|was) no|i (?:see|have) no|i (?:do not|don['’]t) see"
        rf" (?:an?|any|the)) {_PICTURE}(?=[.,;!]|$| (?:to|here|in your|attached|provided|available))"
    ),
    # "the photo could not be loaded", "image not found"
    (
        rf"\b(?:the|this|your|an?) {_PICTURE} (?:(?:was|is|has|were|does|did|could)"
        r" not|(?:was|is|has|were|does|did|could)n['’]t|(?:can ?not|can['’]t))(?: be| been| seem to be"
        rf"| appear to be)? (?:{_SENT}|load|described|processed|opened|viewed)(?!\s+(?:on|in the|at|to the)\b)"
    ),
    rf"\b{_PICTURE} (?:failed to load|not (?:available|found|loaded|provided)|is unavailable)",
    # "please upload the picture", "could you share it again", "you have not attached"
    (
        r"\b(?:please|could you(?: please)?|can you(?: please)?|would you(?: please)?)"
        r" (?:re-?upload|upload|provide|share|attach|send|resend|give me|supply|try)(?: (?:me|us|with))?"
        r" (?:an?|the|your|more|again|another|some|additional|it)\b"
    ),
    (
        r"\byou (?:have not|haven['’]t|did not|didn['’]t|forgot to)(?: yet)?"
        rf" (?:{_SENT}|provide|attach|upload|share|include|send)"
    ),
    # "without seeing the image"
    rf"\bwithout (?:(?:being able to )?see(?:ing)?|access to|viewing|having) (?:the|an?|any) (?:actual )?{_PICTURE}",
    # "I have no means of", "more than I can", "I'm not sure what the"
    (
        r"\bi (?:have no|lack (?:the|any)|do not have the|don['’]t have the)"
        r" (?:way of|means of|ability|capability|capacity|access|tools|information|context)\b"
    ),
    r"\bmore than i (?:can|am able to)\b",
    (
        r"\bi(?:['’]m| am) not (?:really |quite |entirely )?(?:sure|certain) (?:what|who|which|where|whether)"
        r" (?:the|this|that|it|they|these|those|you)\b"
    ),
    # "any picture attached", "not visible to me", "beyond my abilities"
    (
        rf"\b(?:any|an?) {_PICTURE} (?:attached|uploaded|provided|included|in your)\b(?="
        r" (?:to|with|in|here|by you)|[.,;!]|$)"
    ),
    (
        r"\bnot (?:accessible|available|visible|known|clear|shown|possible|given) to (?:me|this"
        r" (?:assistant|model|ai|system))\b"
    ),
    r"\bbeyond my (?:capabilities|abilities|ability|knowledge|means|skills|understanding)\b",
    # "this assistant is not able to", "the picture you sent"
    (
        r"\b(?:this|the|your) (?:ai |language |vision |virtual )?(?:assistant|model|system|chatbot|ai) (?:is|was)"
        r" (?:not able|unable|not allowed|not designed|not permitted|incapable)\b(?: to| of)"
    ),
    (
        rf"\b{_PICTURE} (?:that )?you (?:mentioned|sent|uploaded|attached|provided|shared|are referring to"
        r"|referred to|want)\b"
    ),
    # "unethical to identify", "nothing that I can describe"
    (
        r"\b(?:inappropriate|unethical|wrong|improper|against the rules) (?:for me )?to"
        r" (?:describe|identify|comment|speculate)\b"
    ),
    (
        r"\b(?:nothing|not anything) (?:that |for me )?(?:to|i can|can be|could be) (?:describe|say about)(?="
        r" (?:here|in this)|[.,;]|$)"
    ),
    # "I do not feel comfortable", "for privacy reasons, I"
    r"\bi (?:do not|don['’]t) feel (?:\w+ )?(?:comfortable|able|qualified)\b",
    r"\bi(?:['’]m| am) not comfortable\b",
    r"\bfor (?:privacy|safety|legal|ethical|security) reasons,? (?:i|we)\b",
    # "cannot help with that", "without further context, I"
    r"\b(?:cannot|can['’]t) (?:help|assist) (?:you )?with (?:that|this)\b",
    r"\bwithout (?:further|more|additional|any) (?:context|information),? (?:i|it is|it['’]s|this|there)\b",
    # "I'm sorry, but", "against my guidelines"
    r"\bi(?:['’]m| am) sorry,? (?:but|i can)",
    r"\b(?:against|violates?) (?:my|our|the) (?:\w+ )?(?:guidelines|polic(?:y|ies)|programming|rules|principles)\b",
)
REFUSAL = re.compile("|".join(_PHRASES))  # in lower-cased text


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
