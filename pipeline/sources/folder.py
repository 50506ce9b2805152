"""A folder of pictures: captions in a table `captions.tsv`, or in a `.txt` beside each picture."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from pipeline.captions import clean_title
from pipeline.errors import JobError
from pipeline.files import explain
from pipeline.sources.files import LONGEST_LINE, MARK, numbered_lines
from pipeline.sources.rows import (
    BAD_ENCODING,
    MISSING_CAPTION,
    MISSING_TAB,
    BadRow,
    Place,
    Titled,
    checked_caption,
    decoded,
    is_text,
    shown,
)

LISTING = "captions.tsv"
PICTURES = (".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff")
NOT_A_PATH = "not_a_path"


def read_folder(folder: Path) -> Iterator[Titled | BadRow]:
    """The pictures of a folder, by its captions.tsv where there is one, else those with a .txt beside them.

    A line of the table is file<TAB>caption, and optionally keywords between commas; its captions are titles, which
    lose their noise (`clean_title`). A .txt is taken as it stands. Raises JobError where there is neither.
    """
    if not folder.is_dir():
        raise JobError(f"{folder} is no folder: set corpus.path to a folder of pictures")
    if (folder / LISTING).is_file():
        yield from _listed(folder)
    else:
        yield from _beside(folder)


def _listed(folder: Path) -> Iterator[Titled | BadRow]:
    for number, line in numbered_lines(folder / LISTING):
        place = LISTING, number
        text = decoded(place, line)
        if isinstance(text, BadRow):
            yield text
            continue
        if text.strip():
            yield _entry(place, text.rstrip("\r\n").split("\t"), folder.name)


def _entry(place: Place, cells: list[str], source: str) -> Titled | BadRow:
    if len(cells) < 2:
        return BadRow(*place, MISSING_TAB, f"wanted file<TAB>caption: {shown(cells[0])}")
    if not _is_inside(cells[0]):
        return BadRow(*place, NOT_A_PATH, f"no path inside the folder: {shown(cells[0])}")
    caption = checked_caption(place, cells[1])
    if isinstance(caption, BadRow):
        return caption
    keywords = [word.strip() for word in cells[2].split(",") if word.strip()] if len(cells) > 2 else []
    return Titled(f"folder:{cells[0]}", clean_title(caption), keywords, source)


def _is_inside(name: str) -> bool:
    path = PurePosixPath(name)
    return bool(path.parts) and not path.is_absolute() and ".." not in path.parts and is_text(name)


def _beside(folder: Path) -> Iterator[Titled | BadRow]:
    found = False
    for directory, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            if Path(name).suffix.lower() in PICTURES and not name.startswith("."):
                found = True
                yield _captioned(Path(directory, name), folder)
    if not found:
        raise JobError(
            f"{folder} holds neither {LISTING} (file<TAB>caption a line) nor pictures with a .txt beside them:"
            " write one, or set corpus.path"
        )


def _captioned(picture: Path, folder: Path) -> Titled | BadRow:
    name = picture.relative_to(folder).as_posix()
    if not is_text(name):
        return BadRow(shown(name), 1, BAD_ENCODING, "a file's name that cannot be written")
    note = picture.with_suffix(".txt")
    place = name, 1  # not the note: a.jpg and a.png may share one
    try:
        with note.open("rb") as file:
            text = file.read(LONGEST_LINE).removeprefix(MARK).decode()
    except FileNotFoundError:
        return BadRow(*place, MISSING_CAPTION, f"there is none beside {picture.name}")
    except UnicodeDecodeError as error:
        return BadRow(*place, BAD_ENCODING, f"byte {error.start + 1} is not UTF-8")
    except OSError as error:
        raise JobError(f"cannot read {explain(error, note)}") from error
    caption = checked_caption(place, text)
    return caption if isinstance(caption, BadRow) else Titled(f"folder:{name}", caption, [], folder.name)
