"""The tables that flow from stage to stage, and the vocabulary of rules.

One table carries every sampled picture from `download` to `emit`. A stage adds columns; it never
removes a row. A row whose `outcome` is null is still alive; the first stage that rejects or fails it
fills the five `OUTCOME` columns, and every later stage passes it through untouched. The ledger is
those columns of the last table, which is why it balances.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import pyarrow as pa

REJECTED, FAILED, KEPT = "rejected", "failed", "kept"

CANDIDATE = pa.schema(
    [
        pa.field("key", pa.string(), nullable=False),  # 16 hex digits of sha256(url)
        pa.field("url", pa.string(), nullable=False),  # stable address: no port, no machine path
        pa.field("caption", pa.string(), nullable=False),
        pa.field("keywords", pa.list_(pa.string())),
        pa.field("source", pa.string()),  # the package, file or data set the row comes from
    ]
)

OUTCOME = pa.schema(
    [
        pa.field("outcome", pa.string()),  # null while alive, else REJECTED, FAILED (or KEPT in the ledger)
        pa.field("stage", pa.string()),
        pa.field("rule", pa.string()),
        pa.field("reason", pa.string()),
        pa.field("value", pa.float64()),  # what the rule measured, null where nothing was
    ]
)

IMAGE = pa.struct([pa.field("bytes", pa.binary()), pa.field("path", pa.string())])  # datasets' Image layout

PICTURE = pa.schema(
    [
        pa.field("image", IMAGE),  # null when the download failed
        pa.field("width", pa.int32()),
        pa.field("height", pa.int32()),
        pa.field("sha256", pa.string()),  # of the stored bytes
        pa.field("source_sha256", pa.string()),  # of the bytes as they came
        pa.field("phash", pa.string()),  # 64-bit perceptual hash of the stored picture, 16 hex digits
    ]
)

VERDICTS = pa.list_(
    pa.struct(
        [
            pa.field("rule", pa.string()),
            pa.field("failed", pa.bool_()),
            pa.field("value", pa.float64()),
            pa.field("limit", pa.float64()),
            pa.field("reason", pa.string()),
        ]
    )
)


@dataclass(frozen=True)
class Verdict:
    """What one rule says of one text."""

    rule: str
    failed: bool
    value: float
    limit: float
    reason: str  # empty when the text passed


@dataclass(frozen=True)
class Measurement:
    """A rule's value for a text, and the piece of the text that shows why."""

    value: float
    evidence: str = ""


class Passage:
    """A text with its words and sentences, split once and shared by all rules."""

    def __init__(self, text: str) -> None:
        self.text = text

    @cached_property
    def words(self) -> list[str]:
        """Lower-cased words; an apostrophe or hyphen inside a word belongs to it."""
        return re.findall(r"\w+(?:['’\-]\w+)*", self.text.lower())

    @cached_property
    def sentences(self) -> list[str]:
        """Sentences in order, as syntok splits them ("Dr.", "U.S." do not end one)."""
        from pipeline.text import split_sentences

        return split_sentences(self.text)


@dataclass(frozen=True)
class Rule:
    """One reason to distrust a description: a measure, its limit, and the side of the limit on which it fails.

    `mendable` says whether a rewriter can be expected to cure it: `filter` rejects a row at once for
    a rule that is not mendable and sends the others on to `rewrite`; `verify` rejects for all of them.
    """

    name: str
    why: str
    source: str  # the paper or tool that the formula follows
    measure: Callable[[Passage], Measurement]
    fails: Literal["above", "below"]
    limit: float | None  # tuned on captions; a profile may set another. None: off unless a profile sets one
    mendable: bool = False

    def judge(self, passage: Passage, limit: float) -> Verdict:
        """Measure `passage` and hold the value against `limit` (a value equal to the limit passes)."""
        found = self.measure(passage)
        failed = found.value > limit if self.fails == "above" else found.value < limit
        reason = f"{self.name} {found.value:.3g} is {self.fails} {limit:.3g}" if failed else ""
        if failed and found.evidence:
            reason += f": {found.evidence}"
        return Verdict(self.name, failed, found.value, limit, reason)


@dataclass(frozen=True)
class Repair:
    """A pure, idempotent mend of a text that never adds a word."""

    name: str
    why: str
    apply: Callable[[str], str]
