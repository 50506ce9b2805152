"""Shards that are already here: captions and addresses from the tars, and the pictures again by their addresses."""

from __future__ import annotations

import io
import json
import tarfile
import tracemalloc
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from pipeline.errors import JobError
from pipeline.shards import find_shards
from pipeline.sources.rows import BadRow, Titled
from pipeline.sources.webdataset import read_pictures, read_webdataset
from tests.shard_files import noise, rows_of, write_tar

Member = tuple[str, bytes]


def tar_of(path: Path, members: Sequence[Member]) -> Path:
    """A tar of these files."""
    with tarfile.open(path, "w", format=tarfile.GNU_FORMAT) as tar:
        for name, data in members:
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return path


def record(key: str, text: str = "a dog", **note: object) -> list[Member]:
    """The three files of a record, as img2dataset writes them."""
    return [
        (f"{key}.jpg", b"picture of " + key.encode()),
        (f"{key}.json", json.dumps(note).encode()),
        (f"{key}.txt", text.encode()),
    ]


def test_records_are_addressed_by_tar_and_key(tmp_path: Path) -> None:
    """The address that a picture came from is its source, or the tar where there is none."""
    tar_of(tmp_path / "00001.tar", record("00001000", " A cat\n", url="https://a/2.jpg", sha256="x"))
    tar_of(tmp_path / "00000.tar", [*record("a/b", "a dog", url=7)[:1], *record("00000001", 'the "sea"', caption="x")])
    (tmp_path / "00000.parquet").touch()
    (tmp_path / "00000_stats.json").touch()
    assert list(read_webdataset(tmp_path)) == [
        BadRow("00000.tar", 1, "missing_caption", "record a/b has no .txt"),
        Titled("shard:00000.tar#00000001", 'the "sea"', [], "00000.tar"),
        Titled("shard:00001.tar#00001000", "A cat", [], "https://a/2.jpg"),
    ]


@pytest.mark.parametrize(
    ("members", "rule", "reason"),
    [
        ([("1.jpg", b"x"), ("1.txt", b"..")], "empty_caption", "no letter in the caption '..'"),
        ([("1.jpg", b"x"), ("1.txt", b"")], "empty_caption", "no letter in the caption ''"),
        ([("1.jpg", b"x"), ("1.txt", b"caf\xe9")], "bad_encoding", "the caption is not UTF-8: 'caf\\udce9'"),
        ([("1.jpg", b"x")], "missing_caption", "record 1 has no .txt"),
        ([("1.txt", b"a dog")], "no_picture", "record 1 has no jpg, png, webp, jpeg"),
        ([("1.mp4", b"x"), ("1.txt", b"a dog")], "no_picture", "record 1 has no jpg, png, webp, jpeg"),
        ([("1.jpg", b"x"), ("1.txt", b"a dog"), ("1.json", b"{")], "bad_json", "the .json of record 1: Expecting"),
        ([("1\n.jpg", b"x"), ("1\n.txt", b"a dog")], "bad_encoding", "a record's name that cannot be written: '1\\n'"),
    ],
)
def test_a_record_without_something_is_numbered(tmp_path: Path, members: list[Member], rule: str, reason: str) -> None:
    """It keeps its place, and the next one comes."""
    path = tar_of(tmp_path / "0.tar", [*record("0"), *members, *record("2")])
    first, bad, last = read_webdataset(path)
    assert isinstance(bad, BadRow)
    assert (bad.place, bad.rule) == ("0.tar:2", rule)
    assert bad.reason.startswith(reason)
    assert [row.url for row in (first, last) if isinstance(row, Titled)] == ["shard:0.tar#0", "shard:0.tar#2"]


@pytest.mark.parametrize("note", [b'{"url": null}', b'{"url": "caf\\ud800"}', b"[1]", b"null"])
def test_a_note_without_an_address_is_no_fault(tmp_path: Path, note: bytes) -> None:
    """The picture is there, and so is its caption."""
    path = tar_of(tmp_path / "0.tar", [("1.jpg", b"x"), ("1.json", note), ("1.txt", b"a dog")])
    assert list(read_webdataset(path)) == [Titled("shard:0.tar#1", "a dog", [], "0.tar")]


@pytest.mark.parametrize("pictures", [False, True], ids=["corpus", "pictures"])
@pytest.mark.parametrize(("kept", "whole"), [(0, 0), (300, 0), (900, 0), (4096, 1), (5121, 1), (7680, 2), (10752, 2)])
def test_a_torn_tar_is_one_line(tmp_path: Path, kept: int, whole: int, pictures: bool) -> None:
    """It names the tar and the last record that is surely whole; the records up to there come."""
    path = write_tar(tmp_path / "00000.tar", rows_of(3))
    urls = [f"shard:00000.tar#{key}" for key, _, _ in [*rows_of(3), ("gone", None, None)]]
    path.write_bytes(path.read_bytes()[:kept])
    source: Iterator[object] = read_pictures(tmp_path, urls) if pictures else read_webdataset(tmp_path)
    found: list[object] = []
    with pytest.raises(JobError, match=rf"00000\.tar: torn behind record {whole} .*; fetch it again"):
        found.extend(source)
    assert len(found) == whole


def test_pictures_come_back_by_their_addresses(tmp_path: Path) -> None:
    """Every address once, in the order of the tars and of their records, with the bytes as they are stored."""
    for tar, first in (("00000.tar", 0), ("00001.tar", 10), ("00002.tar", 20)):
        write_tar(tmp_path / tar, rows_of(10, first))
    wanted = [("00001.tar", 13), ("00001.tar", 11), ("00000.tar", 9), ("00001.tar", 99), ("gone.tar", 1)]
    found = list(read_pictures(tmp_path, [f"shard:{tar}#{number:09d}" for tar, number in wanted]))
    assert found == [
        ("shard:00000.tar#000000009", noise(9)),
        ("shard:00001.tar#000000011", noise(11)),
        ("shard:00001.tar#000000013", noise(13)),
        ("shard:00001.tar#000000099", None),
        ("shard:gone.tar#000000001", None),
    ]


def test_a_tar_is_read_to_the_last_picture_that_is_wanted(tmp_path: Path) -> None:
    """A tear behind it is nobody's business here."""
    path = write_tar(tmp_path / "00000.tar", rows_of(3))
    path.write_bytes(path.read_bytes()[:7_000])
    assert list(read_pictures(tmp_path, ["shard:00000.tar#000000000"])) == [("shard:00000.tar#000000000", noise(0))]


def test_every_row_of_the_corpus_has_its_picture(tmp_path: Path) -> None:
    """What `read_webdataset` calls an address, `read_pictures` finds; of one tar as of a folder."""
    names = ["a/1", "b#c", "ü", "x" * 150]
    path = tar_of(tmp_path / "we ird#.tar", [member for name in names for member in record(name)])
    for source in (path, tmp_path):
        rows = [row for row in read_webdataset(source) if isinstance(row, Titled)]
        found = dict(read_pictures(source, [row.url for row in rows]))
        assert [found[row.url] for row in rows] == [b"picture of " + name.encode() for name in names]


@pytest.mark.parametrize(
    ("members", "data"),
    [
        ([("1.txt", b"a dog")], None),
        ([("1.jpg", b""), ("1.txt", b"a dog")], None),
        ([("1.txt", b"a dog"), ("1.PNG", b"png")], b"png"),
        ([("1.webp", b"webp"), ("1.jpg", b"jpg")], b"jpg"),
    ],
    ids=["none", "empty", "capitals", "two"],
)
def test_which_file_of_a_record_is_the_picture(tmp_path: Path, members: list[Member], data: bytes | None) -> None:
    """jpg before png before webp before jpeg, as everywhere."""
    tar_of(tmp_path / "0.tar", members)
    assert list(read_pictures(tmp_path, ["shard:0.tar#1"])) == [("shard:0.tar#1", data)]


def test_one_picture_is_in_memory_at_a_time(tmp_path: Path) -> None:
    """Forty pictures of a megabyte pass through three."""
    tar_of(tmp_path / "0.tar", [(f"{n}.jpg", bytes(1 << 20)) for n in range(40)])
    urls = [f"shard:0.tar#{n}" for n in range(40)]
    tracemalloc.start()
    assert sum(len(data or b"") for _, data in read_pictures(tmp_path, urls)) == 40 << 20
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 << 20


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("gone", "gone does not exist: fetch it"),
        ("empty", r"empty holds no \*\.tar"),
        ("a.zip", r"a\.zip is no \*\.tar"),
    ],
)
def test_no_tar_is_one_line(tmp_path: Path, name: str, message: str) -> None:
    """It says what is wanted."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "a.zip").touch()
    with pytest.raises(JobError, match=message):
        list(read_webdataset(tmp_path / name))


def test_the_tars_are_those_of_stage_1(tmp_path: Path) -> None:
    """One folder serves both: the same records, under the same keys."""
    write_tar(tmp_path / "00000.tar", rows_of(3), successes=3)
    assert find_shards(tmp_path) == [tmp_path / "00000.tar"]
    assert [row.url for row in read_webdataset(tmp_path) if isinstance(row, Titled)] == [
        f"shard:00000.tar#{key}" for key, _, _ in rows_of(3)
    ]
