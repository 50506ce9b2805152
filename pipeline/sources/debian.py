"""Captioned pictures from Debian packages: Open Clip Art (PNG and SVG) and Tux Paint's stamps.

The drawings' titles and keywords stand in the SVG package's Dublin Core metadata, the drawings themselves
in the PNG package under the same name. A stamp has its caption in a `.txt` beside it.
A word list (wamerican) tells English captions from others.
"""

from __future__ import annotations

import struct
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

from pipeline.captions import caption_of, clean_keywords, clean_title, is_english
from pipeline.errors import JobError
from pipeline.sources.rows import Titled

CLIPART_PNG, CLIPART_SVG, STAMPS = "openclipart-png", "openclipart-svg", "tuxpaint-stamps-default"
WORDS = "wamerican"
PACKAGES = (CLIPART_PNG, CLIPART_SVG, STAMPS, WORDS)

_DC = "{http://purl.org/dc/elements/1.1/}"
_RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"


def read_packages(root: Path, max_pixels: int) -> Iterator[Titled]:
    """Every PNG of the unpacked packages under `root`, in the order of their paths.

    Raises JobError when a package or its word list is not there, with the command that fetches it.
    """
    for package in PACKAGES:
        if not (root / package).is_dir():
            raise JobError(f"no package {package} in {root}: run `make assets`, or set corpus.path")
    dictionary = _dictionary(root)
    for titled, png in [*_clipart(root), *_stamps(root)]:
        if png.is_file() and 0 < png_pixels(png) <= max_pixels:
            yield titled if is_english(titled.caption, dictionary) else titled._replace(caption="")


def _dictionary(root: Path) -> frozenset[str]:
    listing = root / WORDS / "usr/share/dict/american-english"
    try:
        return frozenset(listing.read_text(encoding="utf-8").lower().split())
    except (OSError, UnicodeDecodeError):
        raise JobError(f"no word list in {listing}: delete {root / WORDS} and run `make assets`") from None


def png_pixels(path: Path) -> int:
    """Width times height from a PNG's header, without decoding it; 0 where the file is no PNG."""
    with path.open("rb") as file:
        header = file.read(24)
    if len(header) < 24 or header[:8] != b"\x89PNG\r\n\x1a\n":
        return 0
    width, height = struct.unpack(">II", header[16:24])
    return int(width) * int(height)


def _clipart(root: Path) -> Iterator[tuple[Titled, Path]]:
    drawings = root / CLIPART_SVG / "usr/share/openclipart/svg"
    for svg in sorted(drawings.rglob("*.svg")):
        name = svg.relative_to(drawings).with_suffix(".png")
        path = Path("usr/share/openclipart/png") / name
        title, keywords = _dublin_core(svg)
        caption = caption_of(title or _title_of_file(name), keywords)
        url = f"debian:{CLIPART_PNG}/{path.as_posix()}"
        shelves = [*reversed(name.parts[:-1])]  # the folders that people sorted it into, nearest first
        words = clean_keywords([*keywords, *shelves], caption)
        yield Titled(url, caption, words, CLIPART_PNG), root / CLIPART_PNG / path


def _title_of_file(name: Path) -> str:
    """An untitled drawing is called by its file, as alt-text on the web is; a numbered one is not."""
    return "" if any(character.isdigit() for character in name.stem) else name.stem


def _dublin_core(svg: Path) -> tuple[str, list[str | None]]:
    """Title and keywords of a drawing; both empty where the file cannot be parsed."""
    try:
        work = next((node for node in ET.parse(svg).getroot().iter() if node.tag.endswith("}Work")), None)
    except (ET.ParseError, LookupError, ValueError):  # the last two: an encoding that expat does not know
        return "", []
    if work is None:
        return "", []
    title = (work.findtext(f"{_DC}title") or "").strip()
    if title.startswith("AIGA"):  # the collection's title on each of its signs; the file says which sign
        title = ""
    keywords = [item.text for item in work.iterfind(f"{_DC}subject//{_RDF}li")]
    return title, keywords


def _stamps(root: Path) -> Iterator[tuple[Titled, Path]]:
    stamps = root / STAMPS / "usr/share/tuxpaint/stamps"
    for note in sorted(stamps.rglob("*.txt")):
        picture = note.with_suffix(".png")
        lines = note.read_text(encoding="utf-8", errors="replace").splitlines()
        caption = clean_title(lines[0]) if lines else ""
        folders = [part for part in picture.relative_to(stamps).parts[:-1] if part != "symbols"]
        keywords = clean_keywords([*reversed(folders)], caption)
        url = f"debian:{STAMPS}/{picture.relative_to(root / STAMPS).as_posix()}"
        yield Titled(url, caption, keywords, STAMPS), picture
