"""TSV and CSV: rows that enter, rows that do not and why, on which line; files that are torn or lack a column."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pipeline.errors import JobError, UsageError
from pipeline.params import ColumnsParams
from pipeline.sources.delimited import read_csv, read_tsv
from pipeline.sources.files import LONGEST_LINE
from pipeline.sources.rows import BadRow, Titled

Reader = Callable[[Path, ColumnsParams | None], Iterator[Titled | BadRow]]
NAMES = ColumnsParams(caption="text", url="link")
U = "http://a/"


def short(rows: Iterator[Titled | BadRow]) -> list[tuple[object, ...]]:
    """(url, caption) of a picture, (line, rule, reason) of a bad row."""
    return [(row.url, row.caption) if isinstance(row, Titled) else row[1:] for row in rows]


@pytest.fixture(params=[False, True], ids=["plain", "gzipped"])
def write(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str, bytes], Path]:
    """Write bytes to a file of this name, gzipped or not; returns its path."""

    def to(name: str, data: bytes) -> Path:
        path = tmp_path / (f"{name}.gz" if request.param else name)
        path.write_bytes(gzip.compress(data) if request.param else data)
        return path

    return to


TSV = {
    "Conceptual Captions": (
        b'a "dog" , sitting\thttp://a/1\n"a cat\thttps://b/2 \n',
        None,
        [(f"{U}1", 'a "dog" , sitting'), ("https://b/2", '"a cat')],
    ),
    "no last line end": (b"a dog\thttp://a/1", None, [(f"{U}1", "a dog")]),
    "CRLF": (b"a dog\thttp://a/1\r\na cat\thttp://a/2\r\n", None, [(f"{U}1", "a dog"), (f"{U}2", "a cat")]),
    "byte order mark": (b"\xef\xbb\xbfa dog\thttp://a/1\n", None, [(f"{U}1", "a dog")]),
    "empty lines": (b"\n\r\na dog\thttp://a/1\n \n", None, [(f"{U}1", "a dog")]),
    "nothing": (b"", None, []),
    "no tab": (b"a cat\n", None, [(1, "missing_tab", "1 cell where 2 cells should be: 'a cat'")]),
    "numbered as an editor does": (
        b"\n\na cat\n",
        None,
        [(3, "missing_tab", "1 cell where 2 cells should be: 'a cat'")],
    ),
    "three cells": (b"a dog\thttp://a/1\t3\n", None, [(1, "extra_column", "3 cells where 2 cells should be")]),
    "swapped": (b"http://a/1\ta dog\n", None, [(1, "not_a_url", "neither http nor https: 'a dog'")]),
    "empty caption": (b"\thttp://a/1\n", None, [(1, "empty_caption", "no letter in the caption ''")]),
    "Latin-1": (
        b"caf\xe9\thttp://a/1\ncaf\xc3\xa9\thttp://a/2\n",
        None,
        [(1, "bad_encoding", "byte 4 is not UTF-8"), (f"{U}2", "café")],
    ),
    "numbers": (
        b"7\thttp://a/1\tx\ta dog\n8\thttp://a/2\n",
        ColumnsParams(caption=3, url=1),
        [(f"{U}1", "a dog"), (2, "missing_tab", "2 cells where 4 cells should be: '8'")],
    ),
    "names": (
        b"\xef\xbb\xbflink\tid\t text \r\nhttp://a/1\t7\ta dog\r\nhttp://a/2\t8\r\nhttp://a/3\t9\tb\tc\r\n",
        NAMES,
        [
            (f"{U}1", "a dog"),
            (3, "missing_tab", "2 cells where 3 cells should be: 'http://a/2'"),
            (4, "extra_column", "4 cells where 3 cells should be"),
        ],
    ),
    "header alone": (b"link\ttext\n", NAMES, []),
}


@pytest.mark.parametrize(("data", "columns", "rows"), TSV.values(), ids=TSV)
def test_a_tsv(
    write: Callable[[str, bytes], Path], data: bytes, columns: ColumnsParams | None, rows: list[tuple[object, ...]]
) -> None:
    """Every line that is not empty comes out once; quotes mean nothing."""
    assert short(read_tsv(write("cc.tsv", data), columns)) == rows


CSV = {
    "usual names": (b"url,caption\nhttp://a/1,a dog\n", None, [(f"{U}1", "a dog")]),
    "the Hub's name of the address": (b"caption,image_url\na dog,http://a/1\n", None, [(f"{U}1", "a dog")]),
    "both names": (b"caption,image_url,url\na dog,x,http://a/1\n", None, [(f"{U}1", "a dog")]),
    "names": (b"text,link\na dog,http://a/1\n", NAMES, [(f"{U}1", "a dog")]),
    "numbers": (b"a dog,http://a/1,x\n", ColumnsParams(caption=0, url=1), [(f"{U}1", "a dog")]),
    "quotes": (b'caption,url\n"a ""big"", wet dog",http://a/1\n', None, [(f"{U}1", 'a "big", wet dog')]),
    "line ends in a cell": (
        b'caption,url\r\n"a\r\ndog",http://a/1\r\n,http://a/2\r\n',
        None,
        [(f"{U}1", "a dog"), (4, "empty_caption", "no letter in the caption ''")],
    ),
    "byte order mark": (b'\xef\xbb\xbf"caption",url\na dog,http://a/1\n', None, [(f"{U}1", "a dog")]),
    "empty lines": (b"caption,url\n\na dog,http://a/1\n\n", None, [(f"{U}1", "a dog")]),
    "nothing": (b"", None, []),
    "too few": (b"caption,url\na dog\n", None, [(2, "missing_column", "1 cell where 2 cells should be: 'a dog'")]),
    "a comma too many": (
        b"caption,url\na, dog,http://a/1\n",
        None,
        [(2, "extra_column", "3 cells where 2 cells should be")],
    ),
    "Latin-1": (
        b"caption,url\ncaf\xe9,http://a/1\na dog,http://a/\xe9\na cat,http://a/3\n",
        None,
        [
            (2, "bad_encoding", "the caption is not UTF-8: 'caf\\udce9'"),
            (3, "bad_encoding", "the address is not UTF-8: 'http://a/\\udce9'"),
            (f"{U}3", "a cat"),
        ],
    ),
}


@pytest.mark.parametrize(("data", "columns", "rows"), CSV.values(), ids=CSV)
def test_a_csv(
    write: Callable[[str, bytes], Path], data: bytes, columns: ColumnsParams | None, rows: list[tuple[object, ...]]
) -> None:
    """Every record comes out once, under the number of its first line."""
    assert short(read_csv(write("cc.csv", data), columns)) == rows


def test_a_quotation_mark_left_open_costs_what_it_swallows(tmp_path: Path) -> None:
    """A bad row with the line where it stands, and the reader goes on behind what it could hold."""
    path = tmp_path / "cc.csv"
    path.write_bytes(b'caption,url\n"a dog,http://a/1\n' + b"a fish,http://a/2\n" * 20_000 + b"a cat,http://a/4\n")
    rows = short(read_csv(path, None))
    assert rows[0] == (2, "bad_csv", "field larger than field limit (131072); is a quotation mark left open?")
    assert rows[-1] == (f"{U}4", "a cat")
    assert 10_000 < len(rows) < 20_000


@pytest.mark.parametrize("read", [read_tsv, read_csv], ids=["tsv", "csv"])
def test_a_very_long_line_is_one_bad_row(tmp_path: Path, read: Reader) -> None:
    """It is neither read into memory whole nor taken for several lines."""
    tab = b"\t" if read is read_tsv else b","
    path = tmp_path / "cc.tsv"
    long = b"a" * (3 * LONGEST_LINE)
    path.write_bytes(b"".join(c + tab + u + b"\n" for c, u in [(long, b"http://a/1"), (b"a dog", b"http://a/2")]))
    first, second = read(path, ColumnsParams(caption=0, url=1))
    assert isinstance(first, BadRow)
    assert first.number == 1
    assert isinstance(second, Titled)


@pytest.mark.parametrize("read", [read_tsv, read_csv], ids=["tsv", "csv"])
def test_a_folder_is_one_source(tmp_path: Path, read: Reader) -> None:
    """Its files by name, packed or not; each has lines of its own, and says where a row is from."""
    kind, cut = ("tsv", b"\t") if read is read_tsv else ("csv", b",")
    (tmp_path / f"b.{kind}").write_bytes(cut.join((b"a dog", b"http://a/2")) + b"\n" + cut)
    (tmp_path / f"a.{kind}.gz").write_bytes(gzip.compress(cut.join((b"a cat", b"http://a/1"))))
    for other in (f".a.{kind}", f"a.{kind}.part", "README.md"):
        (tmp_path / other).write_bytes(b"nothing")
    rows = list(read(tmp_path, ColumnsParams(caption=0, url=1)))
    assert rows[0] == Titled("http://a/1", "a cat", [], f"a.{kind}.gz")
    assert rows[1] == Titled("http://a/2", "a dog", [], f"b.{kind}")
    assert [row.place for row in rows[2:] if isinstance(row, BadRow)] == [f"b.{kind}:2"]


@pytest.mark.parametrize("read", [read_tsv, read_csv], ids=["tsv", "csv"])
@pytest.mark.parametrize("kept", [10, 2_000, -8])
def test_a_gzip_that_is_cut_short_is_one_line(tmp_path: Path, read: Reader, kept: int) -> None:
    """It names the file and the line up to which it could be read; the rows before it came."""
    data = b"".join(f"a dog {n * n * n},http://a/{n}\n".encode() for n in range(2_000))
    path = tmp_path / "cc.gz"
    path.write_bytes(gzip.compress(data.replace(b",", b"\t") if read is read_tsv else data)[:kept])
    rows: list[Titled | BadRow] = []
    with pytest.raises(JobError, match=r"cc\.gz:\d+: the file is cut short or damaged .*; fetch it again") as error:
        rows.extend(read(path, ColumnsParams(caption=0, url=1)))
    assert int(str(error.value).split(":")[1]) > 0


def test_a_gzip_with_a_flipped_bit_is_one_line(tmp_path: Path) -> None:
    """Its checksum is of use."""
    data = bytearray(gzip.compress(b"a dog\thttp://a/1\n" * 50))
    data[len(data) // 2] ^= 4
    path = tmp_path / "cc.tsv.gz"
    path.write_bytes(data)
    with pytest.raises(JobError, match=r"cc\.tsv\.gz:\d+: the file is cut short or damaged"):
        list(read_tsv(path, None))


@pytest.mark.parametrize(
    ("read", "columns", "message"),
    [
        (read_tsv, NAMES, r"cc.x has no column text; it has link, b c: set corpus.columns to the names of the caption"),
        (read_csv, None, r"cc.x has no column caption and no column url; it has 'link\tb c': set corpus.columns"),
        (read_csv, NAMES, r"cc.x has no column text and no column link; it has 'link\tb c': set corpus.columns"),
        (read_tsv, ColumnsParams(caption=1, url=1), "corpus.columns: 1 and 1 are no two columns; they count from 0"),
        (read_csv, ColumnsParams(caption=-1, url=0), "corpus.columns: -1 and 0 are no two columns; they count from 0"),
    ],
)
def test_a_table_without_the_column_lists_those_it_has(
    tmp_path: Path, read: Reader, columns: ColumnsParams | None, message: str
) -> None:
    """The params do not fit the file: that is no matter of rows."""
    path = tmp_path / "cc.x"
    path.write_bytes(b"link\tb c\nhttp://a/1\ta dog\n")
    with pytest.raises(UsageError) as error:
        list(read(path, columns))
    assert message in str(error.value)


@pytest.mark.parametrize(("read", "kind"), [(read_tsv, "tsv"), (read_csv, "csv")])
def test_no_file_is_one_line(tmp_path: Path, read: Reader, kind: str) -> None:
    """It says what is wanted."""
    with pytest.raises(JobError, match=rf"gone does not exist: fetch it \(a file, or a folder of \*\.{kind} or"):
        list(read(tmp_path / "gone", None))
    with pytest.raises(JobError, match=rf"holds no \*\.{kind} or \*\.{kind}\.gz: set corpus\.path, or corpus\.source"):
        list(read(tmp_path, None))
