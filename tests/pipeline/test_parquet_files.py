"""Parquet of other makers: rows that enter, rows that do not and why; files that are torn or lack a column."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.errors import JobError, UsageError
from pipeline.params import ColumnsParams
from pipeline.sources.parquet_files import read_parquet
from pipeline.sources.rows import BadRow, Titled


def write(path: Path, group: int | None = None, **columns: object) -> Path:
    """A Parquet file with these columns."""
    pq.write_table(pa.table(columns), path, row_group_size=group)
    return path


def test_rows_come_in_order_with_their_numbers(tmp_path: Path) -> None:
    """Nulls and what is no address are bad rows; other columns are not even read."""
    path = write(
        tmp_path / "a.parquet",
        group=2,
        id=[1, 2, 3, 4],
        url=["http://a/1", "http://a/2", None, "x"],
        caption=["a dog", None, "a cat", "a fish"],
    )
    assert list(read_parquet(path, None)) == [
        Titled("http://a/1", "a dog", [], "a.parquet"),
        BadRow("a.parquet", 2, "empty_caption", "there is no caption"),
        BadRow("a.parquet", 3, "not_a_url", "there is no address"),
        BadRow("a.parquet", 4, "not_a_url", "neither http nor https: 'x'"),
    ]


@pytest.mark.parametrize(
    ("names", "columns"),
    [
        (("caption", "url"), None),
        (("caption", "image_url"), None),
        (("TEXT", "URL"), ColumnsParams(caption="TEXT", url="URL")),
    ],
)
@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.dictionary(pa.int32(), pa.string())], ids=str)
def test_any_text_column_will_do(
    tmp_path: Path, names: tuple[str, str], columns: ColumnsParams | None, kind: pa.DataType
) -> None:
    """Under the usual names, the Hub's, or those of the params."""
    cells = {names[0]: pa.array(["a dog", None], kind), names[1]: pa.array(["http://a/1", "http://a/2"], kind)}
    first, second = read_parquet(write(tmp_path / "a.parquet", **cells), columns)
    assert first == Titled("http://a/1", "a dog", [], "a.parquet")
    assert isinstance(second, BadRow)


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string()], ids=str)
def test_bytes_that_are_not_utf_8_are_one_bad_row(tmp_path: Path, kind: pa.DataType) -> None:
    """Arrow lets them through; their neighbours are not lost."""
    cells = pa.array([b"caf\xe9", b"caf\xc3\xa9", None], pa.binary())
    raw = pa.large_binary() if kind == pa.large_string() else pa.binary()
    captions = pa.Array.from_buffers(kind, 3, cells.cast(raw).buffers(), null_count=1)
    path = write(tmp_path / "a.parquet", caption=captions, url=[f"http://a/{n}" for n in range(3)])
    assert [row.caption if isinstance(row, Titled) else row.rule for row in read_parquet(path, None)] == [
        "bad_encoding",
        "café",
        "empty_caption",
    ]


def test_a_folder_is_one_source(tmp_path: Path) -> None:
    """Its *.parquet by name, each with its own numbers; an empty table is no fault."""
    write(tmp_path / "b.parquet", caption=["a dog"], url=["http://a/1"])
    write(tmp_path / "a.parquet", caption=["-"], url=["http://a/2"])
    write(tmp_path / "c.parquet", caption=pa.array([], pa.string()), url=pa.array([], pa.string()))
    rows = list(read_parquet(tmp_path, None))
    assert [row.place if isinstance(row, BadRow) else row.source for row in rows] == ["a.parquet:1", "b.parquet"]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (None, "a.parquet has no column caption and no column url; it has text, link, n: set corpus.columns"),
        (ColumnsParams(caption="text", url="url"), "a.parquet has no column url; it has text, link, n: set corpus"),
        (ColumnsParams(caption=0, url=1), "a.parquet names its columns (text, link, n): set corpus.columns to two"),
        (ColumnsParams(caption="n", url="link"), "a.parquet: the column n holds int64, not text; set corpus.columns"),
    ],
)
def test_a_table_without_the_column_lists_those_it_has(
    tmp_path: Path, columns: ColumnsParams | None, message: str
) -> None:
    """The params do not fit the file: that is no matter of rows."""
    path = write(tmp_path / "a.parquet", text=["a dog"], link=["http://a/1"], n=[1])
    with pytest.raises(UsageError) as error:
        list(read_parquet(path, columns))
    assert message in str(error.value)


def test_a_torn_file_is_one_line(tmp_path: Path) -> None:
    """Its directory stands at the end."""
    path = write(tmp_path / "a.parquet", caption=["a dog"], url=["http://a/1"])
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(JobError, match=r"a\.parquet is no Parquet file, or is torn .*; fetch it again"):
        list(read_parquet(path, None))


def test_a_damaged_page_is_named_by_its_place(tmp_path: Path) -> None:
    """What was read before it came."""
    rows = 20_000
    path = write(
        tmp_path / "a.parquet",
        group=10_000,
        caption=[f"a dog {n}" for n in range(rows)],
        url=[f"http://a/{n}" for n in range(rows)],
    )
    column = pq.ParquetFile(path).metadata.row_group(1).column(0)
    data = bytearray(path.read_bytes())
    at = column.dictionary_page_offset or column.data_page_offset
    data[at : at + 100] = b"\xff" * 100
    path.write_bytes(data)
    found: list[Titled | BadRow] = []
    with pytest.raises(JobError, match=r"a\.parquet: torn between records \d+ and \d+") as error:
        found.extend(read_parquet(path, None))
    assert 8_193 <= int(str(error.value).split("records ")[1].split()[0]) <= 10_001
