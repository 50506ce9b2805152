"""Why a picture could not be fetched: a small taxonomy over img2dataset's error messages.

img2dataset hands on nothing but `str(error)`, so the rule is read off the text; the text itself is kept as the
reason. Where two patterns fit, the first of the table wins.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Failure:
    """Why one row has no picture: the rule, the original message and, for a limit, what was measured."""

    rule: str
    reason: str  # never empty
    value: float | None = None


_RULES = (
    ("blocked_address", r"not a public address|redirection to url .* is not allowed|unknown url type|no host given"),
    ("too_large", r"body of more than \d+ bytes"),
    ("disallowed", r"X-Robots-Tag"),
    ("http_403", r"^HTTP Error 403\b"),
    ("http_404", r"^HTTP Error 404\b"),
    ("http_4xx", r"^HTTP Error 4\d\d\b"),
    ("http_5xx", r"^HTTP Error 5\d\d\b"),
    ("timeout", r"timed out"),
    ("dns", r"name or service not known|name resolution|no address associated|nodename nor servname"),
    ("refused", r"connection refused"),
    ("reset", r"connection reset|broken pipe|closed connection without response"),
    ("tls", r"\bssl\b|certificate"),
    ("truncated", r"^IncompleteRead"),
)


def failure_of(message: str) -> Failure:
    """The failure that an error message of img2dataset stands for; `fetch_failed` when it fits no rule."""
    reason = " ".join(message.split()) or "no message"
    for rule, pattern in _RULES:
        if re.search(pattern, reason, re.IGNORECASE):
            return Failure(rule, reason)
    return Failure("fetch_failed", reason)
