"""Take out what means nothing."""

import html

from filters.editing import adds_word, drop_where, until_settled
from filters.rules.meaningless_characters import MASH, MOJIBAKE, find_meaningless
from pipeline.schema import Repair


def apply(text: str) -> str:
    """`text` without symbols, tags and broken characters; a sentence whose words they have spoilt goes.

    "&amp;" becomes "&". "cobbler&#39;s" cannot be mended without making a word that was not there.
    """
    return until_settled(_strip_once, text)


_PUNCTUATION = frozenset(".,;:!?")


def _strip_once(text: str) -> str:
    spans = find_meaningless(text)
    if not spans:
        return text
    spoilt = drop_where(
        text, lambda sentence: any(not _is_loose(sentence, span) for span in find_meaningless(sentence))
    )
    if spoilt != text:
        return spoilt
    start, end = spans[0]
    found = text[start:end]
    for instead in (html.unescape(found), "" if text[end : end + 1] in _PUNCTUATION else " "):
        stripped = " ".join((text[:start] + instead + text[end:]).split())
        if _ink(stripped) < _ink(text) and not adds_word(stripped, text) and find_meaningless(stripped) != spans:
            return stripped
    return text


def _is_loose(text: str, span: tuple[int, int]) -> bool:
    """Whether what stands there can be taken out and leaves the words around it whole."""
    found = text[slice(*span)]
    if MASH.search(found) or MOJIBAKE.search(found):
        return False
    return not adds_word(text[: span[0]] + " " + text[span[1] :], text)


def _ink(text: str) -> int:
    return sum(not character.isspace() for character in text)


REPAIR = Repair(
    name="strip_meaningless",
    why='MiniGPT-4\'s repair asks to remove "meaningless characters"; the sentences around them can be sound.',
    apply=apply,
)
