"""The stage: one table of what can be asked for, one of the rows that are none, the same bytes every time."""

from __future__ import annotations

import gzip
import random
from hashlib import sha256
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from pipeline import draw
from pipeline.files import sha256_file
from pipeline.ledger import LEDGER
from pipeline.order import key_of
from pipeline.parquet import read_table
from stages import sample
from stages.corpus import main
from tests.debian_tree import add_drawing, add_stamp, make_packages, svg_text
from tests.shard_files import noise, write_tar

SOURCES = ("debian", "folder", "tsv", "csv", "parquet", "jsonl", "datasets", "webdataset")


def use_source(workplace: Path, source: str, path: str, **sections: dict[str, Any]) -> None:
    """Write the profile `mine`: the embedded one on another source."""
    profile = yaml.safe_load((workplace / "profiles/embedded.yaml").read_text(encoding="utf-8"))
    profile["corpus"] |= {"source": source, "path": path}
    for name, changes in sections.items():
        profile[name] |= changes
    (workplace / "profiles/mine.yaml").write_text(yaml.safe_dump(profile, sort_keys=False), encoding="utf-8")


def make_source(workplace: Path, source: str) -> str:
    """Generate a source with the pictures "a red apple" and "the dog", and a row that is none; returns its path."""
    captions, urls = ["a red apple", "-", "the dog"], [f"http://a/{number}" for number in (1, 2, 3)]
    path = workplace / f"cc.{source}"
    if source == "debian":
        make_packages(path)
        add_drawing(path, "x1", svg_text("A red apple"))
        add_drawing(path, "x2", svg_text("Untitled"))
        add_stamp(path, "dog", b"The dog")
    elif source == "folder":
        path.mkdir()
        (path / "captions.tsv").write_bytes(b"1.png\tA red apple\n2.png\tUntitled\n3.png\tthe dog\n4.png\n")
    elif source == "webdataset":
        write_tar(path / "0.tar", [(url[-1], text, noise(1)) for url, text in zip(urls, captions, strict=True)])
    elif source in ("parquet", "datasets"):
        path.mkdir()
        pq.write_table(pa.table({"caption": captions, "url": urls}), path / "train.parquet")
    else:
        lines = {"tsv": "{}\t{}\n", "csv": "{},{}\n", "jsonl": '{{"caption": "{}", "url": "{}"}}\n'}[source]
        header = "caption,url\n" if source == "csv" else ""
        text = "".join(lines.format(*row) for row in zip(captions, urls, strict=True))
        path.write_text(header + text, encoding="utf-8")
    return path.name


@pytest.mark.parametrize("source", SOURCES)
def test_the_stage_writes_the_same_bytes_every_time(
    workplace: Path, source: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """One table, by the profile's source; counts on stdout, what was left out included."""
    use_source(workplace, source, make_source(workplace, source))
    assert main(["--profile", "mine"]) == 0
    out = capfd.readouterr().out
    assert out.startswith("corpus: 2 pictures (")
    assert out.count("  left out: 1 (caption says nothing)\n") == (source in ("debian", "folder"))
    assert out.count("bad rows: 1 (") == (source != "debian")
    path = workplace / "outputs/mine/corpus.parquet"
    rows = read_table(path).to_pylist()
    assert {row["caption"] for row in rows} == {"a red apple", "the dog"}
    assert [row["key"] for row in rows] == sorted(key_of(row["url"]) for row in rows)
    assert not any(str(workplace) in row["url"] for row in rows)
    before = [sha256_file(path), sha256_file(path.with_name("bad_rows.parquet"))]
    path.unlink()
    assert main(["--profile", "mine"]) == 0
    assert [sha256_file(path), sha256_file(path.with_name("bad_rows.parquet"))] == before


def test_bad_rows_are_rows_of_the_ledger(workplace: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Every one, with its line and reason, in the order of the source; the commonest rule is told first."""
    lines = [b"a dog\thttp://a/0", b"a cat", b"...\thttp://a/1", b"\xe9\thttp://a/2", b"a fish\tftp://a/3", b"no"]
    (workplace / "cc.tsv").write_bytes(b"\n".join(lines))
    use_source(workplace, "tsv", "cc.tsv")
    assert main(["--profile", "mine"]) == 0
    table = read_table(workplace / "outputs/mine/bad_rows.parquet")
    assert table.schema.equals(LEDGER)
    assert [(row["url"], row["rule"], row["reason"]) for row in table.to_pylist()] == [
        ("cc.tsv:2", "missing_tab", "1 cell where 2 cells should be: 'a cat'"),
        ("cc.tsv:3", "empty_caption", "no letter in the caption '...'"),
        ("cc.tsv:4", "bad_encoding", "byte 1 is not UTF-8"),
        ("cc.tsv:5", "not_a_url", "neither http nor https: 'ftp://a/3'"),
        ("cc.tsv:6", "missing_tab", "1 cell where 2 cells should be: 'no'"),
    ]
    for row in table.to_pylist():
        assert row["key"] == sha256(row["url"].encode()).hexdigest()[:16]
        assert (row["outcome"], row["stage"], row["value"]) == ("failed", "corpus", None)
    out = capfd.readouterr().out.splitlines()
    assert out[1:] == [
        f"  bad rows: {count} ({rule}), listed in outputs/mine/bad_rows.parquet"
        for count, rule in ((2, "missing_tab"), (1, "empty_caption"), (1, "bad_encoding"), (1, "not_a_url"))
    ]


def test_many_bad_rows_are_all_written(workplace: Path) -> None:
    """More than are held at once."""
    good = b"a dog\thttp://a/0\n"
    (workplace / "cc.tsv").write_bytes(good + b"a cat\n" * 25_000 + good)
    use_source(workplace, "tsv", "cc.tsv")
    assert main(["--profile", "mine"]) == 0
    places = read_table(workplace / "outputs/mine/bad_rows.parquet")["url"].to_pylist()
    assert places == [f"cc.tsv:{number}" for number in range(2, 25_002)]


def test_no_order_and_no_sharding_changes_a_sample(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Through both stages: one file, shuffled files, packed files give the same keys in the same order."""
    monkeypatch.setattr(draw, "FEWEST", 1)
    lines = [f"caption {number // 2}\thttp://a/{number}\n".encode() for number in range(3_000)]
    lines += [b"shared\thttp://b/%d\n" % number for number in range(100)] + lines[:50]
    shuffled = random.Random(1).sample(lines, len(lines))
    (workplace / "one.tsv").write_bytes(b"".join(lines))
    for folder in ("some", "packed"):
        (workplace / folder).mkdir()
    for number in range(7):
        (workplace / f"some/{number}.tsv").write_bytes(b"".join(shuffled[number::7]))
        (workplace / f"packed/{number}.tsv.gz").write_bytes(gzip.compress(b"".join(shuffled[number::7])))
    found = []
    for path in ("one.tsv", "some", "packed"):
        use_source(workplace, "tsv", path, sample={"pictures": 40, "heldout": 20, "tries": 1.5})
        assert main(["--profile", "mine"]) == 0
        assert sample.main(["--profile", "mine"]) == 0
        samples = [read_table(workplace / f"outputs/mine/sample/{split}.parquet") for split in ("curate", "evaluate")]
        found.append([table.drop_columns(["source"]) for table in samples])
    assert [table.num_rows for table in found[0]] == [60, 30]
    assert found[0] == found[1] == found[2]


def test_a_larger_sample_begins_with_the_smaller_one(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Through both stages: what is described already is not lost by asking for more, nor by allowing more tries."""
    monkeypatch.setattr(draw, "FEWEST", 1)
    lines = [f"caption {number}\thttp://a/{number}\n" for number in range(3_000)]
    (workplace / "cc.tsv").write_text("".join(lines), encoding="utf-8")
    found = []
    for pictures, tries in ((10, 1.0), (10, 2.5), (60, 1.0), (60, 2.5)):
        use_source(workplace, "tsv", "cc.tsv", sample={"pictures": pictures, "heldout": 5, "tries": tries})
        assert main(["--profile", "mine"]) == 0
        assert sample.main(["--profile", "mine"]) == 0
        found.append(read_table(workplace / "outputs/mine/sample/curate.parquet")["key"].to_pylist())
    assert [len(keys) for keys in found] == [10, 25, 60, 150]
    assert all(found[-1][: len(keys)] == keys for keys in found)


def stopped(workplace: Path, capfd: pytest.CaptureFixture[str]) -> str:
    """Run the stage, which fails with one line and leaves no corpus; returns the line."""
    assert main(["--profile", "mine"]) == 1
    out, err = capfd.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert not (workplace / "outputs/mine/corpus.parquet").exists()
    return err


@pytest.mark.parametrize(
    ("source", "path", "message"),
    [
        ("tsv", "empty.tsv", "the corpus in empty.tsv is empty: no picture has a caption that says something"),
        ("tsv", "gone.tsv", "gone.tsv does not exist: fetch it (a file, or a folder of *.tsv or *.tsv.gz), or set"),
        ("folder", "gone", "gone is no folder: set corpus.path to a folder of pictures"),
        ("debian", "gone", "no package openclipart-png in gone: run `make assets`, or set corpus.path"),
    ],
    ids=["empty", "no TSV", "no folder", "no packages"],
)
def test_no_corpus_is_one_line(
    workplace: Path, source: str, path: str, message: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """Exit code 1, and no table that a next stage would take for one."""
    (workplace / "empty.tsv").touch()
    use_source(workplace, source, path)
    assert stopped(workplace, capfd).startswith(f"pairmill: error: {message}")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (
            b"a dog,http://a/1\n" * 3 + b"\xff\n",
            "all of its 4 rows are bad, 3 of them missing_tab, e.g. cc.tsv:1: 1 cell where 2 cells should be",
        ),
        (
            b"\n".join(b"http://a/%d\ta dog" % n for n in range(1_000)) + b"\na dog\thttp://a/0\n",
            "all of the first 1,000 rows are bad, 1000 of them not_a_url, e.g. cc.tsv:1: neither http nor https",
        ),
        (
            "a dog\thttp://a/1\n".encode("utf-16"),
            "all of its 2 rows are bad, 1 of them bad_encoding, e.g. cc.tsv:1: byte 1 is not UTF-8",
        ),
    ],
    ids=["a CSV", "swapped", "UTF-16"],
)
def test_a_source_of_bad_rows_is_one_line(
    workplace: Path, data: bytes, message: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """The commonest reason, an example, and the params to look at."""
    (workplace / "cc.tsv").write_bytes(data)
    use_source(workplace, "tsv", "cc.tsv")
    line = stopped(workplace, capfd)
    assert line.startswith(f"pairmill: error: cc.tsv: {message}")
    assert line.endswith("; see that corpus.source (tsv) and corpus.columns fit\n")


def test_a_good_row_among_the_first_thousand_is_enough(workplace: Path) -> None:
    """What follows may be bad: it is in the account."""
    (workplace / "cc.tsv").write_bytes(b"x\n" * 999 + b"a dog\thttp://a/0\n" + b"x\n" * 2_000)
    use_source(workplace, "tsv", "cc.tsv")
    assert main(["--profile", "mine"]) == 0
    assert read_table(workplace / "outputs/mine/bad_rows.parquet").num_rows == 2_999


def test_a_file_that_is_cut_short_leaves_no_table(workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Neither of pictures nor of bad rows; the last line says where it ends."""
    data = b"".join(f"caption {number * number}\thttp://a/{number}\n".encode() for number in range(3_000))
    (workplace / "cc.tsv.gz").write_bytes(gzip.compress(data)[:-10])
    use_source(workplace, "tsv", "cc.tsv.gz")
    assert main(["--profile", "mine"]) == 1
    assert "pairmill: error: cc.tsv.gz:" in capsys.readouterr().err.splitlines()[-1]
    assert list((workplace / "outputs/mine").iterdir()) == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"columns": {"caption": 0, "url": 1}}, "corpus.columns is not read with source folder: set it to null"),
        ({"revision": "main"}, "corpus.revision is not read with source folder: set it to null"),
        ({"source": "csv", "subset": "train"}, "corpus.subset is not read with source csv: set it to null"),
        ({"source": "csv", "columns": {"caption": "a", "url": 1}}, "corpus.columns must be two names"),
    ],
)
def test_a_key_that_the_source_would_not_read_is_an_error(
    workplace: Path, changes: dict[str, Any], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 2: somebody believes that it does something."""
    use_source(workplace, "folder", "pictures", corpus=changes)
    assert main(["--profile", "mine"]) == 2
    assert message in capsys.readouterr().err
