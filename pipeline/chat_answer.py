"""What an OpenAI-compatible server sends back: the part of a chat completion that is read, and when to ask again."""

from __future__ import annotations

import time
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

from pydantic import BaseModel, Field, ValidationError

LONGEST_PAUSE = 60.0  # seconds, whatever the server asks for


@dataclass(frozen=True)
class Reply:
    """A server's answer to one request; `finish` is empty and a count None where it does not say."""

    text: str
    finish: str = ""
    tokens: int | None = None  # of the answer, by the server's own count
    tokens_in: int | None = None  # of the request


class _Message(BaseModel):
    content: str


class _Choice(BaseModel):
    message: _Message
    finish_reason: str | None = None


class _Answer(BaseModel):
    """Servers add fields of their own."""

    choices: list[_Choice] = Field(min_length=1)
    usage: Any = None  # an answer is no worse for a usage that cannot be read


def read_answer(body: bytes) -> Reply:
    """Hold a body against what `/chat/completions` promises. Raises ValueError that names the first broken promise."""
    try:
        answer = _Answer.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise ValueError(f"{place}: {first['msg']}" if place else first["msg"]) from None
    choice = answer.choices[0]
    tokens, tokens_in = (_tokens(answer.usage, key) for key in ("completion_tokens", "prompt_tokens"))
    return Reply(choice.message.content, choice.finish_reason or "", tokens, tokens_in)


def _tokens(usage: object, key: str) -> int | None:
    """A number of the server's usage, where it is there and a count."""
    tokens = usage.get(key) if isinstance(usage, dict) else None
    return tokens if isinstance(tokens, int) and tokens >= 0 else None


def read_retry_after(value: str) -> float:
    """Seconds to wait for a Retry-After header (seconds or an HTTP date, RFC 9110 section 10.2.3), 0 to LONGEST_PAUSE.

    What is neither counts as 0.
    """
    if value.strip().isdecimal():
        return min(LONGEST_PAUSE, float(value))
    try:
        until = parsedate_to_datetime(value).timestamp()
    except (ValueError, OverflowError):
        return 0.0
    return min(LONGEST_PAUSE, max(0.0, until - time.time()))
