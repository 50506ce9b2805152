"""What an answer is, and how it is read from a row's tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from transformers import PreTrainedTokenizerBase

from pipeline.backends.completion import LENGTH, STOP
from pipeline.generation.stops import Stops
from pipeline.prompts import tokenize, until_end_mark


@dataclass(frozen=True)
class Answer:
    """One row's text without its end mark, its length in tokens (the mark not counted), why it ended."""

    text: str
    tokens: int
    finish: str


def said_tokens(tokenizer: PreTrainedTokenizerBase, text: str) -> list[int]:
    """An answer's text as it stands behind its prompt."""
    return tokenize(tokenizer, " " + text)


def read_answer(stops: Stops, ids: Sequence[int], limit: int) -> Answer:
    """Decode a row, of at most `limit` tokens, up to its end mark or its first end token."""
    own = stops.own(ids)
    text, marked = until_end_mark(str(stops.tokenizer.decode(own, skip_special_tokens=True)))
    said = own if not marked else said_tokens(stops.tokenizer, text) if text else []
    return Answer(text, len(said), STOP if marked or len(own) < limit else LENGTH)
