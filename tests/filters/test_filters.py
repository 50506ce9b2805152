"""The rules and repairs together: their order, their limits and their version."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import filters
from filters import REPAIRS, RULES, check_limits, default_limits, judge_all, repair, rule_set_version
from pipeline.errors import UsageError
from pipeline.schema import Rule

LIMITS = default_limits()

CLEAN = [
    pytest.param("The image shows a cat sitting on a mat. It is about animals and pets.", id="embedded"),
    pytest.param("The image shows a double decker bus. It is about transport and vehicles.", id="bus"),
    pytest.param(
        "The image shows a man riding a horse on a beach near the sea. The man wears a hat. In the background, there "
        "are several boats on the water. The sky is clear and blue, with a few clouds. Overall, the image gives a "
        "calm and peaceful impression of a summer day at the sea.",
        id="detailed",
    ),
    pytest.param(
        "This image depicts a kitchen with white cabinets and a wooden floor. There is a stove on the left side of "
        "the kitchen and a refrigerator on the right side of the kitchen. The walls are painted in a light blue.",
        id="left_and_right",
    ),
    pytest.param(
        'The image shows a glass door with a sign that says "Sorry, we\'re closed." A shop assistant stands behind it.',
        id="sign",
    ),
]

CURED = [
    pytest.param(
        "The image is a picture of a flower with a circle inside it. The circle is a part of the flower. The flower is "
        "a flower that is a flower that is a flower that",
        "The image is a picture of a flower with a circle inside it. The circle is a part of the flower.",
        ["cut_loop", "drop_duplicate_sentences"],
        id="loop",
    ),
    pytest.param(
        "The image shows a double decker bus. It is about transport and vehicles.###",
        "The image shows a double decker bus. It is about transport and vehicles.",
        ["cut_role_markers"],
        id="end_mark",
    ),
    pytest.param(
        "The image shows a double decker bus on a wide street. It is about The image shows a double decker "
        "bus. It is a bus",
        "The image shows a double decker bus on a wide street.",
        ["mend_ending", "cut_restart"],
        id="seam",
    ),
]


@pytest.mark.parametrize("text", CLEAN)
def test_clean_description_passes_all_rules_and_is_not_repaired(text: str) -> None:
    """What is sound is left alone."""
    assert repair(text) == (text, [])
    assert [verdict.reason for verdict in judge_all(text, LIMITS) if verdict.failed] == []


@pytest.mark.parametrize(("text", "expected", "applied"), CURED)
def test_repair_cures(text: str, expected: str, applied: list[str]) -> None:
    """The known diseases of small captioners are cured by repairs alone, and the rules agree."""
    assert repair(text) == (expected, applied)
    assert not [verdict for verdict in judge_all(expected, LIMITS) if verdict.failed]


def test_what_repair_leaves_too_little_of_is_rejected() -> None:
    """Three times the same sentence is one short sentence."""
    mended, _ = repair("This is a map of a country. It is a map of a country. It is a map of a country.")
    assert [verdict.rule for verdict in judge_all(mended, LIMITS) if verdict.failed] == ["too_short"]


@pytest.mark.parametrize("text", ["", " ", "...", "12345", "\x00", "🐱", "a" * 5000])
def test_every_rule_judges_every_text(text: str) -> None:
    """No text is odd enough to raise, and none of these passes."""
    verdicts = judge_all(text, LIMITS)
    assert [verdict.rule for verdict in verdicts] == [r.name for r in RULES if r.limit is not None or not r.costly]
    assert any(verdict.failed for verdict in verdicts)
    repair(text)


def test_rules_without_a_limit_are_measured_and_fail_nothing() -> None:
    """A missing limit and a null one reject nothing; costly rules are not even measured then."""
    verdicts = judge_all("A cat cat.", {"phrase_loop": 0.0, "too_short": 50, "language": None, "word_stutter": None})
    assert [verdict.rule for verdict in verdicts] == [rule.name for rule in RULES if not rule.costly]
    stutter = next(verdict for verdict in verdicts if verdict.rule == "word_stutter")
    assert (stutter.value, stutter.limit, stutter.failed, stutter.reason) == (2.0, None, False, "")
    assert [verdict.rule for verdict in verdicts if verdict.failed] == ["too_short"]
    assert {rule.name for rule in RULES if rule.costly} == {"language", "language_fast"}


def test_unknown_limit_names_itself_and_the_nearest_rule() -> None:
    """A mistyped rule is an error, not a rule that never runs."""
    with pytest.raises(UsageError, match=r"unknown rule 'phrase_lop' in limits; did you mean 'phrase_loop'\?"):
        check_limits({"phrase_lop": 0.0})


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_every_rule_explains_itself_in_its_own_module(rule: Rule) -> None:
    """A rule lives in the module of its name, with one sentence of why and a source, and has a limit."""
    assert Path(filters.__file__).with_name("rules").joinpath(f"{rule.name}.py").is_file()
    assert rule.why.endswith(".")
    assert rule.source
    assert rule.limit is None or isinstance(rule.limit, float)


def test_names_are_unique_and_all_modules_are_listed() -> None:
    """A rule or repair that was written is in its tuple, once."""
    folder = Path(filters.__file__).parent
    for kind, listed in (("rules", [rule.name for rule in RULES]), ("repairs", [mend.name for mend in REPAIRS])):
        modules = {file.stem for file in folder.joinpath(kind).glob("*.py")} - {"__init__"}
        assert sorted(listed) == sorted(modules)


def test_version_follows_the_sources(tmp_path: Path) -> None:
    """The version is stable, 12 hex digits, and changes with one changed byte of one rule."""
    root = Path(filters.__file__).parents[1]
    for package in ("filters", "pipeline"):
        shutil.copytree(root / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    show = [sys.executable, "-c", "from filters import rule_set_version; print(rule_set_version())"]
    same = subprocess.run(show, cwd=tmp_path, capture_output=True, text=True, check=True).stdout.strip()
    rule = tmp_path / "filters" / "rules" / "apology.py"
    rule.write_text(rule.read_text(encoding="utf-8") + "# changed\n", encoding="utf-8")
    other = subprocess.run(show, cwd=tmp_path, capture_output=True, text=True, check=True).stdout.strip()
    assert same == rule_set_version()
    assert len(same) == 12
    assert other != same
