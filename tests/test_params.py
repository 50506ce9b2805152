"""Params: what is wrong with a profile is said in one line that names the key and the mend."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from math import inf, nan
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from filters import RULES
from pipeline.errors import UsageError
from pipeline.params import load_params

Profile = dict[str, Any]
PROFILES = sorted(path.stem for path in (Path(__file__).parent.parent / "profiles").glob("*.yaml"))


@pytest.fixture
def spoil(workplace: Path) -> Callable[[Callable[[Profile], object]], str]:
    """Return a function that changes the embedded profile, loads it, and returns the error's line."""

    def run(change: Callable[[Profile], object]) -> str:
        path = workplace / "profiles/embedded.yaml"
        profile = yaml.safe_load(path.read_text(encoding="utf-8"))
        change(profile)
        path.write_text(yaml.safe_dump(profile), encoding="utf-8")
        with pytest.raises(UsageError) as caught:
            load_params("embedded", workplace)
        return str(caught.value)

    return run


def _rename(section: str, old: str, new: str) -> Callable[[Profile], object]:
    return lambda profile: profile[section].update({new: profile[section].pop(old)})


def _set(section: str, key: str, value: object) -> Callable[[Profile], object]:
    return lambda profile: profile[section].update({key: value})


def _drop(section: str, key: str) -> Callable[[Profile], object]:
    return lambda profile: profile[section].pop(key)


@pytest.mark.parametrize("profile", PROFILES)
def test_shipped_profiles_are_valid(profile: str, root: Path) -> None:
    """Every file of profiles/ loads, under its own name."""
    assert load_params(profile, root).profile == profile


@pytest.mark.parametrize("profile", PROFILES)
def test_shipped_profiles_limit_every_rule(profile: str, root: Path) -> None:
    """No rule is off because a profile forgot it (null says so aloud), and no limit is for a rule that is not."""
    params = load_params(profile, root)
    names = {rule.name for rule in RULES}
    for section in (params.filter, params.verify, params.evaluate):
        assert set(section.limits) == names


def test_both_recipes_are_shipped() -> None:
    """The default that runs anywhere, and the paper's recipe at full size."""
    assert {"embedded", "paper"} <= set(PROFILES)


def test_params_yaml_picks_the_profile(workplace: Path) -> None:
    """Without a name, the profile that params.yaml names is loaded."""
    (workplace / "profiles/embedded.yaml").rename(workplace / "profiles/mine.yaml")
    (workplace / "params.yaml").write_text("profile: mine\n", encoding="utf-8")
    assert load_params(root=workplace).profile == "mine"


@pytest.mark.parametrize(
    ("section", "right", "wrong"),
    [
        ("sample", "pictures", "picture"),
        ("download", "timeout", "time_out"),
        ("describe", "max_new_tokens", "max_tokens"),
        ("corpus", "splits", "split"),
    ],
)
def test_mistyped_key_names_the_right_one(
    spoil: Callable[[Callable[[Profile], object]], str], section: str, right: str, wrong: str
) -> None:
    """An unknown key is named with its section, and so is the nearest key that exists there."""
    line = spoil(_rename(section, right, wrong))
    assert f"unknown key {section}.{wrong}; did you mean {section}.{right}?" in line
    assert "profiles/embedded.yaml" in line


def test_mistyped_key_of_a_section_that_may_be_null(spoil: Callable[[Callable[[Profile], object]], str]) -> None:
    """It is named from the top, with the nearest one there."""

    def change(profile: Profile) -> None:
        profile["evaluate"]["judge"] = profile["rewrite"] | {"modle": "m"}
        profile["rewrite"]["server"] = {"base_ulr": "http://127.0.0.1:9/v1"}

    line = spoil(change)
    assert "unknown key evaluate.judge.modle; did you mean evaluate.judge.model?" in line
    assert "unknown key rewrite.server.base_ulr; did you mean rewrite.server.base_url?" in line


def test_mistyped_section_names_the_right_one(spoil: Callable[[Callable[[Profile], object]], str]) -> None:
    """A section is a key like any other."""
    line = spoil(lambda profile: profile.update(downlaod=profile.pop("download")))
    assert "unknown key downlaod; did you mean download?" in line
    assert "key download is missing" in line


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (_drop("sample", "seed"), "key sample.seed is missing"),
        (lambda profile: profile.pop("describe"), "key describe is missing"),
        (_set("sample", "pictures", "many"), "sample.pictures: .*'many'"),
        (_set("sample", "pictures", 0), "sample.pictures: .*greater than 0.*got 0"),
        (_set("sample", "seed", 1.5), "sample.seed: .*1.5"),
        (_set("download", "jpeg_quality", 101), "download.jpeg_quality: .*101"),
        (_set("verify", "limits", {"min_words": nan}), "verify.limits.min_words: .*finite number.*got nan"),
        (_set("verify", "min_grounding", -inf), "verify.min_grounding: .*finite number.*got -inf"),
        (_set("corpus", "source", "debain"), "corpus.source: .*'debian'.*got 'debain'"),
        (_set("describe", "prompt", None), "describe.prompt: .*None"),
        (lambda profile: profile.update(sample=[1]), r"sample: .*\[1\]"),
    ],
    ids=[
        "missing key",
        "missing section",
        "word",
        "zero",
        "fraction",
        "out of range",
        "NaN",
        "infinite",
        "choice",
        "null",
        "list",
    ],
)
def test_wrong_value_names_key_and_value(
    spoil: Callable[[Callable[[Profile], object]], str], change: Callable[[Profile], object], expected: str
) -> None:
    """What is missing, of the wrong type or out of range is named with what was found there."""
    line = spoil(change)
    assert re.search(expected, line)
    assert "\n" not in line


def _judge(**changes: object) -> Callable[[Profile], object]:
    """Put the judge of the profile `paper` into the profile, with other values for its keys."""

    def change(profile: Profile) -> None:
        paper = Path("profiles/paper.yaml").read_text(encoding="utf-8")
        profile["evaluate"]["judge"] = yaml.safe_load(paper)["evaluate"]["judge"] | changes

    return change


def _tireless_judge(profile: Profile) -> None:
    _judge()(profile)
    profile["evaluate"]["judge"]["server"]["retries"] = 30


SPENDING = {"requests": None, "tokens": None, "cost": 5.0}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (_judge(prompt="Does it?"), "evaluate.judge.prompt does not name caption1 and caption2: the judge sees"),
        (_judge(prompt="Does it cover caption1?"), "evaluate.judge.prompt does not name caption2: the judge sees"),
        (_judge(budget=SPENDING), "evaluate.judge.budget.cost needs evaluate.judge.prices"),
        (_judge(budget=SPENDING | {"cost": None}, cache=None), "evaluate.judge.budget needs evaluate.judge.cache"),
        (
            _tireless_judge,
            "evaluate.judge.server.circuit.failures (20) must be above evaluate.judge.server.retries + 1",
        ),
        (_judge(pictures=0), "evaluate.judge.pictures: Input should be greater than 0"),
        (_judge(backend="none"), "evaluate.judge.backend: Input should be 'local' or 'openai' (got 'none')"),
    ],
    ids=["prompt", "half a prompt", "prices", "cache", "circuit", "no picture", "none is null"],
)
def test_what_is_wrong_with_the_judge_is_said_of_it(
    spoil: Callable[[Callable[[Profile], object]], str], change: Callable[[Profile], object], expected: str
) -> None:
    """The rewriter has the same keys: the line names the section that is meant."""
    line = spoil(change)
    assert expected in line
    assert "rewrite" not in line
    assert "\n" not in line


@pytest.mark.parametrize(
    ("splits", "valid"),
    [
        ({"pretrain": 0.7, "curate": 0.2, "evaluate": 0.1}, True),
        ({"pretrain": 0.7, "curate": 0.2, "evaluate": 0.2}, False),
        ({"pretrain": 0.7, "curate": 0.2}, False),
        ({"pretrain": 1.2, "curate": -0.2, "evaluate": 0.0}, False),
        ({"pretrain": 0.7, "curate": 0.2, "test": 0.1}, False),
    ],
    ids=["one", "more than one", "less than one", "negative", "unknown split"],
)
def test_splits_add_up_to_one(workplace: Path, splits: dict[str, float], valid: bool) -> None:
    """The shares of the corpus are a whole: nothing is left out, nothing is used twice."""
    path = workplace / "profiles/embedded.yaml"
    profile = yaml.safe_load(path.read_text(encoding="utf-8"))
    profile["corpus"]["splits"] = splits
    path.write_text(yaml.safe_dump(profile), encoding="utf-8")
    if valid:
        assert load_params("embedded", workplace).corpus.splits == splits
    else:
        with pytest.raises(UsageError, match=r"corpus(\.splits|: .*splits)"):
            load_params("embedded", workplace)


def test_every_wrong_key_is_named_at_once(spoil: Callable[[Callable[[Profile], object]], str]) -> None:
    """One run tells all that is wrong, so that mending takes one round."""

    def change(profile: Profile) -> None:
        profile["sample"]["sead"] = profile["sample"].pop("seed")
        profile["describe"]["num_beam"] = profile["describe"].pop("num_beams")

    line = spoil(change)
    assert "sample.sead" in line
    assert "describe.num_beam;" in line


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("profiles/embedded.yaml", "corpus: [1, 2", "embedded.yaml is not YAML"),
        ("profiles/embedded.yaml", "- corpus\n", "embedded.yaml must hold a mapping"),
        ("profiles/embedded.yaml", "", "embedded.yaml must hold a mapping"),
        ("params.yaml", "profile: nowhere\n", "no profile 'nowhere'.*embedded"),
    ],
    ids=["not YAML", "a list", "empty", "unknown profile"],
)
def test_broken_file_is_named(workplace: Path, name: str, text: str, expected: str) -> None:
    """A file that cannot be understood is named; an unknown profile lists the known ones."""
    (workplace / name).write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=expected):
        load_params(root=workplace)


def test_params_cannot_change(root: Path) -> None:
    """A stage cannot bend its params under way: what ran is what the profile says."""
    params = load_params("embedded", root)
    with pytest.raises(ValidationError, match="frozen"):
        params.sample.seed = 1


def test_command_line_says_it_in_one_line(workplace: Path, root: Path) -> None:
    """A stage with a mistyped key ends with exit code 2 and one line on stderr, and writes nothing."""
    path = workplace / "profiles/embedded.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("pictures:", "picturs:", 1), encoding="utf-8")
    before = sorted(workplace.rglob("*"))
    done = subprocess.run(
        [sys.executable, "-m", "pipeline.cli", "corpus", "--profile", "embedded"],
        cwd=workplace,
        env={"PYTHONPATH": str(root), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == UsageError.exit_code
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert "unknown key sample.picturs; did you mean sample.pictures?" in done.stderr
    assert sorted(workplace.rglob("*")) == before
