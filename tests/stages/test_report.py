"""The report is one page that opens anywhere, says what happened, and trusts no text."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pyarrow as pa
import pytest
from PIL import Image

from pipeline.answering import ANSWERS
from pipeline.evidence.verdict import WHY
from pipeline.gallery import Piece, compare, group_by_rule
from pipeline.parquet import read_table, write_table
from pipeline.schema import IMAGE
from pipeline.tally import RuleTally, from_csv
from stages import emit, report
from tests.html_pages import EVIL, Page, check_whole
from tests.stages.emitted import Row, failed, kept, mixed, picture, rejected, table_of, write_run

PICTURES = pa.schema([("key", pa.string()), ("caption", pa.string()), ("image", IMAGE)])


def write_evaluation(outputs: Path, text: str = "It is a map.") -> None:
    """What `evaluate` leaves: two answers to each of two held-out pictures."""
    rows: list[Row] = [
        {
            "key": f"{n:016x}",
            "prompt": prompt,
            "seed": 0,
            "model": model,
            "text": f"{text} ({model} on {n})" if prompt == "detail" else "A poem.",
            "finish": "stop",
            "tokens": 5,
            "failed": bool(rules),
            "rules": rules,
        }
        for prompt in ("poem", "detail")
        for model, rules in (("stage1", ["refrain"]), ("finetuned", []))
        for n in (101, 102)
    ]
    write_table(table_of(rows, ANSWERS), outputs / "evaluate/answers.parquet")
    poems = [row for row in rows if row["prompt"] == "poem"]
    write_table(table_of(poems, ANSWERS), outputs / "evaluate/abilities.parquet")
    pictures = [
        {"key": f"{n:016x}", "caption": f"held out {n}", "image": {"bytes": picture(n), "path": None}}
        for n in (102, 101)
    ]
    write_table(table_of(pictures, PICTURES), outputs / "evaluate/pictures.parquet")
    rate = {"failure_rate": 0.9, "failure_rate_low": 0.8, "failure_rate_high": 1.0, "rep_4": 0.3}
    cured = {"failure_rate": 0.125, "failure_rate_low": 0.0, "failure_rate_high": 0.25}
    change = {"difference": -0.775, "difference_low": -1.0, "difference_high": -0.5, "p": 0.0012}
    words = {"margin": 0.25, "recall": 0.125, "chair_i": None, "mean_words": 42.4}
    moved = {f"{name}{end}": -0.125 for name in ("margin", "recall") for end in ("", "_low", "_high")}
    metrics = {
        "pictures": 2,
        "seeds": 1,
        "prompts": {name: {"stage1": rate, "finetuned": cured, "change": change} for name in ("detail", "poem")},
        "grounding": {"stage1": words, "finetuned": words, "change": moved},
    }
    (outputs / "evaluate/metrics.json").write_text(json.dumps(metrics))
    worth = {"scored": 6, "auc": 0.875, "auc_low": 0.75, "auc_high": 1.0, "ranked_first": 0.5, "median_score": 0.25}
    (outputs / "grounding.json").write_text(json.dumps(worth))
    rewrites: dict[str, object] = dict.fromkeys(("accepted", "unchanged", "failed", "skipped"), 2)
    rewrites |= {"reverted": 1, "reverted_by": {"rewrite_adds": 1}, "words_removed": 0.125, "words_added": 0.0}
    (outputs / "rewrites.json").write_text(json.dumps(rewrites))


@pytest.fixture
def outputs(workplace: Path) -> Path:
    """A run of `mixed`, emitted and evaluated."""
    folder = workplace / "outputs/embedded"
    make(folder, mixed())
    return folder


def make(outputs: Path, rows: list[Row], answer: str = "It is a map.") -> None:
    """Write a run of `rows`, emit it, and write an evaluation."""
    write_run(outputs, rows)
    assert emit.main([]) == 0
    write_evaluation(outputs, answer)


def page_of(outputs: Path) -> Page:
    """The gallery, parsed."""
    return Page((outputs / "report/gallery.html").read_text(encoding="utf-8"))


def test_the_page_shows_the_run(outputs: Path) -> None:
    """Kept, rejected, failed, before and after: captions, texts, measured values and the pictures themselves."""
    assert report.main([]) == 0
    page = page_of(outputs)
    for n in (5, 2, 7, 4, 6, 3):
        assert f"picture number {n}" in page.words
    assert "phrase_loop 0.75 (limit 0.5)" in page.words
    assert "http_404: Not Found" in page.words
    assert "It is a map. (stage1 on 101)" in page.words
    assert "It is a map. (finetuned on 102)" in page.words
    shown = {attrs["src"] for tag, attrs in page.tags if tag == "img"}
    data = base64.b64encode(picture(5)).decode()
    assert f"data:image/jpeg;base64,{data}" in shown


def test_abilities_have_a_page_of_their_own(outputs: Path) -> None:
    """What was asked in the words of the params, and what both models made of it."""
    assert report.main([]) == 0
    page = Page((outputs / "report/abilities.html").read_text(encoding="utf-8"))
    assert "Can you craft a beautiful poem about this image?" in page.words
    assert page.words.count("A poem.") == 4
    check_whole(page)


def test_what_the_repairs_took_is_visible(outputs: Path) -> None:
    """The raw text stands whole, with the part that is gone struck out."""
    assert report.main([]) == 0
    text = (outputs / "report/gallery.html").read_text(encoding="utf-8")
    raw, final = "It is number 5. It is number 5. It is", "The image shows <ins>the </ins>number 5."
    assert f"<p>The image shows number 5.<del> {raw}</del></p>" in text
    assert f"<p>{final}</p>" in text


def test_the_page_is_whole_and_runs_nothing(outputs: Path) -> None:
    """No script, nothing from elsewhere, and a policy that says so."""
    assert report.main([]) == 0
    page = page_of(outputs)
    check_whole(page)


def test_texts_stay_texts(workplace: Path) -> None:
    """Markup in captions, addresses, reasons and answers is shown as it is and becomes no element."""
    outputs = workplace / "outputs/embedded"
    hostile = {"caption": EVIL, "url": f"javascript:{EVIL}", "source": EVIL, "raw_text": EVIL}
    rows = [
        kept(1, **hostile, final_text=f"{EVIL} mended"),
        rejected(2, "verify", ["refrain"], **hostile, reason=EVIL, final_text=EVIL),
        failed(3, caption=EVIL, reason=EVIL),
    ]
    make(outputs, rows, answer=EVIL)
    assert report.main([]) == 0
    page = page_of(outputs)
    assert "script" not in {tag for tag, _ in page.tags}
    assert not [attrs for _, attrs in page.tags if "onerror" in attrs or attrs.get("src") == "x"]
    assert [str(attrs["href"])[0] for _, attrs in page.tags if "href" in attrs] == ["#"] * 5
    assert page.words.count(EVIL) >= 8


def test_the_page_is_the_same_twice(outputs: Path) -> None:
    """No date, no chance: `dvc` sees no change where there is none."""
    assert report.main([]) == 0
    before = {path.name: path.read_bytes() for path in (outputs / "report").iterdir()}
    assert report.main([]) == 0
    assert {path.name: path.read_bytes() for path in (outputs / "report").iterdir()} == before
    assert sorted(before) == ["abilities.html", "before_after.png", "gallery.html", "summary.txt"]
    with Image.open(outputs / "report/before_after.png") as figure:
        figure.load()
        assert figure.width > 1000


SUMMARY = """\
      7 candidates drawn
      6 pictures downloaded
      6 described
      3 kept (50% of the pictures)
     -1 failed by download: http_404 1
     -1 rejected by filter: refrain 1
     -2 rejected by verify: phrase_loop 2

rewriter: 2 accepted, 2 unchanged, 1 reverted, 2 failed, 2 skipped; accepted answers drop 12.5% of the words, bring 0.0%
grounding: 6 descriptions tell their picture from a wrong one with AUC 0.875 (0.750 to 1.000), 50% rank it first; median score 0.250

2 held-out pictures                   stage 1  fine-tuned   change (95 % interval)
detail: failures                        90.0%       12.5%   -77.5 points (-100.0 to -50.0), p = 0.001
poem: failures                          90.0%       12.5%   -77.5 points (-100.0 to -50.0), p = 0.001
right picture against another, nats     0.250       0.250   -0.125 (-0.125 to -0.125)
reference words found                   12.5%       12.5%   -12.5 points (-12.5 to -12.5)
named, not in reference (CHAIR_i)           -           -
words in a description                     42          42

pairs    outputs/embedded/pairs.parquet
rejects  outputs/embedded/rejected.parquet
gallery  outputs/embedded/report/gallery.html
"""


def test_the_summary_is_printed_and_kept(outputs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The stage ends with it, summary.txt holds it, and --summary prints it without making anything."""
    capsys.readouterr()
    assert report.main([]) == 0
    assert capsys.readouterr().out == SUMMARY
    (outputs / "pairs.parquet").unlink()
    assert report.main(["--summary"]) == 0
    assert capsys.readouterr().out == SUMMARY == (outputs / "report/summary.txt").read_text()


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("evaluate/metrics.json", None, "evaluate/metrics.json: No such file or directory"),
        ("grounding.json", None, "grounding.json: No such file or directory"),
        ("rewrites.json", None, "rewrites.json: No such file or directory"),
        ("grounding.json", '{"scored": "x"}', "grounding.json: scored: Input should be a valid integer"),
        ("evaluate/metrics.json", "{", "evaluate/metrics.json: the whole file: Invalid JSON"),
        (
            "evaluate/metrics.json",
            '{"pictures": 2, "seeds": 1, "prompts": {"detail": {}}}',
            "prompts.detail.stage1: Field",
        ),
        ("rejected.parquet", "PAR1", "rejected.parquet: it is torn or damaged"),
        ("rules.csv", None, "rules.csv: No such file or directory"),
    ],
)
def test_missing_input_is_one_line(
    outputs: Path, capsys: pytest.CaptureFixture[str], name: str, content: str | None, words: str
) -> None:
    """The file is named, the exit code is 1, and the last report stays."""
    assert report.main([]) == 0
    page = (outputs / "report/gallery.html").read_bytes()
    (outputs / name).unlink()
    if content is not None:
        (outputs / name).write_text(content)
    capsys.readouterr()
    assert report.main([]) == 1
    error = capsys.readouterr().err
    assert words in error
    assert error.count("\n") == 1
    assert (outputs / "report/gallery.html").read_bytes() == page


def test_the_score_of_the_picture_is_a_rule_like_the_others(workplace: Path) -> None:
    """A row that it rejects stands under its name, with why; where it has no limit its value stands alone."""
    outputs = workplace / "outputs/embedded"
    measured = {"rule": "grounding", "failed": False, "value": 0.125, "limit": None, "reason": ""}
    make(outputs, [kept(1, verify_verdicts=[measured]), rejected(2, "verify", ["grounding"])])
    assert report.main([]) == 0
    page = page_of(outputs)
    assert "grounding0.125measured only" in page.words
    assert "grounding 0.75 (limit 0.5)" in page.words
    assert page.words.count(WHY) == 2  # beside its rows, and in the table of rules
    assert [tally for tally in from_csv((outputs / "rules.csv").read_text()) if tally.rule == "grounding"] == [
        RuleTally("grounding", 0, 0, 1, 1, 1)
    ]


@pytest.mark.usefixtures("workplace")
def test_summary_before_any_report(capsys: pytest.CaptureFixture[str]) -> None:
    """There is nothing to print yet, and the line says what makes it."""
    assert report.main(["--summary"]) == 1
    assert "outputs/embedded/report/summary.txt: No such file or directory; run the stage" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("before", "after", "gone", "added"),
    [
        ("A map. A map. A map.", "A map.", "A map. A map.", ""),
        ("A red car.", "A red car.", "", ""),
        ("A car.", "A red car.", "", "red"),
        ("", "A car.", "", "A car."),
        ("A car.", "", "A car.", ""),
        ("A red car.", "A blue car.", "red", "blue"),
        ("The car has a red door. The car has a blue door.", "The car has a blue door.", "The car has a red door.", ""),
        ("It is a map, it is a red map. It is a red map.", "It is a red map.", "It is a map, it is a red map.", ""),
    ],
)
def test_compare_marks_what_only_one_text_has(before: str, after: str, gone: str, added: str) -> None:
    """Both sides read as the texts they are; what is not shared is what was cut, or put in."""
    left, right = compare(before, after)
    assert "".join(piece.text for piece in left) == before
    assert "".join(piece.text for piece in right) == after
    assert "".join(p.text for p in left if not p.shared).strip() == gone
    assert "".join(p.text for p in right if not p.shared).strip() == added
    assert [p for p in [*left, *right] if p == Piece("", p.shared)] == []


@pytest.mark.parametrize(
    ("limit", "shown"), [(1, [1, 0, 0]), (3, [1, 1, 1]), (4, [2, 1, 1]), (5, [2, 2, 1]), (99, [3, 2, 1])]
)
def test_every_rule_shows_a_first_row_before_a_second(outputs: Path, limit: int, shown: list[int]) -> None:
    """The most frequent rule comes first but does not crowd out the others."""
    rules = ["refrain", "phrase_loop", "too_short", "phrase_loop", "too_short", "too_short"]
    make(outputs, [kept(1), failed(2), *(rejected(n, "verify", [rule]) for n, rule in enumerate(rules, 3))])
    groups = group_by_rule(read_table(outputs / "rejected.parquet"), limit)
    assert [(group.rule, group.rows) for group in groups] == [("too_short", 3), ("phrase_loop", 2), ("refrain", 1)]
    assert [len(group.shown) for group in groups] == shown
