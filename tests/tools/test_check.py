"""`pairmill check`: what it reads, what it says of each row, and how it ends."""

from __future__ import annotations

import io
import json
import os
import pty
import select
import subprocess
import sys
import termios
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from filters import default_limits, judge_all
from tools.check import main

SOUND = "The image shows a cat sitting on a mat. It is about animals and pets."
STUTTER = f"{SOUND} The cat is is is old."
SHORT = "A cat."
ROWS = [("a", SOUND), ("b", STUTTER), ("c", SHORT)]
VERDICTS = ["clean", "faulty", "faulty"]


def jsonl(*rows: object) -> str:
    """One JSON value a line."""
    return "".join(json.dumps(row) + "\n" for row in rows)


def parquet(path: Path, **columns: Sequence[object]) -> Path:
    """A Parquet file as another tool writes it."""
    pq.write_table(pa.table(columns), path)
    return path


Run = Callable[..., tuple[int, list[dict[str, Any]], str]]


@pytest.fixture
def check(capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs the command; returns its exit code, the objects that it printed and what it said on stderr."""

    def check(*words: str | Path) -> tuple[int, list[dict[str, Any]], str]:
        code = main([str(word) for word in words])
        out, err = capsys.readouterr()
        return code, [json.loads(line) for line in out.splitlines()], err

    return check


@pytest.fixture
def stdin(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Puts a text on standard input."""
    return lambda text: monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))


FILES = {
    "lines.txt": "".join(f"{text}\n" for _, text in ROWS),
    "windows.txt": "\ufeff" + "\r\n".join(text for _, text in ROWS),
    "objects.jsonl": jsonl(*({"text": text} for _, text in ROWS)),
    "blank.ndjson": jsonl({"text": SOUND}).rstrip() + "\n\n" + jsonl({"text": STUTTER}, {"text": SHORT}),
    "ids.jsonl": jsonl(*({"id": key, "text": text, "more": [1]} for key, text in ROWS)),
    "numbers.jsonl": jsonl(*({"id": number, "text": text} for number, (_, text) in enumerate(ROWS))),
    "some_ids.jsonl": jsonl({"text": SOUND}, {"id": "b", "text": STUTTER}, {"id": None, "text": SHORT}),
    "cells.csv": "text,url\r\n" + "".join(f'"{text}","a,""b"""\r\n' for _, text in ROWS),
    "ids.csv": "id,text\n" + "".join(f"{key},{text}\n" for key, text in ROWS),
    "cells.tsv": 'url\ttext\n"x\t' + SOUND + "\ny\t" + STUTTER + "\nz\t" + SHORT + "\n",
    "empty_id.csv": f"id,text\na,{SOUND}\n,{STUTTER}\nc,{SHORT}\n",
}


@pytest.mark.parametrize(
    ("name", "ids"),
    [
        ("lines.txt", [1, 2, 3]),
        ("windows.txt", [1, 2, 3]),
        ("objects.jsonl", [1, 2, 3]),
        ("blank.ndjson", [1, 3, 4]),  # lines, as an editor counts them
        ("ids.jsonl", ["a", "b", "c"]),
        ("numbers.jsonl", [0, 1, 2]),
        ("some_ids.jsonl", [1, "b", 3]),
        ("cells.csv", [1, 2, 3]),  # rows under the header
        ("ids.csv", ["a", "b", "c"]),
        ("cells.tsv", [1, 2, 3]),  # a quotation mark opens nothing
        ("empty_id.csv", ["a", "", "c"]),
    ],
)
def test_every_format_gives_the_same_rows(name: str, ids: list[object], check: Run, tmp_path: Path) -> None:
    """One object a row in the order of the file, with the row's own id or its number."""
    path = tmp_path / name
    path.write_bytes(FILES[name].encode())
    code, rows, said = check(path)
    assert (code, said) == (1, "")
    assert [(row["id"], row["verdict"]) for row in rows] == list(zip(ids, VERDICTS, strict=True))


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.dictionary(pa.int32(), pa.string())], ids=str)
def test_parquet(kind: pa.DataType, check: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every type that Arrow has for text, in batches, its own ids where there are some."""
    monkeypatch.setattr("tools.captions._BATCH", 2)
    texts = pa.array([text for _, text in ROWS] * 2).cast(kind)
    bare = parquet(tmp_path / "bare.parquet", caption=texts)
    code, rows, _ = check(bare, "--field", "caption")
    assert code == 1
    assert [(row["id"], row["verdict"]) for row in rows] == list(enumerate(VERDICTS * 2, 1))
    named = parquet(tmp_path / "named.parquet", text=texts[:3], id=[7, 8, 9])
    assert [row["id"] for row in check(named)[1]] == [7, 8, 9]


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ([], FILES["lines.txt"]),
        (["--format", "jsonl"], FILES["objects.jsonl"]),
        (["--format", "csv"], FILES["cells.csv"]),
    ],
)
def test_standard_input(words: list[str], text: str, check: Run, stdin: Callable[[str], None]) -> None:
    """Lines, unless another format is named."""
    stdin(text)
    code, rows, said = check("-", *words)
    assert (code, [row["verdict"] for row in rows], said) == (1, VERDICTS, "")


def test_what_is_said_of_a_row(check: Run, tmp_path: Path) -> None:
    """The faults with value, threshold and reason, in the order of the rules; and the text after all repairs."""
    path = tmp_path / "rows.txt"
    path.write_text(f"  {SOUND} \n{STUTTER}\n\n", encoding="utf-8")
    code, (sound, stutter, empty), _ = check(path)
    assert code == 1
    assert sound == {"id": 1, "verdict": "clean", "faults": [], "repaired": SOUND}
    (verdict,) = [verdict for verdict in judge_all(STUTTER, default_limits()) if verdict.failed]
    fault = {"rule": "word_stutter", "value": 3.0, "threshold": 1.0, "reason": verdict.reason}
    assert stutter == {"id": 2, "verdict": "faulty", "faults": [fault], "repaired": f"{SOUND} The cat is old."}
    # A line of a text file is a row, whatever is on it: a captioner that said nothing is at fault.
    assert (empty["verdict"], empty["faults"][0]["rule"], empty["repaired"]) == ("faulty", "too_short", "")


def test_fields_can_be_named(check: Run, tmp_path: Path) -> None:
    """The text and the id stand where the user says."""
    path = tmp_path / "rows.json"
    path.write_text(jsonl({"id": 1, "key": "k", "text": SHORT, "caption": SOUND}), encoding="utf-8")
    words = ["--format", "jsonl", "--field", "caption", "--id-field", "key"]
    assert check(path, *words) == (0, [{"id": "k", "verdict": "clean", "faults": [], "repaired": SOUND}], "")


def test_texts_come_out_as_they_are(check: Run, tmp_path: Path) -> None:
    """In UTF-8; half of a surrogate pair, which no UTF-8 holds, is one more meaningless character."""
    path = tmp_path / "rows.jsonl"
    broken = '{"text": "' + SOUND + ' An emoji was cut: \\ud83d"}\n'
    path.write_text(
        jsonl({"id": "ключ", "text": f"{SOUND} The cat sits by the Café Søren."}) + broken, encoding="utf-8"
    )
    _, (script, cut), _ = check(path)
    assert (script["id"], "Café Søren" in script["repaired"]) == ("ключ", True)
    assert "meaningless_characters" in [fault["rule"] for fault in cut["faults"]]


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("clean.txt", SOUND, 0),
        ("faulty.txt", SHORT, 1),
        ("last.txt", f"{SHORT}\n{SOUND}\n", 1),
        ("empty.txt", "", 0),
        ("empty.jsonl", "", 0),
        ("empty.csv", "", 0),
        ("header.csv", "text,url\n", 0),
    ],
)
@pytest.mark.parametrize("words", [[], ["--summary"]], ids=["rows", "summary"])
def test_exit_codes(
    name: str, content: str, code: int, words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """0: no row is faulty, and nor is one where there is none; 1: some are."""
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    assert main([str(path), *words]) == code
    assert capsys.readouterr().err == ""


GOOD = jsonl({"text": SOUND})


@pytest.mark.parametrize(
    ("file", "words", "message", "rows"),
    [
        (("gone.txt", None), [], "cannot read PATH: No such file or directory", 0),
        (("x.doc", ""), [], "PATH: what does it hold? Say it with --format (txt, jsonl, csv, tsv, parquet)", 0),
        (("x.txt", b"a\n"), ["--field", "text"], "PATH: lines of text have no fields; leave out --field", 0),
        (("x.txt", b"A good line.\n\xff\n"), [], "PATH:2: byte 1 is not UTF-8; save the file as UTF-8", 1),
        (("x.txt", b"x" * (1 << 16)), [], "PATH:1: a line of 65536 bytes or more; is it a caption file?", 0),
        (("x.jsonl", f"{GOOD}{{"), [], "PATH:2: broken JSON: Expecting property name enclosed in double quotes", 1),
        (("x.jsonl", f"{GOOD}[1]"), [], "PATH:2: not a JSON object but [1]", 1),
        (("x.jsonl", "[" * 30_000), [], "PATH:1: broken JSON: maximum recursion depth exceeded", 0),
        (("x.jsonl", f'{GOOD}{{"txt": 1}}'), [], "PATH:2: there is no field 'text', but 'txt'; set --field", 1),
        (("x.jsonl", f"{GOOD}{{}}"), [], "PATH:2: there is no field 'text', but nothing; set --field", 1),
        (("x.jsonl", '{"text": null}'), [], "PATH:1: the field 'text' is null; give every row a text, or leave", 0),
        (("x.jsonl", '{"text": [1]}'), [], "PATH:1: the field 'text' is no text: [1]; give", 0),
        (("x.jsonl", GOOD), ["--id-field", "key"], "PATH:1: the id 'key' is not there", 0),
        (
            ("x.jsonl", '{"text": "a", "key": 1.5}'),
            ["--id-field", "key"],
            "PATH:1: the id 'key' is neither text nor",
            0,
        ),
        (("x.csv", "a,b\n1,2\n"), [], "PATH: there is no field 'text', but 'a', 'b'; set --field", 0),
        (
            ("x.csv", "text,b\n1,2\n"),
            ["--id-field", "c"],
            "PATH: there is no field 'c', but 'text', 'b'; set --id-f",
            0,
        ),
        (("x.csv", f"text,b\n{SOUND},1\n{SOUND}\n"), [], "PATH:3: 1 cells under a header of 2", 1),
        (("x.csv", f'text\n"{SOUND}\nand\n'), [], "PATH:2: unexpected end of data; is a quotation mark left open?", 0),
        (("x.parquet", b"PAR1"), [], "PATH: behind row 0 it is torn, no Parquet or not UTF-8 (", 0),
        (("-", None), ["--format", "parquet"], "Parquet cannot be read from standard input; name the file", 0),
        (
            ("x.jsonl", GOOD),
            ["--limit", "to_short=1"],
            "unknown rule 'to_short' in limits; did you mean 'too_short'?",
            0,
        ),
        (("x.jsonl", GOOD), ["--limit", "too_short"], "--limit too_short: write RULE=VALUE or RULE=off", 0),
        (
            ("x.jsonl", GOOD),
            ["--limit", "too_short=nan"],
            "--limit too_short=nan: 'nan' is neither a number nor off",
            0,
        ),
        (("x.jsonl", GOOD), ["--limit", "too_short="], "--limit too_short=: '' is neither a number nor off", 0),
        (
            ("x.jsonl", GOOD),
            ["--profile", "none"],
            "no profile 'none': profiles/none.yaml does not exist; there are",
            0,
        ),
        (("x.jsonl", GOOD), ["--sumary"], "unrecognized arguments: --sumary; see pairmill check --help", 0),
        (("x.jsonl", GOOD), ["--format", "xml"], "argument --format: invalid choice: 'xml'", 0),
    ],
)
def test_what_makes_no_sense_is_one_line(
    file: tuple[str, str | bytes | None], words: list[str], message: str, rows: int, check: Run, workplace: Path
) -> None:
    """Exit code 2, the place and the mend; the rows before a broken one have been judged."""
    name, content = file
    path = workplace / name
    if content is not None:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    code, found, said = check(name if name == "-" else path, *words)
    assert (code, len(found)) == (2, rows)
    assert said.startswith(f"pairmill: error: {message.replace('PATH', str(path))}")
    assert said.count("\n") == 1


def test_null_and_binary_cells_of_parquet(check: Run, tmp_path: Path) -> None:
    """They name their row; those before it have been judged."""
    code, rows, said = check(parquet(tmp_path / "null.parquet", text=[SOUND, None, SOUND]))
    assert (code, len(rows)) == (2, 1)
    assert "null.parquet: row 2: the field 'text' is null" in said
    latin = pa.array([SOUND.encode(), b"\xff"]).view(pa.string())
    code, rows, said = check(parquet(tmp_path / "latin.parquet", text=latin))
    assert (code, len(rows)) == (2, 1)
    assert "latin.parquet: behind row 1 it is" in said
    assert "not UTF-8" in said


def test_a_folder_is_no_file(check: Run, tmp_path: Path) -> None:
    """Whatever its name."""
    folder = tmp_path / "folder.jsonl"
    folder.mkdir()
    assert check(folder) == (2, [], f"pairmill: error: cannot read {folder}: Is a directory\n")


@pytest.mark.parametrize(
    ("words", "rules"),
    [
        ([], ["too_short", "language"]),
        (["--limit", "language=off"], ["too_short"]),
        (["--limit", "too_short=5", "--limit", "language=1"], []),
        (["--profile", "lax"], ["language"]),
        (["--profile", "lax", "--limit", "too_short=7"], ["too_short", "language"]),
    ],
)
def test_limits(words: list[str], rules: list[str], check: Run, workplace: Path) -> None:
    """Those tuned on captions; a profile's section filter in their place; and single ones over either."""
    profile = workplace.joinpath("profiles", "embedded.yaml").read_text(encoding="utf-8")
    lax = profile.replace("too_short: 50 ", "too_short: 5 ")
    assert lax != profile
    workplace.joinpath("profiles", "lax.yaml").write_text(lax, encoding="utf-8")
    path = workplace / "rows.txt"
    path.write_text(SHORT, encoding="utf-8")
    code, (row,), _ = check(path, *words)
    assert [fault["rule"] for fault in row["faults"]] == rules
    assert code == (1 if rules else 0)


SUMMARY = """\
                               rows  share
checked                           4
clean                             1  25.0%
faulty                            3  75.0%
  of those clean after repair     1  33.3%

rule          rows  share
too_short        2  50.0%
word_stutter     1  25.0%
"""


def test_summary(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Rows by verdict and by rule, and how many repairs alone make clean."""
    path = tmp_path / "rows.txt"
    path.write_text(f"{SOUND}\n{STUTTER}\n{SHORT}\n{SHORT}\n", encoding="utf-8")
    assert main([str(path), "--summary", "--limit", "language=off"]) == 1
    assert capsys.readouterr().out == SUMMARY


def test_summary_of_the_rows_before_a_broken_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What was judged is counted, and then comes the line that says why it ends there."""
    path = tmp_path / "rows.jsonl"
    path.write_text(f"{GOOD}{GOOD}nothing", encoding="utf-8")
    assert main([str(path), "--summary"]) == 2
    out, err = capsys.readouterr()
    assert out.splitlines()[1].split() == ["checked", "2"]
    assert ":3: broken JSON" in err


class Interrupted(io.BytesIO):
    """A file in the midst of which someone presses Ctrl-C."""

    def readline(self, size: int | None = -1, /) -> bytes:
        """A line, and no second one."""
        if self.tell():
            raise KeyboardInterrupt
        return super().readline(size)


def test_ctrl_c_is_not_some_faulty(check: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit code 2 for a job that was not finished, since 1 says that all rows were judged."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(Interrupted(FILES["lines.txt"].encode())))
    code, rows, said = check("-")
    assert (code, len(rows), said) == (2, 1, "pairmill: error: interrupted\n")


COMMAND = [sys.executable, "-m", "pipeline.cli", "check"]


def test_rows_come_out_as_they_come_in(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`pairmill check -` answers a row while the next is still to come: it can stand behind a captioner."""
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)
    pipe = subprocess.PIPE
    with subprocess.Popen([*COMMAND, "-"], cwd=root, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for text, verdict in ((SOUND, "clean"), (SHORT, "faulty")):
            process.stdin.write(f"{text}\n")
            process.stdin.flush()
            assert select.select([process.stdout], [], [], 60)[0]  # else it would wait for ever
            assert json.loads(process.stdout.readline())["verdict"] == verdict
        out, err = process.communicate()
    assert (process.returncode, out, err) == (1, "", "")


def test_a_closed_pipe_ends_it_quietly(root: Path, tmp_path: Path) -> None:
    """`pairmill check FILE | head -1` says nothing of the reader that has gone, and does not claim that all is clean."""
    path = tmp_path / "rows.txt"
    path.write_text(f"{SOUND}\n" * 500, encoding="utf-8")
    line = f'{sys.executable} -m pipeline.cli check {path} | head -1; echo "${{PIPESTATUS[0]}}"'
    done = subprocess.run(["bash", "-c", line], cwd=root, capture_output=True, text=True, check=False)
    first, code = done.stdout.splitlines()
    assert (json.loads(first)["verdict"], code, done.stderr) == ("clean", "141", "")


@pytest.mark.parametrize(
    ("terminal", "words", "bar"),
    [("stderr", [], True), ("both", [], False), ("both", ["--summary"], True)],
)
def test_progress_is_for_eyes(terminal: str, words: list[str], bar: bool, root: Path, tmp_path: Path) -> None:
    """A bar on stderr where that is a terminal and the rows do not scroll by on it."""
    path = tmp_path / "rows.txt"
    path.write_text(SOUND, encoding="utf-8")
    reader, writer = pty.openpty()
    termios.tcsetwinsize(writer, (24, 80))
    with Path(os.devnull).open("wb") as nowhere:
        out = writer if terminal == "both" else nowhere
        subprocess.run([*COMMAND, str(path), *words], cwd=root, stdout=out, stderr=writer, check=True)
    os.write(writer, b"END\n")
    seen = b""
    while b"END" not in seen:
        seen += os.read(reader, 4096)
    os.close(reader)
    os.close(writer)
    assert (b"check: " in seen) == bar


WATCHED = """
import sys
asked = []
sys.addaudithook(lambda event, _: asked.append(event) if event.startswith("socket.") else None)
from tools.check import main
code = main(sys.argv[1:])
print(code, sorted({"torch", "transformers", "matplotlib", "scipy"} & sys.modules.keys()), asked, file=sys.stderr)
"""


def test_no_model_and_no_network(root: Path, tmp_path: Path) -> None:
    """A linter starts at once: no deep-learning library is loaded, no socket opened."""
    path = tmp_path / "rows.txt"
    path.write_text(f"{SOUND}\n{STUTTER}\n", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", WATCHED, str(path)], cwd=root, capture_output=True, text=True, check=False
    )
    assert done.stderr == "1 [] []\n"
