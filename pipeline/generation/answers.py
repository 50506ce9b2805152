"""What an answer is, and how it is read from a row's tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.backends.completion import LENGTH, STOP
from pipeline.generation.stops import Stops


@dataclass(frozen=True)
class Answer:
    """One row's text without its end mark, its length in tokens (the mark not counted), why it ended."""

    text: str
    tokens: int
    finish: str


def read_answer(stops: Stops, ids: Sequence[int], limit: int) -> Answer:
    """Decode a row, of at most `limit` tokens, up to its end mark or its first end token."""
    own = stops.own(ids)
    text, marked = stops.chat.until_end_mark(str(stops.chat.tokenizer.decode(own, skip_special_tokens=True)))
    said = own if not marked else stops.chat.said(text) if text else []
    return Answer(text, len(said), STOP if marked or len(own) < limit else LENGTH)
