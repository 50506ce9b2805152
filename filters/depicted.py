"""Symbols and foreign letters that a description shows because they are in the picture: no quotation marks needed."""

from __future__ import annotations

import re
import unicodedata

from filters.characters import count_letters

# What is written somewhere: "the characters 本日休業", "is painted गरम जलेबी in red", "the kanji 愛 is brushed".
_WRITING = re.compile(
    r"\b(?:characters?|letter(?:s|ing|ed)?|words?|kanji|hanzi|kana|hiragana|katakana|calligraphy|scripts?|symbols?|signs?"
    r"|runes?|ideograms?|tattoo(?:s|ed)?|texts?|inscri(?:bed|ptions?)|lettered|logos?|labels?|labell?ed|captions?|slogans?"
    r"|mottos?|titles?|titled|names?|named|called|spell(?:s|ed|ing)?|reads?|reading|says?|saying|writ(?:ten|ing)|painted"
    r"|printed|engraved|carved|brushed|stencill?ed|sprayed|embroidered|stitched|stamped|banners?|meaning|means|menus?"
    r"|seals?|stamps?|posters?|plaques?|headlines?"
    r"|in (?:korean|japanese|chinese|greek|russian|arabic|hebrew|thai|hindi|cyrillic))\b",
    re.IGNORECASE,
)
# What shows symbols: right before one, or right behind it ("the @ and # keys").
_SYMBOLIC = re.compile(
    r"\b(?:symbols?|ratings?|signs?|keys?|buttons?|marked|marks?|tally|strokes|arrows?|stars?|hearts?|notes?|clefs?|sharps?|flats?"
    r"|cards?|king|queen|jack|ace|emojis?|icons?|characters?|letters?|glyphs?|stickers?|logos?|painted|drawn|printed"
    r"|written|stencilled|embossed|crossword|blanks?|squares?|bullets?|ticks?|crosses|zodiac|reads?|reading|says|saying"
    r"|spells?|labelled|labeled|keyboards?|keypads?|calculators?|terminal|command line|tic-tac-toe|noughts|emoticons?"
    r"|shirts? with|shows)\b",
    re.IGNORECASE,
)
_FORMAL = re.compile(
    r"\b(?:formulas?|formulae|equations?|integrals?|theorems?|proofs?|matri(?:x|ces)|blackboard|chalkboard|whiteboard"
    r"|mathematic\w*|physics|vectors?|variables?|chemi\w+|reactions?)\b",
    re.IGNORECASE,
)
# A mark that stands where a noun does: "a big ∞ on it", "the # is"; in "the ∞ cat" it means nothing.
_ARTICLE = re.compile(
    r"\b(?:an?|the|this|each|every|one|two|three)(?: (?:big|small|little|tiny|giant|single|[a-z]+ed))? $", re.IGNORECASE
)
_PREDICATE = re.compile(
    r"s?(?:[,.;:!?]|\s(?:is|are|on|in|at|of|and|or|with|above|below|beside|under|over|for|[a-z]+ed)\b)"
)
_END = re.compile(r"[.!?](?=\s|$)")
_BEFORE, _BEHIND = 40, 16  # characters


def is_written(text: str, start: int) -> bool:
    """Whether a letter of another script at `start` stands in a mostly Latin sentence that speaks of writing."""
    sentence = _sentence_around(text, start)
    letters = count_letters(sentence)
    ascii_letters = count_letters(sentence.encode("ascii", "ignore").decode())
    if 2 * ascii_letters < letters:
        return False
    return _WRITING.search(sentence) is not None or (_is_greek(text[start]) and _FORMAL.search(sentence) is not None)


def is_shown(text: str, start: int, end: int) -> bool:
    """Whether the marks in `text[start:end]` are named as symbols next to where they stand, or belong to a formula."""
    sentence_start, sentence_end = _bounds(text, start)
    if all(unicodedata.category(c) in {"Sm", "Mn", "Mc", "No"} or c.isspace() for c in text[start:end]):
        sentence = text[sentence_start:sentence_end]
        if _FORMAL.search(sentence) or _WRITING.search(sentence):
            return True
    before = text[max(sentence_start, start - _BEFORE) : start]
    behind = text[end : min(sentence_end, end + _BEHIND)]
    if _ARTICLE.search(before) and _PREDICATE.match(behind):
        return True
    return _SYMBOLIC.search(before) is not None or _SYMBOLIC.search(behind) is not None


def _bounds(text: str, position: int) -> tuple[int, int]:
    start = max((mark.end() for mark in _END.finditer(text, 0, position)), default=0)
    following = _END.search(text, position)
    return start, following.start() if following else len(text)


def _sentence_around(text: str, position: int) -> str:
    return text[slice(*_bounds(text, position))]


def _is_greek(letter: str) -> bool:
    return unicodedata.name(letter, "").startswith(("GREEK", "MATHEMATICAL", "LATIN SUBSCRIPT"))
