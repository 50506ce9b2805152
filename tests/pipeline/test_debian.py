"""Captioned pictures out of unpacked Debian packages: what is read, what is left out, and what is missing."""

from __future__ import annotations

import shutil
import struct
from pathlib import Path

import pytest

from pipeline.errors import JobError
from pipeline.sources.debian import PACKAGES, png_pixels, read_packages
from pipeline.sources.rows import Titled
from tests.debian_tree import PNGS, STAMPS, SVGS, WORDS, add_drawing, add_stamp, make_packages, save_png, svg_text

LIMIT = 10_000  # pixels


@pytest.fixture
def packages(tmp_path: Path) -> Path:
    """Four packages without pictures."""
    return make_packages(tmp_path / "debian")


def read(packages: Path) -> list[Titled]:
    """What the packages hold."""
    return list(read_packages(packages, LIMIT))


def test_a_drawing_has_its_title_keywords_and_address(packages: Path) -> None:
    """Keywords come from the metadata and then from the folders, nearest first; the address has no machine path."""
    add_drawing(packages, "food/fruit/apple_1", svg_text("Red Apple", ["dessert", "unsorted", "apples"]))
    assert read(packages) == [
        Titled(
            url="debian:openclipart-png/usr/share/openclipart/png/food/fruit/apple_1.png",
            caption="red apple",
            keywords=["dessert", "fruit", "food"],
            source="openclipart-png",
        )
    ]


@pytest.mark.parametrize(
    ("name", "svg", "caption"),
    [
        ("x1", svg_text("The Red House"), "the red house"),
        ("x1", svg_text("Fish & <Boat>"), "fish & boat"),
        ("x1", svg_text("France", ["flag"]), "the flag of france"),
        ("red_house", svg_text(None), "red house"),
        ("red_house", svg_text("  "), "red house"),
        ("red_house", svg_text("AIGA Symbol Signs"), "red house"),
        ("red_house", "<svg><metadata>", "red house"),
        ("red_house", b"", "red house"),
        ("red_house", b'<?xml version="1.0" encoding="nosuch"?><svg/>', "red house"),
        ("red_house", b'<?xml version="1.0" encoding="shift_jis"?><svg/>', "red house"),
        ("red_house", b"<svg>\xff\xfe</svg>", "red house"),
        ("red_house2", svg_text(None), ""),
        ("x1", svg_text("Untitled"), ""),
        ("x1", svg_text("rotes Haus"), ""),
        ("x1", svg_text("maison rouge"), ""),
    ],
    ids=[
        *("titled", "escaped", "flag", "no metadata", "blank title", "collection's title", "malformed", "empty file"),
        *("unknown encoding", "encoding of many bytes", "not UTF-8", "numbered file", "says nothing"),
        *("German", "French"),
    ],
)
def test_a_drawing_is_called_by_its_title_else_by_its_file(
    packages: Path, name: str, svg: str | bytes, caption: str
) -> None:
    """A file that cannot be parsed is no error; a caption that says nothing or is not English is "" and stays."""
    add_drawing(packages, name, svg)
    assert [picture.caption for picture in read(packages)] == [caption]


@pytest.mark.parametrize(
    ("note", "caption"),
    [
        (b"A red bird.\nes.utf8=Un pajaro rojo.\n", "a red bird"),
        (b"A red bird.\r\nmore", "a red bird"),
        (b"A pretty dog\xff\n", ""),
        (b"", ""),
    ],
    ids=["translated", "DOS lines", "not UTF-8", "empty"],
)
def test_a_stamp_has_the_first_line_of_its_note(packages: Path, note: bytes, caption: str) -> None:
    """The lines after it are translations."""
    add_stamp(packages, "animals/birds/robin", note)
    (stamp,) = read(packages)
    assert stamp.caption == caption
    assert stamp.url == "debian:tuxpaint-stamps-default/usr/share/tuxpaint/stamps/animals/birds/robin.png"
    assert stamp.source == "tuxpaint-stamps-default"


def test_a_stamps_keywords_are_its_folders(packages: Path) -> None:
    """Nearest first; what the caption says already, and the shelf `symbols`, add nothing."""
    add_stamp(packages, "symbols/animals/birds/robin", b"A red bird.")
    assert read(packages)[0].keywords == ["animals"]


def test_drawings_come_before_stamps_in_the_order_of_their_paths(packages: Path) -> None:
    """The order on disk does not matter."""
    add_stamp(packages, "a", b"the lion")
    for name in ("z", "b/a", "a"):
        add_drawing(packages, name, svg_text("the dog"))
    names = [picture.url.rpartition("/png/")[2].rpartition("/stamps/")[2] for picture in read(packages)]
    assert names == ["a.png", "b/a.png", "z.png", "a.png"]


def header(width: int, height: int) -> bytes:
    """The first 24 bytes of a PNG, which are all there is of it."""
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", width, height)


@pytest.mark.parametrize(
    ("data", "pixels"),
    [
        (header(12_000, 14_000), 168_000_000),
        (header(1, 1), 1),
        (header(0, 5), 0),
        (header(5, 5)[:23], 0),
        (b"GIF89a" + bytes(30), 0),
        (b"", 0),
    ],
    ids=["huge", "smallest", "no width", "torn header", "no PNG", "empty"],
)
def test_pixels_are_counted_by_the_header_alone(tmp_path: Path, data: bytes, pixels: int) -> None:
    """Nothing is decoded, so that a picture of any size costs 24 bytes; 0 where there is no PNG."""
    path = tmp_path / "x.png"
    path.write_bytes(data)
    assert png_pixels(path) == pixels


@pytest.mark.parametrize(
    ("data", "enters"),
    [(header(100, 100), True), (header(100, 101), False), (b"no picture", False), (None, False)],
    ids=["at the limit", "above it", "no PNG", "no file"],
)
def test_what_cannot_be_a_picture_does_not_enter(packages: Path, data: bytes | None, enters: bool) -> None:
    """Too many pixels, another format, or a drawing that only the SVG package has."""
    add_drawing(packages, "dog", svg_text("the dog"))
    path = packages / PNGS / "dog.png"
    path.unlink()
    if data is not None:
        path.write_bytes(data)
    assert bool(read(packages)) is enters


def test_only_what_both_packages_have_is_a_drawing(packages: Path) -> None:
    """A PNG without its SVG has no title; a picture without its note is no stamp."""
    save_png(packages / PNGS / "dog.png")
    save_png(packages / STAMPS / "dog.png")
    (packages / SVGS / "cat.svg").write_text(svg_text("the cat"), encoding="utf-8")
    assert read(packages) == []


@pytest.mark.parametrize("package", PACKAGES)
def test_a_missing_package_is_named_with_its_mend(packages: Path, package: str) -> None:
    """One line: which package, where, and the command that fetches it."""
    shutil.rmtree(packages / package)
    with pytest.raises(JobError) as raised:
        read(packages)
    assert str(raised.value) == f"no package {package} in {packages}: run `make assets`, or set corpus.path"


@pytest.mark.parametrize("data", [None, b"caf\xe9\n"], ids=["missing", "not UTF-8"])
def test_a_missing_word_list_is_named_with_its_mend(packages: Path, data: bytes | None) -> None:
    """A package that was emptied by hand is told from one that is not there."""
    (packages / WORDS).unlink()
    if data is not None:
        (packages / WORDS).write_bytes(data)
    with pytest.raises(JobError, match=r"no word list in .*american-english: delete .*wamerican and run `make assets`"):
        read(packages)
