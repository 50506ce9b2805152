"""What stage 2 learns from: this run's own pairs, the published cc_sbu_align, or anybody's Parquet or Hub set."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
from PIL import Image

from pipeline.errors import JobError, UsageError, first_line, listed
from pipeline.fetch.failures import Failure
from pipeline.files import explain
from pipeline.instructions import instruction_of
from pipeline.params import EmitParams
from pipeline.parquet import read_table
from pipeline.pictures import decode
from pipeline.references import hub_reference

ALIGN_FILE = "filter_cap.json"  # of MiniGPT-4's cc_sbu_align
_NEEDED = ("image", "description")


@dataclass(frozen=True)
class Pair:
    """One row: an encoded picture, what is asked about it and what is to be answered."""

    place: str  # for people: the file or set, and the row
    picture: bytes
    instruction: str
    description: str


@dataclass(frozen=True)
class TrainingSet:
    """All rows of a set, pictures still encoded, in its own order."""

    name: str
    pairs: Sequence[Pair]
    max_pixels: int

    def pictures(self) -> Iterator[Image.Image]:
        """The pictures, decoded one by one. Raises JobError that names the row of one that cannot be."""
        for pair in self.pairs:
            picture = decode(pair.picture, self.max_pixels)
            if isinstance(picture, Failure):
                raise JobError(
                    f"{pair.place}: its picture cannot be decoded ({picture.reason}); mend or remove the row"
                )
            yield picture

    def digest(self) -> str:
        """sha256 (64 hex digits) over all rows."""
        digest = hashlib.sha256()
        for pair in self.pairs:
            for value in (pair.picture, pair.instruction.encode(), pair.description.encode()):
                digest.update(len(value).to_bytes(8) + value)
        return digest.hexdigest()


def read_training_set(data: str | None, own: Path, emit: EmitParams, max_pixels: int) -> TrainingSet:
    """The set that `train.data` names: null stands for `own`, the pairs of this run.

    A folder with filter_cap.json is read as MiniGPT-4's cc_sbu_align; any other folder, or a file, as Parquet with the
    columns image and description; OWNER/NAME@REVISION is a set of the Hub with the same columns. Where a set has no
    column `instruction`, one of emit.instructions is drawn for each row, by its key (or its number).

    Raises UsageError where `data` names nothing of the kind, JobError where a row cannot be used.
    """
    if data is None:
        table = read_table(own, ["key", "image", "instruction", "description"])
        name, found = str(own), _pairs_of(table.to_pylist(), str(own), emit)
    elif (Path(data) / ALIGN_FILE).is_file():
        name, found = data, _align(Path(data), emit)
    else:
        name, found = data, _pairs_of(_streamed(data), data, emit)
    if not (rows := list(found)):
        raise JobError(f"{name} holds no row: there is nothing to train on")
    return TrainingSet(name, rows, max_pixels)


def _align(folder: Path, emit: EmitParams) -> Iterator[Pair]:
    """`filter_cap.json` names image/<image_id>.jpg and the caption; there are no instructions."""
    listing = folder / ALIGN_FILE
    try:
        found = json.loads(listing.read_text(encoding="utf-8"))["annotations"]
        named = [(str(each["image_id"]), str(each["caption"])) for each in found]
    except (OSError, ValueError, KeyError, TypeError) as error:
        mend = 'it must hold {"annotations": [{"image_id", "caption"}, ...]}'
        raise JobError(f"{listing} cannot be read ({type(error).__name__}: {first_line(error)}); {mend}") from error
    for key, caption in named:
        place = folder / "image" / f"{key}.jpg"
        try:
            picture = place.read_bytes()
        except OSError as error:
            raise JobError(f"{listing}: image_id {key}: cannot read {explain(error, place)}") from error
        yield _pair(f"{listing}: image_id {key}", key, picture, caption, None, emit)


def _pairs_of(rows: Sequence[dict[str, Any]] | Iterator[dict[str, Any]], name: str, emit: EmitParams) -> Iterator[Pair]:
    for number, row in enumerate(rows):
        place = f"{name}: row {number}"
        image = row["image"]
        picture = image["bytes"] if isinstance(image, dict) else image
        if not isinstance(picture, bytes):
            raise JobError(f"{place} has no picture in its column image (a path alone is not followed)")
        key = str(number if row.get("key") is None else row["key"])
        yield _pair(place, key, picture, row["description"], row.get("instruction"), emit)


def _pair(place: str, key: str, picture: bytes, description: object, instruction: object, emit: EmitParams) -> Pair:
    if not isinstance(description, str) or not description.strip():
        raise JobError(f"{place} has no description: its column must hold one text; remove the row, or mend it")
    if not isinstance(instruction, str | None):
        raise JobError(f"{place}: its instruction is no text; mend it, or leave the column out")
    return Pair(place, picture, instruction or instruction_of(key, emit), description)


def _streamed(data: str) -> Iterator[dict[str, Any]]:
    """The rows of Parquet files, or of a set of the Hub, read by `datasets` without a copy on disk."""
    import datasets

    path, reference = Path(data), hub_reference(data)
    try:
        if path.exists():
            files = sorted(map(str, path.rglob("*.parquet"))) if path.is_dir() else [str(path)]
            if not files:
                raise UsageError(f"train.data {data}: the folder holds neither {ALIGN_FILE} nor a .parquet file")
            found = datasets.load_dataset("parquet", data_files=files, split="train", streaming=True)
        elif reference:
            name, revision = reference["repository"], reference["revision"]
            found = datasets.load_dataset(name, revision=revision, split="train", streaming=True)
        else:
            kinds = "a Parquet file, a folder, nor OWNER/NAME@REVISION of the Hub"
            raise UsageError(f"train.data {data} is neither {kinds}: there is no such file")
        columns = found.column_names or list(next(iter(found), {}))
        if lacking := [name for name in _NEEDED if name not in columns]:
            raise UsageError(f"train.data {data} lacks the column {listed(lacking)}; it has {listed(columns)}")
        wanted = [name for name in ("key", *_NEEDED, "instruction") if name in columns]
        found = found.select_columns(wanted).cast_column("image", datasets.Image(decode=False))
        yield from found
    except (datasets.exceptions.DatasetsError, pa.ArrowException, OSError, EOFError, ValueError, RuntimeError) as error:
        raise JobError(f"cannot read the data set {data}: {first_line(error)}") from error
