"""The filter and verify stages: which rule rejects, which one only flags, and what is recorded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from filters import RULES, rule_set_version
from pipeline.params import FilterParams, VerifyParams, load_params
from pipeline.parquet import read_table, write_table
from pipeline.schema import FAILED, OUTCOME, REJECTED
from stages import filter as filter_stage
from stages import verify as verify_stage
from stages.filter import FILTERED, MENDABLE, filter_rows
from stages.verify import VERIFIED, verify_rows
from tests.stages.commands import link_code, run_changed

SOUND = "The image shows a cat sitting on a mat. It is about animals and pets."
TEXTS = [
    pytest.param(SOUND, [], None, id="sound"),
    pytest.param(f"{SOUND} The cat is is is old.", [], None, id="repaired"),
    pytest.param("A cat on a mat.", [], "too_short", id="fatal"),
    pytest.param(f"{SOUND} The cat has the name Мурка.", [], None, id="sentence_dropped"),
    pytest.param(
        "The image shows Мурка the cat on a mat near the window of a house.", ["mixed_script"], None, id="mendable"
    ),
    pytest.param("This is a рыжая cat.", ["mixed_script"], "too_short", id="fatal_and_mendable"),
]


@pytest.fixture(scope="module")
def limits(root: Path) -> FilterParams:
    """The embedded profile's limits."""
    return load_params("embedded", root).filter


def table(column: str, texts: Sequence[str | None]) -> pa.Table:
    """Rows with one text each; those without one failed to download."""
    schema = pa.schema([pa.field("key", pa.string()), pa.field(column, pa.string()), *OUTCOME])
    failed = {"outcome": FAILED, "stage": "download", "rule": "dns", "reason": "Name or service not known"}
    rows = [
        {"key": f"{number:016x}", column: text, **(failed if text is None else {})} for number, text in enumerate(texts)
    ]
    return pa.Table.from_pylist(rows, schema=schema)


def grounded(*rows: tuple[str | None, float | None]) -> pa.Table:
    """What `ground` leaves: final texts and the scores of their pictures."""
    scores = pa.array([score for _, score in rows], pa.float64())
    return table("final_text", [text for text, _ in rows]).append_column("grounding_score", scores)


def filtered(params: FilterParams, *texts: str | None) -> list[dict[str, Any]]:
    """The rows that `filter` makes of these raw texts."""
    done = filter_rows(table("raw_text", texts), params, lambda _: None)
    assert done.column_names[-len(FILTERED) :] == FILTERED.names
    rows: list[dict[str, Any]] = done.to_pylist()
    return rows


def verified(params: VerifyParams, *texts: str | None) -> list[dict[str, Any]]:
    """The rows that `verify` makes of these final texts."""
    done = verify_rows(grounded(*((text, None) for text in texts)), params, lambda _: None)
    assert done.column_names[-len(VERIFIED) :] == VERIFIED.names
    rows: list[dict[str, Any]] = done.to_pylist()
    return rows


def outcome(row: dict[str, Any]) -> tuple[object, ...]:
    """The OUTCOME columns."""
    return tuple(row[name] for name in OUTCOME.names)


@pytest.mark.parametrize(("text", "flags", "rule"), TEXTS)
def test_filter_rejects_for_what_no_rewriter_can_mend(
    limits: FilterParams, text: str, flags: list[str], rule: str | None
) -> None:
    """The first such rule is the outcome; mendable ones are flags, and the row lives on."""
    (row,) = filtered(limits, text)
    assert row["flags"] == flags
    assert set(flags) <= MENDABLE
    assert rule not in MENDABLE
    failed = {verdict["rule"]: verdict for verdict in row["filter_verdicts"] if verdict["failed"]}
    assert set(failed) == {*flags, *([rule] if rule else [])}
    if rule is None:
        assert outcome(row) == (None,) * 5
    else:
        assert outcome(row) == (REJECTED, "filter", rule, failed[rule]["reason"], failed[rule]["value"])
        assert row["reason"]


def test_filter_judges_the_repaired_text(limits: FilterParams) -> None:
    """The repairs that changed it are named; what was sound names none."""
    mended, sound = filtered(limits, f"{SOUND} The cat is is is old.", SOUND)
    assert mended["repairs"] == ["collapse_stutter"]
    assert mended["repaired_text"] == f"{SOUND} The cat is old."
    assert (sound["repairs"], sound["repaired_text"]) == ([], SOUND)


def test_the_verdicts_of_all_rules_are_kept(limits: FilterParams) -> None:
    """In the order of the rules, value and limit with them, whether the text passed or not; of costly rules only where a limit asks."""
    rows = [
        *filtered(limits, SOUND, "A cat."),
        *verified(VerifyParams(limits=limits.limits, min_grounding=None), SOUND, "A cat."),
    ]
    for row in rows:
        verdicts = row.get("filter_verdicts") or row["verify_verdicts"]
        ran = [rule.name for rule in RULES if limits.limits[rule.name] is not None or not rule.costly]
        assert [v["rule"] for v in verdicts] == ran
        assert {v["rule"]: v["limit"] for v in verdicts} == {rule: limits.limits[rule] for rule in ran}
        assert any(v["limit"] is None for v in verdicts)
        assert all(bool(v["reason"]) == v["failed"] for v in verdicts)
        assert (row.get("filter_version") or row["verify_version"]) == rule_set_version()
    few = filtered(FilterParams(limits={"too_short": 500, "language": None}), SOUND)[0]["filter_verdicts"]
    assert [v["rule"] for v in few] == [rule.name for rule in RULES if not rule.costly]
    assert [v["rule"] for v in few if v["failed"]] == ["too_short"]


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        (SOUND, None),
        ("A cat on a mat.", "too_short"),
        (f"{SOUND} The cat рыжая sleeps on it.", "mixed_script"),
        (f"{SOUND} The cat is is is old.", "word_stutter"),
        ("This is a рыжая cat.", "too_short"),
    ],
    ids=["sound", "fatal", "mendable", "unrepaired", "the first of two"],
)
def test_verify_rejects_for_every_rule(limits: FilterParams, text: str, rule: str | None) -> None:
    """Nobody mends the final text any more, and nothing repairs it either."""
    (row,) = verified(VerifyParams(limits=limits.limits, min_grounding=None), text)
    failed = {verdict["rule"]: verdict for verdict in row["verify_verdicts"] if verdict["failed"]}
    if rule is None:
        assert (outcome(row), failed) == ((None,) * 5, {})
    else:
        assert outcome(row) == (REJECTED, "verify", rule, failed[rule]["reason"], failed[rule]["value"])
    assert row["final_text"] == text


SCORES = [
    pytest.param(SOUND, 0.25, 0.25, None, id="at the limit"),
    pytest.param(SOUND, 0.249, 0.25, "grounding", id="just below"),
    pytest.param(SOUND, -3.0, -3.5, None, id="a limit below zero"),
    pytest.param(SOUND, -9.0, None, None, id="measured only"),
    pytest.param(SOUND, None, 0.25, None, id="not measured"),
    pytest.param("A cat on a mat.", -9.0, 0.0, "too_short", id="after the rules on texts"),
]


@pytest.mark.parametrize(("text", "score", "limit", "rule"), SCORES)
def test_verify_holds_the_score_of_the_picture_against_its_limit(
    limits: FilterParams, text: str, score: float | None, limit: float | None, rule: str | None
) -> None:
    """The verdict comes last, with or without a limit; there is none where nothing was measured."""
    params = VerifyParams(limits=limits.limits, min_grounding=limit)
    (row,) = verify_rows(grounded((text, score)), params, lambda _: None).to_pylist()
    assert row["rule"] == rule
    *_, last = row["verify_verdicts"]
    if score is None:
        assert last["rule"] == RULES[-1].name
        return
    failed = limit is not None and score < limit
    reason = f"grounding {score:.3g} is below {limit:.3g}" if failed else ""
    assert last == {"rule": "grounding", "failed": failed, "value": score, "limit": limit, "reason": reason}
    if rule == "grounding":
        assert outcome(row) == (REJECTED, "verify", "grounding", reason, score)


Stage = Callable[..., list[dict[str, Any]]]


@pytest.mark.parametrize(
    ("stage", "names"), [(filtered, FILTERED.names), (verified, VERIFIED.names)], ids=["filter", "verify"]
)
@pytest.mark.parametrize("texts", [(None, SOUND, None, "A cat."), (None, None)], ids=["some", "all"])
def test_dead_rows_pass_through(
    limits: FilterParams, stage: Stage, names: Sequence[str], texts: tuple[str | None, ...]
) -> None:
    """Their outcome stays download's; the stage's columns are null; their neighbours are judged by their own texts."""
    params = limits if stage is filtered else VerifyParams(limits=limits.limits, min_grounding=None)
    rows = stage(params, *texts)
    for row, text in zip(rows, texts, strict=True):
        if text is None:
            assert outcome(row) == (FAILED, "download", "dns", "Name or service not known", None)
            assert {name: row[name] for name in names} == dict.fromkeys(names)
        else:
            assert row["rule"] == (None if text == SOUND else "too_short")


SHARDS: list[list[str | None]] = [[SOUND, None], ["A cat."]]


@pytest.fixture
def run(workplace: Path, root: Path, limits: FilterParams) -> Callable[..., int]:
    """Runs one of the commands on two shards with some limits changed; returns the exit code."""
    link_code(workplace, root)
    for number, texts in enumerate(SHARDS):
        name = f"part-{number:05d}.parquet"
        write_table(table("raw_text", texts), Path("outputs/embedded/describe", name))
        write_table(grounded(*((text, 0.5) for text in texts)), Path("outputs/embedded/ground", name))

    def run(stage: str, **changed: float) -> int:
        main = {"filter": filter_stage.main, "verify": verify_stage.main}[stage]
        return run_changed(main, {stage: {"limits": {**limits.limits, **changed}}})

    return run


@pytest.mark.parametrize("stage", ["filter", "verify"])
def test_from_end_to_end(run: Callable[..., int], stage: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Every shard, and one line that counts."""
    assert run(stage) == 0
    assert capsys.readouterr().out.startswith(f"{stage}: 3 rows, 1 alive, 1 rejected, 1 failed (0 shards reused)")
    shards = sorted(Path("outputs/embedded", stage).glob("*.parquet"))
    assert [read_table(shard)["rule"].to_pylist() for shard in shards] == [[None, "dns"], ["too_short"]]


@pytest.mark.parametrize("stage", ["filter", "verify"])
def test_a_mistyped_rule_is_one_line(run: Callable[..., int], stage: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 2 with the nearest rule, and no output."""
    assert run(stage, to_short=50) == 2
    said = capsys.readouterr().err
    assert said == "pairmill: error: unknown rule 'to_short' in limits; did you mean 'too_short'?\n"
    assert not Path("outputs/embedded", stage).exists()
