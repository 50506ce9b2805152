"""Small stand-ins for the unpacked Debian packages: the same paths and formats, generated content."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from xml.sax.saxutils import escape

from PIL import Image

WORD_LIST = "red apple house dog cat bird the lion tree fish boat pretty"
PNGS = "openclipart-png/usr/share/openclipart/png"
SVGS = "openclipart-svg/usr/share/openclipart/svg"
STAMPS = "tuxpaint-stamps-default/usr/share/tuxpaint/stamps"
WORDS = "wamerican/usr/share/dict/american-english"


def svg_text(title: str | None, keywords: Sequence[str] = ()) -> str:
    """A drawing as Open Clip Art has it: Dublin Core in RDF; without a title there is no metadata at all."""
    if title is None:
        return '<svg xmlns="http://www.w3.org/2000/svg"><rect width="1" height="1"/></svg>'
    items = "".join(f"<rdf:li>{escape(keyword)}</rdf:li>" for keyword in keywords)
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<svg xmlns="http://www.w3.org/2000/svg" xmlns:cc="http://web.resource.org/cc/"
     xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <metadata><rdf:RDF><cc:Work rdf:about="">
    <dc:title>{escape(title)}</dc:title>
    <dc:subject><rdf:Bag>{items}<rdf:li/></rdf:Bag></dc:subject>
  </cc:Work></rdf:RDF></metadata>
</svg>"""


def save_png(path: Path, size: tuple[int, int] = (8, 8)) -> None:
    """A red picture."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (255, 0, 0)).save(path)


def add_drawing(root: Path, name: str, svg: str | bytes, size: tuple[int, int] = (8, 8)) -> None:
    """Put a drawing (`name` has folders and no suffix) into both packages."""
    path = root / SVGS / f"{name}.svg"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(svg if isinstance(svg, bytes) else svg.encode())
    save_png(root / PNGS / f"{name}.png", size)


def add_stamp(root: Path, name: str, note: bytes, size: tuple[int, int] = (8, 8)) -> None:
    """Put a stamp (`name` has folders and no suffix) with its caption into its package."""
    save_png(root / STAMPS / f"{name}.png", size)
    (root / STAMPS / f"{name}.txt").write_bytes(note)


def make_packages(root: Path) -> Path:
    """All four packages, with a word list and no picture yet; returns `root`."""
    for folder in (PNGS, SVGS, STAMPS):
        (root / folder).mkdir(parents=True)
    (root / WORDS).parent.mkdir(parents=True)
    (root / WORDS).write_text("\n".join(WORD_LIST.split()) + "\nFrance\n", encoding="utf-8")
    return root
