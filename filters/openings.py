"""How a description of a picture opens: patterns for a sentence in lower case."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import takewhile
from typing import Literal

from filters.english import FINITE_VERBS, RELATIVES, content_stems, words_of

Kind = Literal["whole", "general", "adding", "inside", "caption", ""]

_NOUNS = (
    "image|picture|photo|photograph|drawing|illustration|clip ?art|painting|cartoon|graphic|scene|snapshot|shot"
    "|artwork|sketch|close-up|screenshot"
)
_PICTURE = rf"(?:{_NOUNS})"
_SHOWS = (
    r"(?:(?:seems to|appears to) (?:show|depict|feature|display|contain|capture|present|portray)"
    r"|shows|depicts|features|displays|contains|captures|presents|portrays|showcases|illustrates|represents|shown is"
    r"|is of|consists of|includes|is (?:showing|depicting)"
    r"|is an? (?:[\w-]+ ){0,3}(?:picture|photo|photograph|drawing|depiction|image|view|shot|portrait|close-up) of)"
)
_PART = r"(?:left|right|first|second|third|fourth|last|next|other|top|bottom|upper|lower|middle|central|inner)\b"
# A definite noun goes on ("The image shows the man's hat"), and so does what sums up ("captures a moment of joy").
_NEW = (
    r"(?:an?|some|two|three|four|five|six|several|many|people|one)\b"
    r"(?! (?:few more|total|(?:[\w-]+,? (?:and )?){0,3}(?:moments?|sense|feeling|mood|atmosphere|ambiance|ambience|vibe"
    r"|glimpse|contrast|combination|mix|blend|variety|sight|essence|spirit|slice|impression|interplay|harmony|balance"
    r"|juxtaposition|testament|reminder|bond)\b|(?:close-up|good|better|clear) view\b|(?:good|great) example\b"
    r"|view of it\b))"
)
_GIVEN = r"(?:given|following|provided|presented|above|attached|uploaded)"
_HERE = r"(?:,? (?:you (?:have )?(?:sent|provided|shared|uploaded)|provided|given|above|below|here|in question),?)"
_LEAD = r"(?:(?:so|now|okay|well|here),? )?(?:as (?:can be seen|(?:we|you|one) can see|seen|shown|depicted) )?"
# Only the picture as a whole can be meant: "This image shows a", "The given photo shows a", "Here is an image of".
_WHOLE = re.compile(
    rf"(?:this {_PICTURE}{_HERE}? {_SHOWS} {_NEW}"
    rf"|(?:the|this) (?:{_GIVEN} {_PICTURE}|{_PICTURE}{_HERE}),? {_SHOWS} {_NEW}"
    rf"|(?:the|this) {_GIVEN} {_PICTURE} is {_NEW}"
    rf"|(?:this|it|here|what (?:we|you|one|i) (?:can )?see(?: here)?|what is (?:shown|depicted|pictured)(?: here)?) is"
    rf" an? (?:[\w-]+ ){{0,3}}{_PICTURE} (?:of|showing|depicting|that shows)\b"
    rf"|(?:we are|we're|you are|you're|i am|i'm) looking at {_NEW}"
    rf"|(?:shown|pictured|depicted|seen) (?:here|in (?:the|this) {_PICTURE}) (?:is|are) {_NEW})",
)
# The same of a picture that hangs in the picture: "The photo shows a", "In the image, there is a".
_OPENING = re.compile(
    rf"(?:(?:the|this|an?) (?!{_PART})(?:\w+ )?{_PICTURE} {_SHOWS} {_NEW}"
    rf"|(?:the|this) {_PICTURE} is an? (?:[\w-]+ ){{0,3}}{_PICTURE} (?:of|showing|depicting)\b"
    rf"|(?:in )?this {_PICTURE},? (?:is|there (?:is|are)|(?:we|you|one|i) (?:can )?see) {_NEW}"
    rf"|(?:in|on) the {_PICTURE},? (?:(?:we|you|one|i) (?:can )?see|(?:we|you|one) (?:are|is) shown) {_NEW}"
    rf"|(?:here|now),? (?:we|you|one|i) (?:can )?see {_NEW})",
)
# "In the image, a dog lies on a rug." may go on, so it opens only where nearly all is known.
_INSIDE = re.compile(
    rf"{_LEAD}(?:(?:in|on) (?:the|this) {_PICTURE}{_HERE}?,? (?:(?:there (?:is|are)|it is|this is) )?|this is )"
    rf"(?P<subject>{_NEW} [^,.;]*)"
)
# A caption without a verb; "A photo of a girl hangs on the wall" is no opening. Neither begins the text's first words.
_CAPTION = re.compile(rf"an? (?:[\w-]+ ){{0,3}}{_PICTURE} (?:of|showing|depicting) {_NEW}")
# How a text begins that speaks of its picture at once, in whatever words.
_FIRST = re.compile(
    rf"(?:(?:in|on) )?(?:the|this) (?!{_PART}|scene)(?:\w+ )?{_PICTURE}\b(?! (?:on|at|in|behind|above|from)\b)"
)
_FRAME = re.compile(rf"^(?:(?:in|on) )?(?:the|this|here is an?|this is an?|it is an?) (?:[\w-]+ ){{0,2}}{_PICTURE}\b")
# A picture that the picture may show.
_OBJECT = re.compile(
    rf"\b({_NOUNS}|poster|collage|panel|album|screen|gallery|mural|frame|canvas|slide|magazine|newspaper|page|card"
    r"|book|cover|museum|easel|print)s?\b"
)
_NOUN = re.compile(_NOUNS)
_COLLECTED = frozenset("collage album panel gallery museum magazine".split())
_ADDING = re.compile(r"(?:the|this) scene\b|\S+ \S+ (?:includes|contains|consists)\b")
_VERBAL = re.compile(r"\b(?:is|are|was|were|has|have|can|with|in|on|at|by|of|that|which|who|[a-z]{3,}(?:ing|ed|s))\b")


def kind_of(sentence: str) -> Kind:
    """How `sentence` opens a description, as the module says; "" for one that does not.

    whole: only the picture as a whole can be meant. general: a picture in the picture may be meant. adding: a scene, or
    what an image contains, which goes on as often. inside: speaks of a thing in the picture. caption: has no verb.
    """
    lower = sentence.lower()
    if _WHOLE.match(lower):
        return "whole"
    if _OPENING.match(lower):
        return "adding" if _ADDING.match(lower) else "general"
    if _is_caption(sentence):
        return "caption"
    return "inside" if _INSIDE.match(lower) else ""


def begins_with_picture(sentence: str) -> bool:
    """Whether the first sentence of a text speaks of its picture: "The shot was taken from a bridge and shows ..."."""
    opens = kind_of(sentence) in {"whole", "general", "caption"} or sentence.lower().startswith("this is ")
    return opens or _FIRST.match(sentence.lower()) is not None


def subject_of(sentence: str) -> frozenset[str]:
    """Stems of what "In the image, an old man is ..." names first."""
    found = _INSIDE.match(sentence.lower())
    return content_stems(words_of(_VERBAL.split(found["subject"])[0])) if found else frozenset()


def shows_picture(sentences: Sequence[str], opening: str = "") -> bool:
    """Whether `sentences` name a picture that the picture shows.

    If `opening` is given, one that its "The photo shows" can mean: a photo, or one out of a collection.
    """
    named = {noun for s in sentences for noun in _OBJECT.findall(_FRAME.sub("", s.lower(), count=1))}
    noun = _NOUN.search(opening.lower())
    return bool(named & (_COLLECTED | {noun[0]}) if noun else named)


def _is_caption(sentence: str) -> bool:
    """Whether `sentence` is "A photo of a woman in a hat." without a verb of its own."""
    if not _CAPTION.match(sentence.lower()):
        return False
    main = list(takewhile(lambda word: word not in RELATIVES, words_of(sentence)))
    return FINITE_VERBS.isdisjoint(main)
