"""Titles that people gave to pictures, made fit to be captions; and sentences made from them.

Alt-text noise in the source (authors, file names, collections, dates) says nothing about the picture.
`clean_title` removes it by the listed `NOISE` patterns, in order; a title of which nothing is left, or that
only names a collection (`EMPTY`), does not enter the corpus.
"""

from __future__ import annotations

import html
import re
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from hashlib import sha256


@dataclass(frozen=True)
class Noise:
    """One kind of text in a title that is not about the picture."""

    name: str
    why: str
    pattern: re.Pattern[str]
    instead: str = " "


def _noise(name: str, why: str, pattern: str, instead: str = " ") -> Noise:
    return Noise(name, why, re.compile(pattern, re.IGNORECASE), instead)


NOISE = (
    _noise("credit", "names who drew it", r"^\s*clip\s?art by .*?\s-\s"),
    _noise(
        "author",
        "names who drew it",
        r"\s*\b(?:by|from|author:?)\s+(?!(?:an?|the|my|his|her|its|their)\b)[A-Z][\w.]+(?:\s+[A-Z][\w.]+)*\s*$",
    ),
    _noise("address", "a way to reach the author", r"\S+@\S+|(?:https?://|www\.)\S+"),
    _noise("date", "when it was filed", r"\((?:mon|tue|wed|thu|fri|sat|sun)\b[^)]*\)|,?\s*\b(?:19|20)\d\d\b\.?$"),
    _noise("extension", "a file's name, not a title", r"\.(?:svg|png|jpe?g|gif)\b"),
    _noise(
        "medium", "how it was made", r"\b(?:svg|(?:open\s?)?clip\s?arts?|vector(?:ed|ial)?|inkscape|remix(?:ed)?)\b"
    ),
    _noise("separator", "a file name's word separators", r"[_/\\|~*]+|(?<=\w)-(?=\w)"),
    _noise("dash", "stands for a comma", r"\s+-+\s+", ", "),
    _noise("publisher", "names who published it", r"\baiga\b"),
    _noise("camel case", "words run together in a file's name", r"(?-i:(?<=[a-z])(?=[A-Z]))"),
    _noise("number", "tells copies of a drawing apart", r"\s*(?:#|\b(?:no|nr|v|ver|version)\.?)?\s*\d+[a-z]?\s*$"),
    _noise("digits", "tells copies of a drawing apart", r"(?<=[a-z]{3})\d+\b"),
    _noise("brackets", "a remark or a number", r"\([^)]*\)|\[[^\]]*\]|[(){}\[\]<>\"“”]"),
)

EMPTY = re.compile(
    r"^(?:various|part of|untitled|unknown|unnamed|unsorted|no ?title|test|image|picture|drawing|icon|icons|symbol"
    r"|sign|map symbols?|new|old|my|the|simple|set of|collection|stuff|object|thing|shape|design|logo)$"
    r"|\bcollection\b|\btheme\b|\biconset\b|\bicon set\b|\bsub?mission\b|\bsymbol signs\b|\bcliparts?\b",
    re.IGNORECASE,
)

JUNK_KEYWORD = re.compile(
    r"^hash|\btheme\b|^(?:unsorted|icons?|app ?icon|mime-?types?|misc\w*|mapsym|special|clip ?art|shapes?"
    r"|signs? and symbols|magick|activities|webpage|subnational|united nations member|media|various|other|general|stuff"
    r"|buttons?|image|color|colour|symbols?|signs?)$"
    r"|architetto|rollandin|\bby\b|\d|@|[^\x00-\x7f]",
    re.IGNORECASE,
)


def clean_title(title: str) -> str:
    """A title without its noise, in lower case (as MiniGPT-4's stage 1 reads captions); "" if nothing is left."""
    text = html.unescape(title).strip()
    for noise in NOISE:
        text = noise.pattern.sub(noise.instead, text).strip(" -,.;:!?'")
    text = " ".join(text.split()).lower()
    words = [word for word in re.findall(r"[^\W\d_]+", text) if len(word) > 2]
    if not words or len(text) > 120 or not text.isascii() or EMPTY.search(text):
        return ""
    return text


def is_english(caption: str, dictionary: AbstractSet[str]) -> bool:
    """Whether at least two thirds of the caption's words of three letters or more are in the dictionary.

    Language identification is unreliable on two words of alt-text; a word list is not.
    """
    words = [word for word in re.findall(r"[a-z]+", caption) if len(word) > 2]
    return 3 * sum(word in dictionary for word in words) >= 2 * max(len(words), 1)


def caption_of(title: str, keywords: list[str | None]) -> str:
    """The caption of a titled picture; a flag titled by its country's name alone is called a flag."""
    caption = clean_title(title)
    if caption and "flag" in keywords and "flag" not in caption:
        return f"the flag of {caption}"
    return caption


def clean_keywords(keywords: list[str | None], caption: str) -> list[str]:
    """Keywords that add something to `caption`, in their order, at most five, without junk."""
    kept: list[str] = []
    seen = {word.rstrip("s") for word in re.findall(r"\w+", caption.lower())}
    for keyword in keywords:
        text = " ".join((keyword or "").replace("_", " ").lower().split())
        words = {word.rstrip("s") for word in re.findall(r"\w+", text)}
        if not words or not 3 <= len(text) <= 30 or JUNK_KEYWORD.search(text) or words & seen:
            continue
        kept.append(text)
        seen |= words
    return kept[:5]


_DETERMINED = re.compile(r"(?:a|an|the|some|two|three|four|five|\d+|his|her|my|your|no|it|this)\b")
_DOING = re.compile(r"[\w' -]+ing\b(?! \w*s?$)")
# Things that end as participles do: "a king", but "running".
_THING_IN_ING = re.compile(
    r"(?:[\w'-]+ )*(?:king|ring|earring|wing|string|spring|swing|sling|ceiling|building|painting|drawing|engraving"
    r"|wedding|railing|duckling|gosling|pudding|stocking|crossing|opening|ending|viking)$"
)
_VOWEL_SOUND = re.compile(r"[aeio]|u(?!ni(?![mn])|s[abeiu]|t[ei]|k|r[aiou])|hour|honest|heir")
_MASS = frozenset(
    "water snow rain wine milk coffee tea bread cheese rice sand fire smoke ice hair grass wood gold".split()
)


def noun_phrase(caption: str) -> str:
    """`caption` with an article where it looks like one countable thing ("a red apple", "maps", "snow")."""
    caption = caption.rstrip(". ")
    thing = re.split(r"\b(?:of|in|on|with|for|at|and|from)\b", caption)[0].strip()
    last = thing.split()[-1:] or [""]
    doing = _DOING.match(caption) and not _THING_IN_ING.match(thing)
    plural = last[0].endswith("s") and not last[0].endswith("ss")
    if _DETERMINED.match(caption) or doing or plural or last[0] in _MASS:
        return caption
    return ("an " if _VOWEL_SOUND.match(caption) else "a ") + caption


_OPENINGS = (
    "The image shows {thing}.",
    "This is a picture of {thing}.",
    "The picture shows {thing}.",
    "This image is of {thing}.",
)
_TOPICS = (
    "It is about {topics}.",
    "It has to do with {topics}.",
    "The subject is {topics}.",
    "It belongs to {topics}.",
)
_COLORS = ("The main colors are {colors}.", "It is drawn in {colors}.", "The colors are {colors}.")


def enumerate_words(words: list[str]) -> str:
    """["a", "b", "c"] -> "a, b and c"."""
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " and " + words[-1]


def sentences_of(key: str, caption: str, keywords: list[str], colors: list[str]) -> str:
    """The description that stage 1 learns for a picture: what it shows, what it is about, its colours.

    Bare titles teach a small model to answer with lists and loops; sentences teach it to talk. The
    phrasing is drawn by `key`, so that it is the same in every run.
    """
    draw = int.from_bytes(sha256(key.encode()).digest()[:4], "big")
    text = _OPENINGS[draw % len(_OPENINGS)].format(thing=noun_phrase(caption))
    if keywords:
        text += " " + _TOPICS[(draw >> 4) % len(_TOPICS)].format(topics=enumerate_words(keywords[:3]))
    if len(colors) > 1:
        text += " " + _COLORS[(draw >> 8) % len(_COLORS)].format(colors=enumerate_words(colors[:3]))
    elif colors:
        text += f" The main color is {colors[0]}."
    return text
