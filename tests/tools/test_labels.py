"""Labelled captions: what a line may hold, and what is said of one that does not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import get_args

import pytest

from filters import RULES
from pipeline.errors import UsageError
from tools.evaluate_rules import PACKAGED
from tools.labels import RULE_KINDS, Kind, is_labelled, read_labels

GOOD = {"id": "a", "text": "A cat.", "verdict": "faulty", "faults": ["too_short"], "repairable": False, "note": "n"}


def line(**changed: object) -> str:
    """A good line with some values changed."""
    return json.dumps(GOOD | changed) + "\n"


def test_rows(tmp_path: Path) -> None:
    """In the order of the file; a clean row need not say that it cannot be repaired, nor any row have a note."""
    path = tmp_path / "labels.jsonl"
    path.write_text(line() + '{"id": "b", "text": "x", "verdict": "clean", "faults": []}', encoding="utf-8")
    first, second = read_labels(path)
    assert (first.id, first.text, first.faulty, first.faults) == ("a", "A cat.", True, ["too_short"])
    assert (second.id, second.faulty, second.faults, second.repairable) == ("b", False, [], False)


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (line(id="b", faults=["to_short"]), "2: faults.0: there is no kind of fault 'to_short', but stutter, loop, "),
        (line(id="b", verdict="fautly"), "2: verdict: Input should be 'clean' or 'faulty'"),
        (line(id="b", faults=[]), "2: a faulty row names its faults, and a clean one has none"),
        (line(id="b", verdict="clean"), "2: a faulty row names its faults, and a clean one has none"),
        (line(id="b", verdict="clean", faults=[], repairable=True), "2: a clean row has nothing to repair"),
        (line(id="b", text=None), "2: text: Input should be a valid string"),
        (line(id="b", repairable="yes"), "2: repairable: Input should be a valid boolean"),
        (line(id="b", comment="x"), "2: comment: Extra inputs are not permitted"),
        ('{"id": "b"}', "2: text: Field required; verdict: Field required; faults: Field required"),
        (line(), "2: the id 'a' is there twice"),
        ("\n", "2: broken JSON: Expecting value"),
        ("{", "2: broken JSON: "),
    ],
)
def test_a_bad_line_is_named(bad: str, message: str, tmp_path: Path) -> None:
    """One line with its number and what it should be."""
    path = tmp_path / "labels.jsonl"
    path.write_text(line() + bad, encoding="utf-8")
    with pytest.raises(UsageError) as error:
        read_labels(path)
    assert str(error.value).startswith(f"{path}:{message}")
    assert "\n" not in str(error.value)


def test_a_missing_file(tmp_path: Path) -> None:
    """It is named."""
    with pytest.raises(UsageError, match=r"gone\.jsonl: No such file"):
        read_labels(tmp_path / "gone.jsonl")


@pytest.mark.parametrize(
    ("name", "content", "labelled"),
    [
        ("a.jsonl", line(), True),
        ("a.jsonl", '{"text": "A cat."}\n', False),
        ("a.jsonl", "", False),
        ("a.jsonl", "nothing", False),
        ("a.jsonl", '"verdict"', False),
        ("a.txt", line(), False),
    ],
)
def test_which_files_are_labelled(name: str, content: str, labelled: bool, tmp_path: Path) -> None:
    """JSON Lines whose first object has a verdict."""
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    assert is_labelled(path) == labelled


def test_every_rule_has_its_kinds() -> None:
    """A rule that looks for nothing that a reader can name cannot be measured; each kind is some rule's business."""
    assert [rule.name for rule in RULES if rule.name not in RULE_KINDS] == []
    assert {kind for kinds in RULE_KINDS.values() for kind in kinds} == set(get_args(Kind))


def test_the_held_out_set_is_held_out() -> None:
    """Not one of its texts is among those on which rules and limits were chosen."""
    tune, heldout, embedded = ({label.text for label in read_labels(path)} for path in PACKAGED)
    assert min(len(tune), len(heldout), len(embedded)) >= 150
    assert heldout.isdisjoint(tune | embedded)
