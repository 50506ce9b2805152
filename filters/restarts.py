"""Where a description begins for the second time."""

from __future__ import annotations

import re
from collections.abc import Sequence

from filters.english import PLACE_PREPOSITIONS, sentence_contents, stem
from filters.openings import Kind, begins_with_picture, kind_of, shows_picture, subject_of
from filters.synonyms import concepts

_GLUED = re.compile(r"(?<=[a-z\"”][.!?])(?=(?:The|This|In|It|There|A|An|Here)\s)")  # a seam without a blank
_KNOWN = 0.5  # share of an opening's content that must have been said, where no other opening stands before it
_LEAST = 2  # stems of content; fewer are said by chance
_SILENT = concepts(map(stem, PLACE_PREPOSITIONS)) | concepts(["scene", "frame", "view", "look", "follow", "given"])


def split_seams(sentences: Sequence[str]) -> list[str]:
    """`sentences`, each cut once more where a full stop and the next sentence touch."""
    return [part for sentence in sentences for part in _GLUED.split(sentence)]


def part_seams(text: str) -> str:
    """`text` with a blank wherever a full stop and the next sentence touch."""
    return _GLUED.sub(" ", text)


def find_restart(sentences: Sequence[str]) -> int | None:
    """Position of the sentence that opens a description for the second time; None if there is none.

    "This image shows a bus.", "We are looking at a bus." open one anywhere, for they speak of the picture as a whole,
    unless a picture has been named that the picture shows. "The image shows a bus." does so if another opening stands
    before it, or if most of what it names has been named: a text may begin "An old photo hangs on a wall." and go on
    "The photo shows a bride." "In the image, a bus is parked." opens one if a bus has been named. "The image also shows
    a man." and "The image is bright." never do.
    """
    opened = bool(sentences) and begins_with_picture(sentences[0])
    contents: list[frozenset[str]] = []
    for position in range(1, len(sentences)):
        kind = kind_of(sentences[position])
        if kind:
            contents = contents or [concepts(content) - _SILENT for content in sentence_contents(tuple(sentences))]
            if _is_anew(kind, sentences, contents, position, opened=opened):
                return position
        opened = opened or kind in {"whole", "general"}
    return None


def _is_anew(
    kind: Kind, sentences: Sequence[str], contents: Sequence[frozenset[str]], position: int, *, opened: bool
) -> bool:
    """Whether an opening of this kind opens for the second time, all before it being sound.

    `contents` are what each sentence names.
    """
    sentence, before = sentences[position], sentences[:position]
    of_all = kind == "whole" or (kind == "general" and opened)
    if of_all and not shows_picture(before, sentence if opened else ""):
        return True
    said = frozenset[str]().union(*contents[:position])
    known = len(contents[position] & said)
    if known < _LEAST:
        return False
    if kind == "inside" and not concepts(subject_of(sentence)) & said:
        return False
    return kind == "caption" or known >= _KNOWN * len(contents[position])
