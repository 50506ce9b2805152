"""`pairmill sweep`: the verdicts of a run, a caption file or a labelled one, and what other limits would do to them."""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pyarrow as pa
import pytest

from pipeline.params import load_params
from pipeline.parquet import write_table
from pipeline.schema import FAILED, OUTCOME
from stages.filter import filter_rows
from stages.verify import verify_rows
from tests.tools.labelled import LIMITS, SOUND, save_labels
from tools.sweep import main

TEXTS = [
    SOUND,
    f"{SOUND} It is old.",
    "The image shows a cat sitting on a mat in a garden.",  # 51 characters
    "The image shows a cat sitting on a mat today.",  # 45: `filter` rejects it
    "The image shows a dog on a mat today.",  # 37: so too
    f"{SOUND} It is called Tom, and sleeps.",  # a rewriter makes it SPOILT: `verify` rejects it
    None,  # failed to download
]
SPOILT = f"{SOUND} It is is is called Tom, and sleeps."


Limits = dict[str, float | None]


def save_run(folder: Path, texts: Sequence[str | None], limits: Limits, verify_limits: Limits) -> None:
    """What `filter` and `verify` make of these texts when a rewriter spoils one, in two shards."""
    schema = pa.schema([pa.field("key", pa.string()), pa.field("raw_text", pa.string()), *OUTCOME])
    failed = {"outcome": FAILED, "stage": "download", "rule": "dns", "reason": "no such name"}
    rows = [
        {"key": f"row{number}", "raw_text": text, **(failed if text is None else {})}
        for number, text in enumerate(texts)
    ]
    table = pa.Table.from_pylist(rows, schema=schema)
    params = load_params("embedded")
    to_filter = params.filter.model_copy(update={"limits": limits})
    to_verify = params.verify.model_copy(update={"limits": verify_limits, "min_grounding": None})
    for number, part in enumerate((table.slice(0, 4), table.slice(4))):
        done = filter_rows(part, to_filter, lambda _: None)
        final = [SPOILT if text == TEXTS[5] else text for text in done["repaired_text"].to_pylist()]
        done = done.append_column("final_text", pa.array(final, pa.string()))
        # what `ground` adds: every picture fits
        done = done.append_column("grounding_score", pa.array([text and 9.0 for text in final], pa.float64()))
        done = verify_rows(done, to_verify, lambda _: None)
        write_table(done, folder / f"part-{number:05d}.parquet")


@pytest.fixture
def run(workplace: Path) -> Path:
    """A finished run of the embedded profile in the current folder."""
    limits = load_params("embedded").filter.limits | {"language": None}
    save_run(workplace / "outputs/embedded/verify", TEXTS, limits, limits)
    return workplace


Sweep = Callable[..., list[str]]


@pytest.fixture
def sweep(capsys: pytest.CaptureFixture[str]) -> Sweep:
    """Runs the command, which must end well; returns the lines that it printed."""

    def sweep(*words: str | Path) -> list[str]:
        assert main([str(word) for word in words]) == 0
        out, err = capsys.readouterr()
        assert err == ""
        return out.splitlines()

    return sweep


def steps_of(folder: Path, rule: str) -> list[dict[str, str]]:
    """The lines of sweep.csv for one rule."""
    with (folder / "sweep.csv").open(encoding="utf-8", newline="") as file:
        return [line for line in csv.DictReader(file) if line["rule"] == rule]


def test_a_run(run: Path, sweep: Sweep) -> None:
    """Every described row counts once, with the last text it got; what is removed now is what the run rejected."""
    lines = sweep()
    out = run / "outputs/embedded/sweep"
    assert (out / "sweep.png").read_bytes()[:4] == b"\x89PNG"
    columns = ("limit", "present", "rows_failed", "rows_removed", "rows_kept", "change", "example_1_id")
    found = [tuple(step[column] for column in columns) for step in steps_of(out, "too_short")]
    assert found == [
        ("37.0", "0", "0", "1", "5", "-2", "row4"),
        ("40.0", "0", "1", "2", "4", "-1", "row3"),
        ("50.0", "1", "2", "3", "3", "0", ""),
        ("60.0", "0", "3", "4", "2", "1", "row2"),
        ("80.0", "0", "4", "5", "1", "2", "row0"),
        ("100.0", "0", "5", "6", "0", "3", "row1"),
    ]
    (nearest,) = [step for step in steps_of(out, "too_short") if step["limit"] == "40.0"]
    assert nearest["example_1_text"] == TEXTS[3]
    assert "too_short: from 50 to 40 would keep 1 more row; read row3" in lines
    assert "too_short: from 50 to 60 would remove 1 more row; read row2" in lines
    assert lines[-1].startswith("wrote outputs/embedded/sweep/sweep.csv and outputs/embedded/sweep/sweep.png")


def test_the_table_of_a_rule(run: Path, sweep: Sweep) -> None:
    """--rule prints every limit, and under the table the texts that change sides."""
    assert run == Path.cwd()
    lines = sweep("--rule", "too_short")
    assert lines[0] == "too_short fails what is below its limit"
    assert lines[1].split() == ["limit", "rule", "fails", "removed", "change"]
    assert [line.split() for line in lines[3:6]] == [
        ["40", "1", "2", "-1"],
        ["50", "now", "2", "3", "+0"],
        ["60", "3", "4", "+1"],
    ]
    assert f"kept at 40: row3: {TEXTS[3]}" in lines
    assert f"removed at 60: row2: {TEXTS[2]}" in lines


def test_other_present_limits(run: Path, sweep: Sweep) -> None:
    """--limit says what the other rules do meanwhile, and from where a rule is moved."""
    sweep("--limit", "too_short=off", "--limit", "word_stutter=off", "--out", "here")
    off = [(step["limit"], step["present"], step["rows_removed"]) for step in steps_of(run / "here", "too_short")]
    assert off[:2] == [("", "1", "0"), ("40.0", "0", "1")]
    assert not (run / "outputs/embedded/sweep").exists()


def test_the_limits_of_verify_count(workplace: Path, sweep: Sweep) -> None:
    """Where `filter` has others: what `verify` keeps is kept. Even if the first rows were rejected by `filter`."""
    limits = load_params("embedded").filter.limits | {"language": None}
    save_run(workplace / "outputs/embedded/verify", [*TEXTS[3:5], *TEXTS[:3]], limits, limits | {"too_short": 40.0})
    sweep()
    steps = steps_of(workplace / "outputs/embedded/sweep", "too_short")
    assert [(step["limit"], step["rows_failed"]) for step in steps if step["present"] == "1"] == [("40.0", "1")]


def test_a_rule_that_is_no_module_of_filters(run: Path, sweep: Sweep) -> None:
    """`verify` also judges how well a text fits its picture, with or without a limit."""
    from pipeline.parquet import read_table

    path = run / "outputs/embedded/verify/part-00000.parquet"
    rows = read_table(path)
    verdicts = rows["verify_verdicts"].to_pylist()
    for score, row in zip((0.9, 0.1, None), verdicts, strict=False):
        row[:] = [verdict for verdict in row if verdict["rule"] != "grounding"]
        row.append({"rule": "grounding", "failed": False, "value": score, "limit": None, "reason": ""})
    place = rows.schema.get_field_index("verify_verdicts")
    write_table(
        rows.set_column(place, rows.schema.field(place), pa.array(verdicts, rows.schema.field(place).type)), path
    )
    sweep()
    steps = steps_of(run / "outputs/embedded/sweep", "grounding")
    found = [(step["fails"], step["limit"], step["rows_failed"], step["change"]) for step in steps]
    assert found[:2] == [("below", "", "0", "0"), ("below", "0.9", "1", "1")]


def test_a_caption_file(workplace: Path, sweep: Sweep) -> None:
    """What `pairmill check` reads; the figures go to a folder of the file's name."""
    path = workplace / "captions.txt"
    path.write_text("\n".join(text for text in TEXTS if text), encoding="utf-8")
    lines = sweep(path, *LIMITS)
    assert "too_short: from 50 to 60 would remove 1 more row; read 3" in lines
    steps = steps_of(workplace / "outputs/sweep/captions", "too_short")
    assert [step["rows_kept"] for step in steps if step["present"] == "1"] == ["4"]
    assert {step["precision"] for step in steps} == {""}


def test_a_labelled_file(workplace: Path, sweep: Sweep) -> None:
    """Adds what each limit would do to precision and recall."""
    path = save_labels(workplace / "labels.jsonl")
    lines = sweep(path, *LIMITS)
    change = "precision 80.0% to 100.0%, recall 80.0% to 60.0%"
    assert f"word_stutter: from 1 to 3 would keep 2 more rows ({change}); read quoted, stutter" in lines
    steps = steps_of(workplace / "outputs/sweep/labels", "word_stutter")
    assert [(s["limit"], float(s["precision"]), float(s["recall"])) for s in steps] == [
        ("1.0", 0.8, 0.8),
        ("3.0", 1.0, 0.6),
    ]
    table = sweep(path, "--rule", "word_stutter", *LIMITS)
    assert table[1].split()[-2:] == ["precision", "recall"]


def test_it_is_the_same_every_time(run: Path, sweep: Sweep) -> None:
    """Byte for byte, the figure too."""
    printed = [sweep("--out", name)[:-1] for name in ("one", "two")]
    assert printed[0] == printed[1]
    for name in ("sweep.csv", "sweep.png"):
        assert (run / "one" / name).read_bytes() == (run / "two" / name).read_bytes()


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        ([], 1, "outputs/embedded/verify: there is no such folder; run the stage that makes it"),
        (["--profile", "none"], 2, "no profile 'none'"),
        (["--field", "x"], 2, "--field, --id-field and --format speak of a FILE; name it"),
        (["gone.txt"], 2, "cannot read gone.txt: No such file or directory"),
        (["empty.txt"], 2, "empty.txt holds no rows to sweep over"),
        (["one.txt", "--rule", "to_short"], 2, "--rule to_short: unknown rule; did you mean 'too_short'?"),
        (["one.txt", "--rule", "language"], 2, "--rule language: it is off and was not measured; give it a limit"),
        (["broken.jsonl"], 2, "broken.jsonl:1: verdict: Input should be 'clean' or 'faulty'"),
    ],
)
def test_what_makes_no_sense_is_one_line(
    words: list[str], code: int, message: str, workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The file and the mend; nothing is written."""
    (workplace / "empty.txt").write_text("", encoding="utf-8")
    (workplace / "one.txt").write_text(SOUND, encoding="utf-8")
    (workplace / "broken.jsonl").write_text('{"id": "a", "text": "b", "verdict": "x", "faults": []}', encoding="utf-8")
    assert main([*words, *(LIMITS if words and words[0] == "one.txt" else [])]) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"pairmill: error: {message}")
    assert err.count("\n") == 1
    assert not (workplace / "outputs").exists()


def test_a_limit_that_the_run_has_not_measured(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Only a run with it can tell."""
    assert run == Path.cwd()
    assert main(["--limit", "language=0.5"]) == 2
    assert "--limit language: the run has not measured this rule" in capsys.readouterr().err


def test_standard_input(workplace: Path, monkeypatch: pytest.MonkeyPatch, sweep: Sweep) -> None:
    """Lines, as `pairmill check -` reads them."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(f"{SOUND}\nA cat.\n".encode())))
    assert sweep("-", *LIMITS)[0] == "too_short: from 50 to 6 would keep 1 more row; read 2"
    assert sorted(path.name for path in (workplace / "outputs/sweep/stdin").iterdir()) == ["sweep.csv", "sweep.png"]
