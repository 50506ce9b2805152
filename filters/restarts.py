"""Where a description begins for the second time."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import takewhile

from filters.english import FINITE_VERBS, RELATIVES, sentence_contents, words_of

_PICTURE = (
    r"(?:image|picture|photo|photograph|drawing|illustration|clip ?art|painting|cartoon|graphic|scene|snapshot|shot"
    r"|artwork|sketch|close-up|screenshot)"
)
_SHOWS = (
    r"(?:shows|depicts|features|displays|contains|captures|presents|portrays|showcases|illustrates|shown is|is of"
    r"|consists of|includes|is showing|is a (?:picture|photo|photograph|drawing|depiction) of)"
)
_PART = r"(?:left|right|first|second|third|fourth|last|next|other|top|bottom|upper|lower|middle|central|inner)\b"
# A definite noun goes on ("The image shows the man's hat"), and so does what sums up ("captures a moment of joy").
_NEW = (
    r"(?:an?|some|two|three|four|five|six|several|many|people|one)\b"
    r"(?! (?:\w+ )?(?:moments?|sense|feeling|mood|atmosphere|glimpse|contrast|combination|mix|blend|variety|sight"
    r"|few more|total|close-up view|good view|better view|clear view|good example|great example|view of it))"
)
_OPENING = re.compile(
    rf"(?:(?:the|this|an?) (?!{_PART})(?:\w+ )?{_PICTURE} {_SHOWS} {_NEW}"
    rf"|(?:(?:the|this) {_PICTURE}|this|it|here) is an? (?:[\w-]+ ){{0,3}}{_PICTURE} (?:of|showing|depicting)\b"
    rf"|this is {_NEW}|(?:in )?this {_PICTURE},? (?:is|there (?:is|are)|(?:we|you|one|i) (?:can )?see) {_NEW}"
    rf"|(?:in|on) the {_PICTURE},? (?:(?:we|you|one|i) (?:can )?see|(?:we|you|one) (?:are|is) shown) {_NEW}"
    rf"|(?:here|now),? (?:we|you|one|i) (?:can )?see {_NEW})",
)
# A caption without a verb; "A photo of a girl hangs on the wall" is no opening. Neither begins the text's first words.
_CAPTION = re.compile(rf"an? (?:[\w-]+ ){{0,3}}{_PICTURE} (?:of|showing|depicting) {_NEW}")
_ADDING = re.compile(r"(?:the|this) scene\b|\S+ \S+ (?:includes|contains|consists)\b")
# Neither is without one of these; a cheap look first.
_MENTION = re.compile(rf"\b(?:{_PICTURE[3:-1]}|see|[Tt]his is|shown)\b")
_GLUED = re.compile(r"(?<=[a-z\"”][.!?])(?=(?:The|This|In|It|There|A|An|Here)\s)")  # a seam without a blank
_KNOWN = 0.5  # share of an opening's content that must have been said, where no other opening stands before it
_LEAST = 2  # stems of content; fewer are said by chance


def split_seams(sentences: Sequence[str]) -> list[str]:
    """`sentences`, each cut once more where a full stop and the next sentence touch."""
    return [part for sentence in sentences for part in _GLUED.split(sentence)]


def part_seams(text: str) -> str:
    """`text` with a blank wherever a full stop and the next sentence touch."""
    return _GLUED.sub(" ", text)


def find_restart(sentences: Sequence[str]) -> int | None:
    """Position of the sentence that opens a description for the second time; None if there is none.

    "The image shows a bus." opens one, unless it is the first to do so and names what nobody has spoken of: a text may
    begin "An old photo hangs on a wall." and go on "The photo shows a bride." "The image also shows a man." and "The
    image is bright." do not open one.
    """
    if not any(_MENTION.search(sentence) for sentence in sentences[1:]):
        return None
    openings = {position for position, sentence in enumerate(sentences) if _OPENING.match(sentence.lower())}
    captions = {p for p, sentence in enumerate(sentences) if p and p not in openings and _is_caption(sentence)}
    if not (openings | captions) - {0}:
        return None
    adding = {position for position in openings if _ADDING.match(sentences[position].lower())}
    contents = sentence_contents(tuple(sentences))
    for position in sorted((openings | captions) - {0}):
        known = len(contents[position] & frozenset[str]().union(*contents[:position]))
        anew = position in openings and min(openings) < position and not adding.intersection((min(openings), position))
        if anew or (known >= _LEAST and (position in captions or known >= _KNOWN * len(contents[position]))):
            return position
    return None


def _is_caption(sentence: str) -> bool:
    """Whether `sentence` is "A photo of a woman in a hat." without a verb of its own."""
    if not _CAPTION.match(sentence.lower()):
        return False
    main = list(takewhile(lambda word: word not in RELATIVES, words_of(sentence)))
    return FINITE_VERBS.isdisjoint(main)
