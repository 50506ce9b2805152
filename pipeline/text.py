"""Sentence splitting, shared by rules and repairs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise

from syntok import segmenter

# syntok takes 1.5 ms for a caption, so it is asked only where a boundary is in doubt. After each boundary it is in
# the state of a new text: what stands between two boundaries can be split by itself. And where no bracket is open it
# decides a mark, and a closing quote right behind it, by the words beside them:
#   nothing follows, or a blank and a lower-case letter, or the mark stands between digits: no boundary;
#   a blank and a capital follow: a boundary behind a word or number of two characters or more, unless the word is an
#   abbreviation and none that opens sentences follows ("Mr. Smith"), or the number has a month behind it.
# Every other mark is in doubt, and so is a sentence with a bracket in it; tests/filters/test_sentences.py holds this
# reading against syntok's own.
_PLAIN = re.compile("[ -~\n\u00a1-\u017f–—‘’“”…]*")  # without further blanks, brackets and marks (".", U+3002, ...)
_PARAGRAPH = re.compile(r"\n[ \n]*\n")
_MARK = re.compile(r"[.!?;(\[{]")
_CLOSED = re.compile(r"[(\[{][A-Za-z0-9](?:[^()\[\]{}.!?;]*[A-Za-z0-9])?[)\]}]")  # a bracket that holds no mark
_FOLLOWING = re.compile(
    r"[\"'”’]?(?:[ \n]*\Z|[ \n]+(?:[a-z]|(?P<word>[A-Z][a-z]*)(?P<exact>(?![^ \n,]))?))|(?<=[0-9]\.)[0-9]"
)
_ENDING = re.compile(r"[\"“‘']?(?:[A-Za-z]+-)*(?P<word>[A-Z]?[a-z]+|[0-9]{2,})")
_NUMBERING = frozenset(["no", "No"])  # "No. A4"

# syntok splits before a capital letter only. A caption model trained on lower-cased captions writes
# "it is a map. it is a country.", and two passes joined at an unfinished sentence read
# "a flower that The image shows a cat.": both are boundaries here.
_STOPPED = re.compile(r"\.\s+(?=[a-z])")
_BEGINNING = re.compile(r"(?:The|This|These|It|There|In|On|He|She|They)\s[a-z]")
_LAST_WORD = re.compile(r"[^\W\d_]+\Z")
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
    starts = sorted({0, len(text), *_marked_starts(text), *_unmarked_starts(text)})
    spans = []
    for start, end in pairwise(starts):
        piece = text[start:end]
        if piece.strip():
            spans.append((start + len(piece) - len(piece.lstrip()), start + len(piece.rstrip())))
    return tuple(_join_quotations(text, spans)) if '"' in text else tuple(spans)


def _marked_starts(text: str) -> Iterator[int]:
    """Where syntok's sentences start, or white space before them, less the starts that cut a sentence at its quotes."""
    if not _PLAIN.fullmatch(text):
        yield from _syntok_starts(text, 0, len(text))
        return
    begin = 0
    for gap in _PARAGRAPH.finditer(text):
        yield from _starts_in_paragraph(text, begin, gap.start())
        begin = gap.end()
    yield from _starts_in_paragraph(text, begin, len(text))


def _starts_in_paragraph(text: str, begin: int, end: int) -> Iterator[int]:
    """The starts in `text[begin:end]`, a paragraph of plain characters, with syntok's help where it is needed."""
    doubtful = False
    for mark in _MARK.finditer(text, begin, end):
        stop = mark.end()
        following = _FOLLOWING.match(text, stop, end)
        if mark[0] in "([{":
            doubtful = True
            if not _CLOSED.match(text, stop - 1, end):
                break  # syntok looks far ahead for the closing one
        elif following is None:
            doubtful = True
        elif following["word"] and (ends := _ends_sentence(text, begin, stop - 1, following)):
            yield from _syntok_starts(text, begin, following.start("word")) if doubtful else (begin,)
            begin, doubtful = following.start("word"), False
        elif following["word"] and ends is None:
            doubtful = True
    yield from _syntok_starts(text, begin, end) if doubtful else (begin,)


def _ends_sentence(text: str, begin: int, stop: int, following: re.Match[str]) -> bool | None:
    """Whether a mark at `stop` ends the sentence that goes on or begins with `following`; None where it is in doubt."""
    chunk = text[max(begin, text.rfind(" ", begin, stop) + 1, text.rfind("\n", begin, stop) + 1) : stop]
    ending = _ENDING.fullmatch(chunk)
    if ending is None or len(word := ending["word"]) < 2 or word in _NUMBERING:
        return None
    state, following_word = segmenter.State, following["word"]
    if word not in state.abbreviations and not word.isdigit():
        return True
    if following["exact"] is None:
        return None
    return following_word in state.starters if word in state.abbreviations else following_word not in state.months


def _syntok_starts(text: str, begin: int, end: int) -> Iterator[int]:
    """Where syntok's sentences start in `text[begin:end]`, less the starts that cut one at its brackets or quotes."""
    for paragraph in segmenter.analyze(text[begin:end]):
        for number, tokens in enumerate(paragraph):
            start = begin + tokens[0].offset
            if number == 0:
                yield start
                continue
            if closing := _CLOSING.match(text, start):
                start = closing.end()
            if not _GOES_ON.match(text, start):
                yield start


def _unmarked_starts(text: str) -> Iterator[int]:
    for stop in _STOPPED.finditer(text):
        word = _word_before(text, stop.start())
        if len(word) > 1 and word not in _ABBREVIATIONS:
            yield stop.end()
    for beginning in _BEGINNING.finditer(text):
        before = text[: beginning.start()].rstrip()
        word = _word_before(text, len(before) - before.endswith(","))
        if word and len(before) < beginning.start() and word not in _QUOTING:
            yield beginning.start()


def _word_before(text: str, end: int) -> str:
    """The letters, lower-cased, that stand right before `end`; "" if there are none."""
    word = _LAST_WORD.search(text, max(0, text.rfind(" ", 0, end)), end)
    return word[0].lower() if word else ""


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
