"""Sentence splitting, shared by rules and repairs."""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import pairwise

from syntok import segmenter

# syntok splits before a capital letter only. A caption model trained on lower-cased captions writes
# "it is a map. it is a country.", and two passes joined at an unfinished sentence read
# "a flower that The image shows a cat.": both are boundaries here.
_UNMARKED = re.compile(
    r"(?P<word>[^\W\d_]+)(?:\.\s+(?=[a-z])|,?\s+(?=(?:The|This|These|It|There|In|On|He|She|They)\s[a-z]))"
)
_ABBREVIATIONS = frozenset(
    "approx ave ca cf cm co corp dept dr eg est etc fig ft ie incl inc jr kg km lb ltd max min misc mm mr mrs ms mt"
    " no oz pp prof sr st vol vs".split()
)
_QUOTING = frozenset("called named reads reading says saying titled word words".split())  # 'a sign that says The end'
_CLOSING = re.compile(r"[.,;:!?)\]}”]+\s*")
_GOES_ON = re.compile(r"[(\[“\"']?[a-z]")


def split_sentences(text: str) -> list[str]:
    """Split English text into sentences, in order, white space at their ends stripped."""
    return [text[start:end] for start, end in sentence_spans(text)]


@lru_cache(maxsize=256)  # the repairs of one text ask again and again for the same sentences
def sentence_spans(text: str) -> tuple[tuple[int, int], ...]:
    """The (start, end) character offsets of the sentences: in order, disjoint, all but white space covered."""
    starts = sorted({0, len(text), *_syntok_starts(text), *_unmarked_starts(text)})
    spans = []
    for start, end in pairwise(starts):
        piece = text[start:end]
        if piece.strip():
            spans.append((start + len(piece) - len(piece.lstrip()), start + len(piece.rstrip())))
    return tuple(_join_quotations(text, spans))


def _syntok_starts(text: str) -> list[int]:
    """Where syntok's sentences start, less the starts that cut a sentence at its brackets or quotes."""
    starts = []
    for paragraph in segmenter.analyze(text):
        for number, tokens in enumerate(paragraph):
            start = tokens[0].offset
            if number == 0:
                starts.append(start)
                continue
            if closing := _CLOSING.match(text, start):
                start = closing.end()
            if not _GOES_ON.match(text, start):
                starts.append(start)
    return starts


def _unmarked_starts(text: str) -> list[int]:
    starts = []
    for match in _UNMARKED.finditer(text):
        word, stopped = match["word"].lower(), text[match.end("word")] == "."
        abbreviated = stopped and (len(word) == 1 or word in _ABBREVIATIONS)
        if not abbreviated and (stopped or word not in _QUOTING):
            starts.append(match.end())
    return starts


def _join_quotations(text: str, spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Join the sentences of one quotation, so that no sentence holds half a pair of straight quotes."""
    joined: list[tuple[int, int]] = []
    position = 0
    while position < len(spans):
        last = position
        if _odd_quotes(text, spans[position]):
            closing = (i for i in range(position + 1, min(position + 4, len(spans))) if _odd_quotes(text, spans[i]))
            last = next(closing, position)
        joined.append((spans[position][0], spans[last][1]))
        position = last + 1
    return joined


def _odd_quotes(text: str, span: tuple[int, int]) -> bool:
    return text.count('"', *span) % 2 == 1
