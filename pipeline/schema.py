"""The tables that flow from stage to stage, and the vocabulary of rules.

One table carries every sampled picture from `download` to `emit`. A stage adds columns; it never
removes a row. A row whose `outcome` is null is still alive; the first stage that rejects or fails it
fills the five `OUTCOME` columns, and every later stage passes it through untouched. The ledger is
those columns of the last table, which is why it balances.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import pairwise
from typing import Literal, NamedTuple

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


class Verdict(NamedTuple):
    """What one rule says of one text."""

    rule: str
    failed: bool
    value: float
    limit: float | None  # None: measured only, so it cannot fail
    reason: str  # empty when the text passed


class Measurement(NamedTuple):
    """A rule's value for a text, and the piece of the text that shows why."""

    value: float
    evidence: str = ""


# Python does not count combining marks among \w, yet they belong to the letter before them.
LETTER = r"[\w\u0300-\u036f]"
WORD = re.compile(rf"\w{LETTER}*(?:['’\-]\w{LETTER}*)*")
WORD_START = r"(?<![\w\u0300-\u036f'’\-])"
WORD_END = r"(?![\w\u0300-\u036f'’\-])"


@lru_cache(maxsize=1024)  # rules and repairs ask for the words of the same sentences
def split_words(text: str) -> tuple[str, ...]:
    """Lower-cased words; an apostrophe or hyphen inside a word belongs to it, and so do combining marks."""
    return tuple(WORD.findall(text.lower()))


def straight_words(words: Iterable[str]) -> frozenset[str]:
    """The different words, with straight apostrophes."""
    return frozenset(word.replace("’", "'") for word in words)


class Passage:
    """A text with its words and sentences, split once and shared by all rules."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._repeated_grams: list[dict[tuple[str, ...], int]] = []  # of two words, of three, ...
        self._places: list[int] = []  # where the longest of them start

    @cached_property
    def lower(self) -> str:
        """The text in lower case, in which a rule looks for a cheap sign before it looks closely."""
        return self.text.lower()

    @cached_property
    def words(self) -> list[str]:
        """All words, as `split_words` splits them: no sentence ends within one."""
        if "sentence_words" in vars(self):
            return [word for words in self.sentence_words for word in words]
        return WORD.findall(self.lower)

    def repeated_grams(self, n: int) -> dict[tuple[str, ...], int]:
        """How often each run of `n` words (two or more) occurs that occurs again, in the order of the text.

        Counted once for all rules that ask; where a shorter run does not recur, no longer one is looked for.
        """
        words, grams = self.words, list[tuple[str, ...]]()
        while len(self._repeated_grams) < n - 1:
            if self._repeated_grams:
                size = len(self._repeated_grams) + 2
                starts: Sequence[int] = [start for start in self._places if start + size <= len(words)]
                grams = [tuple(words[start : start + size]) for start in starts]
            else:
                grams = list(pairwise(words))
                starts = range(len(grams))
            repeated = {gram: times for gram, times in Counter(grams).items() if times > 1}
            self._places = [start for start, gram in zip(starts, grams, strict=True) if gram in repeated]
            self._repeated_grams.append(repeated)
        return self._repeated_grams[n - 2]

    @cached_property
    def sentences(self) -> list[str]:
        """Sentences in order, as syntok splits them ("Dr.", "U.S." do not end one)."""
        from pipeline.text import split_sentences

        return split_sentences(self.text)

    @cached_property
    def vocabulary(self) -> frozenset[str]:
        """The different words, with straight apostrophes: a rule looks here before it looks closely."""
        return straight_words(self.words) if "’" in self.text else frozenset(self.words)

    @cached_property
    def sentence_words(self) -> list[list[str]]:
        """The words of each sentence."""
        return [list(split_words(sentence)) for sentence in self.sentences]


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
    costly: bool = False  # too slow to measure where no limit asks for it

    def judge(self, passage: Passage, limit: float | None) -> Verdict:
        """Measure `passage` and hold the value against `limit`: one equal to it passes, and so does all without one."""
        found = self.measure(passage)
        if limit is None:
            return Verdict(self.name, False, found.value, None, "")
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
