"""`pairmill evaluate-rules`: the figures of a set whose outcome is known, and what is printed of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from filters import default_limits
from tests.tools.labelled import LIMITS, ROWS, save_labels
from tools.evaluate_rules import main
from tools.evaluation import Evaluation, evaluate_rules
from tools.labels import read_labels


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    """The labelled rows as a file."""
    return save_labels(tmp_path / "labels.jsonl")


@pytest.fixture
def found(labels: Path) -> Evaluation:
    """Their evaluation."""
    return evaluate_rules(read_labels(labels), default_limits() | {"language": None})


def test_the_whole(found: Evaluation) -> None:
    """Four of five faulty rows are found, with one false alarm; all that can be repaired pass after repair."""
    precision, recall = found.faulty.precision, found.faulty.recall
    assert [(share.hits, share.of) for share in (precision, recall, found.repaired)] == [(4, 5), (4, 5), (4, 4)]
    assert found.faulty.f1.value == pytest.approx(0.8)


def test_each_rule(found: Evaluation) -> None:
    """Precision over the rows that it fails, whatever their fault; recall over its own kinds, by it and by any rule."""
    rules = {each.rule: each for each in found.rules}
    assert "language" not in rules  # it has no limit
    shares = {
        name: [(s.hits, s.of) for s in (each.precision, each.recall, each.recall_by_any)]
        for name, each in rules.items()
    }
    assert shares["word_stutter"] == [(2, 3), (2, 2), (2, 2)]
    assert shares["dangling_ending"] == [(2, 2), (2, 2), (2, 2)]
    assert shares["too_short"] == [(1, 1), (1, 1), (1, 1)]
    assert shares["refrain"] == [(0, 0), (0, 1), (0, 1)]
    assert rules["word_stutter"].limit == 1.0


def test_each_kind(found: Evaluation) -> None:
    """A row counts for each of its kinds."""
    kinds = {each.kind: (each.recall.hits, each.recall.of) for each in found.kinds}
    assert {kind: share for kind, share in kinds.items() if share[1]} == {
        "stutter": (2, 2),
        "repetition": (0, 1),
        "ending": (2, 2),
        "too_short": (1, 1),
    }


def test_wrong_rows_are_named(found: Evaluation) -> None:
    """False alarms with the rules that gave them, misses with the faults that nobody saw."""
    assert [(each.row.id, each.rules) for each in found.false_alarms] == [("quoted", ("word_stutter",))]
    assert [(each.row.id, each.row.faults) for each in found.misses] == [("wrong", ["repetition"])]


def test_it_is_printed(labels: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 0, whatever the figures; every figure with its interval; wrong rows with their texts."""
    assert main([str(labels), *LIMITS]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["precision", "80.0%", "37.6%", "to", "96.4%", "4/5"] in lines
    assert ["F1", "80.0%", "46.2%", "to", "94.9%"] in lines
    assert ["too_short", "50", "1", "100.0%", "20.7%", "to", "100.0%", "too_short"] in [line[:8] for line in lines]
    assert ["stutter", "100.0%", "34.2%", "to", "100.0%", "2/2"] in lines
    wrong = [" ".join(line) for line in lines if line and line[0] in {"false", "miss"}]
    assert wrong == [
        f"false alarm quoted (word_stutter): {ROWS[1][1]}",
        f"miss wrong (repetition): {ROWS[6][1]}",
    ]


def test_a_set_can_stay_unseen(labels: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """--no-rows prints figures alone."""
    assert main([str(labels), "--no-rows", *LIMITS]) == 0
    said = capsys.readouterr().out
    assert "precision" in said
    assert "quoted" not in said


def test_figures_as_json(labels: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """--json writes everything that is printed but the texts, with the counts behind each share."""
    out = tmp_path / "figures.json"
    assert main([str(labels), "--json", str(out), "--limit", "too_short=off", *LIMITS]) == 0
    capsys.readouterr()
    figures: dict[str, Any] = json.loads(out.read_text(encoding="utf-8"))[str(labels)]
    assert (figures["faulty"]["recall"]["hits"], figures["faulty"]["recall"]["of"]) == (3, 5)
    assert [miss["id"] for miss in figures["misses"]] == ["short", "wrong"]
    assert figures["false_alarms"] == [{"id": "quoted", "faults": [], "rules": ["word_stutter"]}]
    assert "too_short" not in {each["rule"] for each in figures["rules"]}
    assert ROWS[0][1] not in out.read_text(encoding="utf-8")


def test_nothing_wrong_prints_no_rows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """And shares of nothing are no numbers."""
    assert main([str(save_labels(tmp_path / "one.jsonl", ROWS[:1])), *LIMITS]) == 0
    said = capsys.readouterr().out
    assert "miss" not in said
    assert ["recall", "-", "-", "0/0"] in [line.split() for line in said.splitlines()]


def test_an_empty_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """There is nothing to measure, and no error either."""
    assert main([str(save_labels(tmp_path / "none.jsonl", [])), *LIMITS]) == 0
    assert "0/0" in capsys.readouterr().out


def test_a_bad_line_is_one_line(labels: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 2, and no figures of half a set."""
    labels.write_text(labels.read_text(encoding="utf-8") + "{}\n", encoding="utf-8")
    assert main([str(labels)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"pairmill: error: {labels}:8: id: Field required")
    assert err.count("\n") == 1


def test_several_files(labels: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each is measured by itself."""
    other = save_labels(labels.with_name("other.jsonl"), ROWS[:3])
    assert main([str(labels), str(other), *LIMITS]) == 0
    heads = [line for line in capsys.readouterr().out.splitlines() if "labelled faulty" in line]
    assert heads == [
        f"{labels}: 5 rows labelled faulty, 5 fail a rule",
        f"{other}: 1 rows labelled faulty, 2 fail a rule",
    ]
