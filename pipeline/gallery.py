"""The gallery: one HTML page with everything in it, to be read offline and without scripts.

Texts come from strangers and from models: the template escapes whatever it is given, addresses are shown but
not linked, and the page's own policy forbids it to run or load anything.
"""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise, zip_longest
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.ledger import Exit, Funnel
from pipeline.page import page_environment
from pipeline.schema import FAILED, REJECTED
from pipeline.tally import RuleTally
from pipeline.text import sentence_spans

Row = Mapping[str, Any]  # a row of an Arrow table as Python values
TOKEN = re.compile(r"\s+|\w+|[^\w\s]")


@dataclass(frozen=True)
class Piece:
    """A stretch of a text that another version of the text has too, or has not."""

    text: str
    shared: bool


@dataclass(frozen=True)
class Loss:
    """The rows that one stage rejected or failed."""

    stage: str
    outcome: str
    rows: int
    rules: str  # each rule with its count, for people


@dataclass(frozen=True)
class Group:
    """The rows that one rule rejected: how many, and those that are shown."""

    rule: str
    rows: int
    shown: tuple[Row, ...]


@dataclass(frozen=True)
class Gallery:
    """What the page shows. The rows of `kept`, `groups` and `answers` are those of the emitted tables."""

    profile: str
    funnel: Funnel
    tallies: Sequence[RuleTally]
    why: Mapping[str, str]  # rule -> why it exists
    kept: Sequence[Row]
    groups: Sequence[Group]
    failures: Sequence[tuple[str, str, int, str]]  # stage, rule, rows, the reason of one of them
    answers: Sequence[tuple[Row, Row]]  # the stage-1 and the fine-tuned model on one picture
    before_after: bytes  # a PNG
    headline: str


def compare(before: str, after: str) -> tuple[list[Piece], list[Piece]]:
    """Two versions of a text, each cut into what both have and what only it has: by sentences, then by words.

    Words alone would tear sentences apart that differ in one of them from a sentence before, as loops do.
    """
    left: list[Piece] = []
    right: list[Piece] = []
    old, new = _sentences(before), _sentences(after)
    matcher = difflib.SequenceMatcher(None, [s.strip() for s in old], [s.strip() for s in new], autojunk=False)
    for tag, a, b, c, d in matcher.get_opcodes():
        cut, put = "".join(old[a:b]), "".join(new[c:d])
        if tag == "equal":
            left.append(Piece(cut, shared=True))
            right.append(Piece(put, shared=True))
        else:
            pieces = _compare_words(cut, put)
            left += pieces[0]
            right += pieces[1]
    return left, right


def _sentences(text: str) -> list[str]:
    """The sentences of a text, each with the white space behind it."""
    starts = [0, *(start for start, _ in sentence_spans(text)[1:]), len(text)]
    return [text[start:end] for start, end in pairwise(starts)]


def _compare_words(before: str, after: str) -> tuple[list[Piece], list[Piece]]:
    old, new = TOKEN.findall(before), TOKEN.findall(after)
    opcodes = difflib.SequenceMatcher(str.isspace, old, new, autojunk=False).get_opcodes()
    left = [Piece("".join(old[a:b]), tag == "equal") for tag, a, b, _, _ in opcodes if b > a]
    right = [Piece("".join(new[c:d]), tag == "equal") for tag, _, _, c, d in opcodes if d > c]
    return left, right


def losses_of(found: Funnel) -> list[Loss]:
    """What each stage took out, in the order of the stages."""
    by_fate: dict[tuple[str, str], list[Exit]] = {}
    for leaving in found.exits:
        by_fate.setdefault((leaving.stage, leaving.outcome), []).append(leaving)
    return [
        Loss(stage, outcome, sum(e.rows for e in exits), ", ".join(f"{e.rule} {e.rows:,}" for e in exits))
        for (stage, outcome), exits in by_fate.items()
    ]


def judged_text(row: Row) -> str:
    """The text that a row was last judged by: the final one, or the one that the filter saw."""
    return row["final_text"] or row["repaired_text"] or row["raw_text"] or ""


def failed_verdicts(row: Row) -> list[Row]:
    """The verdicts of the last judging that the text failed."""
    return [verdict for verdict in row["verify_verdicts"] or row["filter_verdicts"] or [] if verdict["failed"]]


def group_by_rule(rejected: pa.Table, limit: int) -> list[Group]:
    """Rejected rows by the rule that rejected them, the most frequent first, at most `limit` shown in all.

    Every rule shows a first row before any shows a second one.
    """
    rules = rejected.filter(pc.equal(rejected["outcome"], REJECTED))["rule"].to_pylist()
    numbers = pc.indices_nonzero(pc.equal(rejected["outcome"], REJECTED)).to_pylist()
    by_rule: dict[str, list[int]] = {rule: [] for rule, _ in Counter(rules).most_common()}
    for rule, number in zip(rules, numbers, strict=True):
        by_rule[rule].append(number)
    chosen = set([n for layer in zip_longest(*by_rule.values()) for n in layer if n is not None][:limit])
    groups = []
    for rule, members in by_rule.items():
        shown = rejected.take(pa.array([n for n in members if n in chosen], pa.int64())).to_pylist()
        groups.append(Group(rule, len(members), tuple(shown)))
    return groups


def failures_of(rejected: pa.Table) -> list[tuple[str, str, int, str]]:
    """The failed rows by stage and rule, the most frequent first, each with the reason of its first row."""
    rows = rejected.filter(pc.equal(rejected["outcome"], FAILED)).select(["stage", "rule", "reason"]).to_pylist()
    counts = Counter((row["stage"], row["rule"]) for row in rows)
    reasons = {(row["stage"], row["rule"]): row["reason"] for row in reversed(rows)}
    return [(stage, rule, count, reasons[stage, rule]) for (stage, rule), count in counts.most_common()]


def pair_answers(answers: pa.Table, limit: int) -> list[tuple[Row, Row]]:
    """The answers of both models to the first `limit` pictures, side by side."""
    return list(_paired(answers.to_pylist()))[:limit]


def _paired(rows: Iterable[Row]) -> Iterator[tuple[Row, Row]]:
    by_key: dict[str, dict[str, Row]] = {}
    for row in rows:
        by_key.setdefault(row["key"], {})[row["model"]] = row
    return ((both["stage1"], both["finetuned"]) for both in by_key.values())


def render(gallery: Gallery) -> str:
    """The page."""
    environment = page_environment()
    environment.globals |= {"compare": compare, "judged_text": judged_text, "failed_verdicts": failed_verdicts}
    environment.globals |= {"losses": losses_of(gallery.funnel)}
    return environment.get_template("gallery.html").render(profile=gallery.profile, g=gallery)
