"""The rules against labelled captions: what they find, what they miss, and where they cry wolf."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from filters import RULES, judge_all, repair
from pipeline.quality import Proportion, Quality, proportion, quality
from tools.labels import KINDS, RULE_KINDS, Kind, LabelledRow


@dataclass(frozen=True)
class Judged:
    """A labelled row and the rules that it fails, before and after repair."""

    row: LabelledRow
    rules: tuple[str, ...]
    rules_after_repair: tuple[str, ...]


@dataclass(frozen=True)
class RuleQuality:
    """One rule by itself: of the rows that it fails those labelled faulty; of its own kinds those that it finds."""

    rule: str
    limit: float
    kinds: tuple[Kind, ...]
    precision: Proportion
    recall: Proportion
    recall_by_any: Proportion  # of the same rows, those that any rule fails


@dataclass(frozen=True)
class KindQuality:
    """Of the rows with one kind of fault, those that any rule fails."""

    kind: Kind
    recall: Proportion


@dataclass(frozen=True)
class Evaluation:
    """Every figure of one labelled set, and the rows on which rules and labels differ."""

    faulty: Quality
    repaired: Proportion  # of the repairable rows, those that the rules find clean after repair
    rules: tuple[RuleQuality, ...]  # those that have a limit
    kinds: tuple[KindQuality, ...]
    false_alarms: tuple[Judged, ...]
    misses: tuple[Judged, ...]


def judge_rows(rows: Sequence[LabelledRow], limits: Mapping[str, float | None]) -> list[Judged]:
    """Every row under these limits, as it is and repaired."""
    return [Judged(row, _fails(row.text, limits), _fails(repair(row.text)[0], limits)) for row in rows]


def _fails(text: str, limits: Mapping[str, float | None]) -> tuple[str, ...]:
    return tuple(verdict.rule for verdict in judge_all(text, limits) if verdict.failed)


def evaluate_rules(rows: Sequence[LabelledRow], limits: Mapping[str, float | None]) -> Evaluation:
    """Hold the rules under `limits` against the labels of `rows`."""
    judged = judge_rows(rows, limits)
    wrong = [each for each in judged if bool(each.rules) != each.row.faulty]
    repairable = [each for each in judged if each.row.repairable]
    used = [(rule.name, limit) for rule in RULES if (limit := limits.get(rule.name)) is not None]
    return Evaluation(
        faulty=quality([bool(each.rules) for each in judged], [each.row.faulty for each in judged]),
        repaired=proportion(sum(not each.rules_after_repair for each in repairable), len(repairable)),
        rules=tuple(_rule_quality(name, limit, judged) for name, limit in used),
        kinds=tuple(KindQuality(kind, _found(judged, {kind})) for kind in KINDS),
        false_alarms=tuple(each for each in wrong if each.rules),
        misses=tuple(each for each in wrong if each.row.faulty),
    )


def _rule_quality(rule: str, limit: float, judged: Sequence[Judged]) -> RuleQuality:
    failed = [each for each in judged if rule in each.rules]
    kinds = RULE_KINDS[rule]
    return RuleQuality(
        rule=rule,
        limit=limit,
        kinds=kinds,
        precision=proportion(sum(each.row.faulty for each in failed), len(failed)),
        recall=_found(judged, set(kinds), rule),
        recall_by_any=_found(judged, set(kinds)),
    )


def _found(judged: Sequence[Judged], kinds: set[Kind], rule: str | None = None) -> Proportion:
    """Of the rows with a fault of these kinds, those that `rule` (None: any rule) fails."""
    rows = [each for each in judged if kinds & set(each.row.faults)]
    return proportion(sum(rule in each.rules if rule else bool(each.rules) for each in rows), len(rows))
