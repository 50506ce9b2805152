"""What stage 2 can learn from, and what it says of a set that it cannot."""

from __future__ import annotations

import json
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from pipeline.errors import JobError, UsageError
from pipeline.params import EmitParams
from pipeline.parquet import write_table
from pipeline.schema import IMAGE
from pipeline.training_set import TrainingSet, read_training_set

EMIT = EmitParams(instructions=["Describe it.", "What is there?", "Tell me more."], seed=1, align_layout=True)
TEXTS = ("A red bus.", "A dog sits. It barks.", "Überall Schnee.")
MOST = 5_000  # pixels


def picture(n: int, kind: str = "JPEG") -> bytes:
    """A small picture, another one for every number."""
    stream = BytesIO()
    Image.new("RGB", (20 + n, 16), (40 * n, 90, 200)).save(stream, kind)
    return stream.getvalue()


def table(**changes: Any) -> pa.Table:
    """Three pairs as `emit` writes them; a column that is changed to None is left out."""
    columns: dict[str, Any] = {
        "key": pa.array(["a", "b", "c"]),
        "image": pa.array([{"bytes": picture(n), "path": None} for n in range(3)], IMAGE),
        "instruction": pa.array(["Describe it."] * 3),
        "description": pa.array(TEXTS),
        "caption": pa.array(["of no interest"] * 3),
    } | changes
    return pa.table({name: values for name, values in columns.items() if values is not None})


def read(data: Path | str | None, own: Path = Path("none.parquet")) -> TrainingSet:
    """The set that `train.data` names."""
    return read_training_set(None if data is None else str(data), own, EMIT, MOST)


def rows(found: TrainingSet) -> list[tuple[bytes, str, str]]:
    """Pictures, instructions and descriptions."""
    return [(pair.picture, pair.instruction, pair.description) for pair in found.pairs]


def write_align(folder: Path, names: tuple[str, ...] = ("a", "b", "c")) -> Path:
    """The three pairs in MiniGPT-4's own layout."""
    (folder / "image").mkdir(parents=True)
    for n, name in enumerate(names):
        (folder / "image" / f"{name}.jpg").write_bytes(picture(n))
    listed = [{"image_id": name, "caption": text} for name, text in zip(names, TEXTS, strict=True)]
    (folder / "filter_cap.json").write_text(json.dumps({"annotations": listed}), encoding="utf-8")
    return folder


def test_null_is_the_run_s_own_set(tmp_path: Path) -> None:
    """With the instructions that `emit` drew."""
    write_table(table(), tmp_path / "pairs.parquet")
    found = read(None, tmp_path / "pairs.parquet")
    assert rows(found) == [(picture(n), "Describe it.", text) for n, text in enumerate(TEXTS)]


def test_other_people_s_parquet(tmp_path: Path) -> None:
    """One file or a folder of them, in the order of their names; pictures as bytes, or as `datasets` stores them."""
    whole = table()
    pq.write_table(whole.slice(0, 2), tmp_path / "1.parquet")
    pq.write_table(whole.slice(2), tmp_path / "2.parquet")
    expected = [(picture(n), "Describe it.", text) for n, text in enumerate(TEXTS)]
    assert rows(read(tmp_path)) == expected
    assert rows(read(tmp_path / "1.parquet")) == expected[:2]
    bare = tmp_path / "bare" / "x.parquet"
    bare.parent.mkdir()
    pq.write_table(table(image=pa.array([picture(n, "PNG") for n in range(3)], pa.binary())), bare)
    assert [pair.picture for pair in read(bare).pairs] == [picture(n, "PNG") for n in range(3)]


def test_cc_sbu_align_is_the_same_set_as_the_parquet_beside_it(tmp_path: Path) -> None:
    """The layout has no instructions: each row gets the one that `emit` draws for its key."""
    align = read(write_align(tmp_path / "align"))
    write_table(table(instruction=None), tmp_path / "bare.parquet")
    parquet = read(tmp_path / "bare.parquet")
    assert rows(align) == rows(parquet)
    assert align.digest() == parquet.digest()
    assert {pair.instruction for pair in align.pairs} <= set(EMIT.instructions)
    renamed = read(write_align(tmp_path / "renamed", ("x", "y", "z")))
    assert [pair.instruction for pair in renamed.pairs] != [pair.instruction for pair in align.pairs]


def test_rows_without_a_key_count_by_their_number(tmp_path: Path) -> None:
    """Lest all of them get one instruction."""
    pq.write_table(table(key=pa.nulls(3, pa.string()), instruction=None), tmp_path / "null.parquet")
    pq.write_table(table(key=pa.array(["0", "1", "2"]), instruction=None), tmp_path / "numbers.parquet")
    assert rows(read(tmp_path / "null.parquet")) == rows(read(tmp_path / "numbers.parquet"))


def test_the_digest_is_of_every_part(tmp_path: Path) -> None:
    """Another picture, instruction or description is another set; another name is not."""
    other = pa.array([{"bytes": picture(n + 1), "path": None} for n in range(3)], IMAGE)
    changes = [
        {},
        {"image": other},
        {"instruction": pa.array(["?"] * 3)},
        {"description": pa.array(["A.", "B.", "C."])},
    ]
    digests = set()
    for n, change in enumerate([*changes, {}]):
        write_table(table(**change), tmp_path / f"{n}.parquet")
        digests.add(read(None, tmp_path / f"{n}.parquet").digest())
    assert len(digests) == len(changes)


def test_pictures_come_upright_and_on_white(tmp_path: Path) -> None:
    """As the pipeline's own are stored."""
    stream = BytesIO()
    Image.new("RGBA", (4, 4), (0, 0, 0, 0)).save(stream, "PNG")
    pq.write_table(table(image=pa.array([stream.getvalue()] * 3, pa.binary())), tmp_path / "x.parquet")
    assert [image.getpixel((0, 0)) for image in read(tmp_path / "x.parquet").pictures()] == [(255, 255, 255)] * 3


def _no_listing(folder: Path) -> Path:
    (write_align(folder) / "filter_cap.json").write_text('{"annotations": [{"image": 1}]}', encoding="utf-8")
    return folder


def _no_picture(folder: Path) -> Path:
    (write_align(folder) / "image/b.jpg").unlink()
    return folder


def _parquet(**changes: Any) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        folder.mkdir()
        pq.write_table(table(**changes), folder / "x.parquet")
        return folder

    return write


def _empty(folder: Path) -> Path:
    folder.mkdir()
    return folder


def _torn(folder: Path) -> Path:
    path = _parquet()(folder) / "x.parquet"
    path.write_bytes(path.read_bytes()[:300])
    return folder


BAD = [
    pytest.param(_empty, UsageError, "the folder holds neither filter_cap.json nor a .parquet file", id="empty_folder"),
    pytest.param(lambda folder: folder / "nosuch", UsageError, "is neither a Parquet file, a folder, nor OWNER/NAME@REV", id="nothing"),
    pytest.param(_parquet(description=None), UsageError, "lacks the column description; it has key, image, instruction, caption", id="no_description"),
    pytest.param(_parquet(image=None), UsageError, "lacks the column image", id="no_image"),
    pytest.param(_parquet(description=pa.array(["A.", " ", "C."])), JobError, "row 1 has no description: its column must hold one text; remove the row", id="blank"),
    pytest.param(_parquet(description=pa.array([["A.", "B."]] * 3)), JobError, "row 0 has no description: its column must hold one text", id="several"),
    pytest.param(_parquet(description=pa.array([1, 2, 3])), JobError, "row 0 has no description", id="numbers"),
    pytest.param(_parquet(instruction=pa.array([1, 2, 3])), JobError, "row 0: its instruction is no text", id="instruction"),
    pytest.param(_parquet(image=pa.array([{"bytes": None, "path": "x.jpg"}] * 3, IMAGE)), JobError, "row 0 has no picture", id="path_alone"),
    pytest.param(_torn, JobError, "cannot read the data set", id="torn"),
    pytest.param(_no_listing, JobError, "filter_cap.json cannot be read (KeyError: 'image_id'); it must hold", id="listing"),
    pytest.param(_no_picture, JobError, "filter_cap.json: image_id b: cannot read", id="missing_picture"),
]  # fmt: skip


@pytest.mark.parametrize(("make", "kind", "said"), BAD)
def test_a_bad_set_is_one_line(tmp_path: Path, make: Callable[[Path], Path], kind: type[Exception], said: str) -> None:
    """It names the file and the row, and the mend."""
    with pytest.raises(kind) as error:
        read(make(tmp_path / "set"))
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_an_empty_set_is_one_line(tmp_path: Path) -> None:
    """Whatever it is read from."""
    write_table(table().slice(0, 0), tmp_path / "pairs.parquet")
    with pytest.raises(JobError, match=r"pairs\.parquet holds no row: there is nothing to train on"):
        read(None, tmp_path / "pairs.parquet")
    (tmp_path / "align").mkdir()
    (tmp_path / "align/filter_cap.json").write_text('{"annotations": []}', encoding="utf-8")
    with pytest.raises(JobError, match="align holds no row"):
        read(tmp_path / "align")


@pytest.mark.parametrize(
    ("bad", "said"), [(b"no picture", "not a JPEG"), (picture(500), "pixels")], ids=["junk", "too_large"]
)
def test_a_bad_picture_is_named_by_its_row(tmp_path: Path, bad: bytes, said: str) -> None:
    """The rows before it are still good."""
    pq.write_table(table(image=pa.array([picture(0), bad, picture(2)], pa.binary())), tmp_path / "x.parquet")
    pictures = read(tmp_path / "x.parquet").pictures()
    next(pictures)
    with pytest.raises(JobError, match=rf"x\.parquet: row 1: its picture cannot be decoded \(.*{said}"):
        next(pictures)
