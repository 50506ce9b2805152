"""A folder of pictures: by its captions.tsv, or by a .txt beside each."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.errors import JobError
from pipeline.sources.folder import read_folder
from pipeline.sources.rows import BadRow, Titled


def folder_with(tmp_path: Path, data: bytes) -> Path:
    """A folder `pictures` whose captions.tsv holds `data`."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    (folder / "captions.tsv").write_bytes(data)
    return folder


def test_a_table_lists_the_pictures(tmp_path: Path) -> None:
    """File, caption, and keywords where there are some; captions are cleaned, empty lines and keywords are none."""
    data = "a/1.png\tRed_Apple.svg\tfruit, food ,,\n\n2.png\ta dog\n3.png\tUntitled\t\n4 ü.png\tthe “cat”\r\n"
    assert list(read_folder(folder_with(tmp_path, b"\xef\xbb\xbf" + data.encode()))) == [
        Titled("folder:a/1.png", "red apple", ["fruit", "food"], "pictures"),
        Titled("folder:2.png", "a dog", [], "pictures"),
        Titled("folder:3.png", "", [], "pictures"),
        Titled("folder:4 ü.png", "the cat", [], "pictures"),
    ]


@pytest.mark.parametrize(
    ("line", "rule", "reason"),
    [
        (b"2.png a cat", "missing_tab", "wanted file<TAB>caption: '2.png a cat'"),
        (b"\ta dog", "not_a_path", "no path inside the folder: ''"),
        (b"/etc/1.png\ta dog", "not_a_path", "no path inside the folder: '/etc/1.png'"),
        (b"a/../../1.png\ta dog", "not_a_path", "no path inside the folder: 'a/../../1.png'"),
        (b"a\x001.png\ta dog", "not_a_path", "no path inside the folder: 'a\\x001.png'"),
        (b"2.png\t...", "empty_caption", "no letter in the caption '...'"),
        (b"2.png\tcaf\xe9", "bad_encoding", "byte 10 is not UTF-8"),
        (b"2.png\t" + b"dog " * 50_000, "too_long", "a caption of more than 20000 characters"),
        (b"2.png\t" + b"dog " * 500_000, "too_long", "a line of 1048576 bytes or more"),
    ],
)
def test_a_bad_line_is_numbered(tmp_path: Path, line: bytes, rule: str, reason: str) -> None:
    """As an editor counts, empty lines included; the lines around it count."""
    rows = list(read_folder(folder_with(tmp_path, b"..a.png\ta dog\n\n" + line + b"\nb.png\ta cat\n")))
    assert [row.caption for row in rows if isinstance(row, Titled)] == ["a dog", "a cat"]
    assert rows[1] == BadRow("captions.tsv", 3, rule, reason)


def test_captions_beside_the_pictures(tmp_path: Path) -> None:
    """Of every picture at any depth, by path; a caption is taken as it stands, on one line."""
    for name in ("b.JPG", "a/2.webp", "a/1.png", "c.jpeg", "d.png", "e.png", ".hidden.png", "notes.md"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    long = "A dog by the sea, photographed by somebody in 1999. " * 4
    for name, text in {
        "b": b"\xef\xbb\xbfA Cat.svg\r\non two lines\n",
        "a/1": long.encode(),
        "a/2": b"",
        "c": b"caf\xe9",
        "e": b"x" * 30_000,
        "README": b"none of these",
    }.items():
        (tmp_path / f"{name}.txt").write_bytes(text)
    assert list(read_folder(tmp_path)) == [
        Titled("folder:b.JPG", "A Cat.svg on two lines", [], tmp_path.name),
        BadRow("c.jpeg", 1, "bad_encoding", "byte 4 is not UTF-8"),
        BadRow("d.png", 1, "missing_caption", "there is none beside d.png"),
        BadRow("e.png", 1, "too_long", "a caption of more than 20000 characters"),
        Titled("folder:a/1.png", long.strip(), [], tmp_path.name),
        BadRow("a/2.webp", 1, "empty_caption", "no letter in the caption ''"),
    ]


@pytest.mark.parametrize("make", [False, True], ids=["no folder", "no pictures"])
def test_nothing_there_is_one_line(tmp_path: Path, make: bool) -> None:
    """It says what to write."""
    folder = tmp_path / "pictures"
    if make:
        folder.mkdir()
        (folder / "1.txt").write_text("a dog", encoding="utf-8")
    with pytest.raises(JobError, match=r"pictures .*set corpus\.path"):
        list(read_folder(folder))
