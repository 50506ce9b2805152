"""Characters that no English sentence is written with."""

import re
import string
from functools import lru_cache

from filters.depicted import is_shown
from filters.english import excerpt
from filters.quotations import own_words
from pipeline.schema import Measurement, Passage, Rule

# Letters that UTF-8 becomes when it is read as Latin-1 or Windows-1252: "â€™", "Ã©", "Â ", "Ð¢", "ï¿½".
MOJIBAKE = re.compile(
    r"â€.?|Ã[\u0080-\u00bf\u0152-\u0192\u2018-\u2122 ]|Â[\u0080-\u00bf\s]|[ÐÑ][\u0080-\u00bf\u2018-\u2122]|ï¿½|ðŸ\S*"
)
ENTITY = re.compile(
    r"&(?:#\d{2,5}|#x[0-9a-f]{2,5}|amp|nbsp|lt|gt|quot|apos|mdash|ndash|hellip|rsquo|lsquo|rdquo|ldquo|copy|reg);|_x00[0-9a-f]{2}_",
    re.IGNORECASE,
)
TAG = re.compile(
    r"</?(?:br|p|b|i|u|em|strong|div|span|a|img|ul|ol|li|h[1-6]|table|tr|td|font|center|hr|sup|sub|code|pre|body|html)"
    r"(?:\s[^<>]*)?/?>",
    re.IGNORECASE,
)
_ROWS = r"(?:asdf|sdfg|dfgh|fghj|ghjk|hjkl|qwer|werty|uiop|zxcv|xcvb|cvbn|vbnm|lkjh|kjhg|hgfd|fdsa|poiuy|rewq|zzx)"
_TOKEN = re.compile(r"\S+")
MASH = re.compile(
    rf"(?<![\w\"])(?!qwerty\b|QWERTY\b|Qwerty\b)\w*{_ROWS}\w*"
    r"|\b[a-z]*[bcdfghjklmnpqrstvwxz]{7,}[a-z]*\b|\b[bcdfghjklmnpqrstvwxz]{5,}\b|\b\w*([a-z])\1{3,}\w*"
    r"|\b[a-z]*(?:q(?!u|a|i)[a-z])[a-z]+\b"
)
# "!!!!!" is meaningless as a whole, while "!" is not. "..." is C4's ellipsis (`dangling_ending`).
SYMBOLS = re.compile(
    r"([^\w\s])\1{3,}|([!,;:\"$&%/+@])\2{2,}|_{2,}|(?<![\d.,])0{5,}(?![\d.,]*\d)"
    r"|[^\w\s.,;:!?'\"()\[\]\-–—−‐‑…%&/$€£¥°+’‘“”„‚«»‹›´`#@*=×÷±≈≤≥½¼¾⅓⅔⅛²³™®©§¡¿·•′″№º\u0300-\u036f]"
    r"|(?:#[^\W\d]\w+\s*){2,}|(?<!\w)[#@*_`](?!\w)|[#*=`]{2,}|\\[nrtu]|(?:[\u0300-\u036f]\S?){4,}"
)
BROKEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff\ufffc-\uffff]")
_EVERYDAY = frozenset(string.ascii_letters + string.digits + " \n.,;:!?'\"()-–—’‘“”%&/$€£°#é")
_SUSPICIOUS = (*(mark * 3 for mark in ".,;:!?'\"()-–—%&/$€£"), "# ", " #", "##", "&")


def find_meaningless(text: str) -> list[tuple[int, int]]:
    """The (start, end) offsets of what means nothing, in order; signs may show symbols, but never broken characters."""
    spans: list[tuple[int, int]] = []
    if not _EVERYDAY.issuperset(text) or any(sign in text for sign in _SUSPICIOUS):
        own = own_words(text)
        spans += [match.span() for pattern in (BROKEN, MOJIBAKE, ENTITY) for match in pattern.finditer(text)]
        spans += [match.span() for match in TAG.finditer(own)]
        spans += [match.span() for match in SYMBOLS.finditer(own) if not is_shown(own, *match.span())]
    if any(map(is_mash, text.split())):
        spans += [match.span() for match in _TOKEN.finditer(own_words(text)) if is_mash(match[0])]
    merged: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


@lru_cache(maxsize=8192)
def is_mash(token: str) -> bool:
    """Whether a token is fingers on a keyboard: a run along a row of keys, seven consonants, or no vowel at all."""
    return MASH.search(token) is not None


def measure(passage: Passage) -> Measurement:
    """Share of the characters that are broken, odd symbols, runs of one mark, HTML, mojibake or keyboard mash."""
    spans = find_meaningless(passage.text)
    if not spans:
        return Measurement(0.0)
    share = sum(end - start for start, end in spans) / len(passage.text)
    return Measurement(share, excerpt(passage.text, *spans[0]))


RULE = Rule(
    name="meaningless_characters",
    why='MiniGPT-4\'s repair asks to remove "meaningless characters"; what is left of them is junk to learn.',
    source="data-juicer's special_characters_filter, with the punctuation of English prose allowed",
    measure=measure,
    fails="above",
    limit=0.0,
    mendable=True,
)
