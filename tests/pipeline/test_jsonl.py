"""JSON Lines: objects that enter, lines that do not and why."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from pipeline.errors import JobError, UsageError
from pipeline.params import ColumnsParams
from pipeline.sources.files import LONGEST_LINE
from pipeline.sources.jsonl import read_jsonl
from pipeline.sources.rows import BadRow, Titled

NAMES = ColumnsParams(caption="text", url="link")


@pytest.mark.parametrize(
    ("line", "columns", "row"),
    [
        (b'{"url": "http://a/1", "caption": " a dog ", "id": {"x": [1]}}', None, "a dog"),
        (b'{"image_url": "http://a/1", "caption": "a dog"}', None, "a dog"),
        (b'{"image_url": "x", "url": "http://a/1", "caption": "a dog"}', None, "a dog"),
        (b'{"link": "http://a/1", "text": "a dog"}\r', NAMES, "a dog"),
        (b'\xef\xbb\xbf{"link": "http://a/1", "text": "a dog"}', NAMES, "a dog"),
        (rb'{"url": "http://a/1", "caption": "a\ndog \u00e9"}', None, "a dog é"),
        (
            b'{"url": "http://a/1", "caption": "a dog"',
            None,
            ("bad_json", "Expecting ',' delimiter at character 41"),
        ),
        (b"a dog\thttp://a/1", None, ("bad_json", "Expecting value at character 1")),
        (b'["a dog", "http://a/1"]', None, ("bad_json", "no object: ['a dog', 'http://a/1']")),
        (b"null", None, ("bad_json", "no object: None")),
        (rb'{"\ud800": 1}', None, ("missing_column", r"no caption and no url; there is '\ud800'")),
        (b"[" * 100_000, None, ("bad_json", "nested too deeply")),
        (b'{"a": ' * 100_000, None, ("bad_json", "nested too deeply")),
        (b'{"n": ' + b"9" * 5_000 + b"}", None, ("bad_json", "Exceeds the limit (4300 digits)")),
        (b'{"link": "http://a/1"}', NAMES, ("missing_column", "no text; there is link")),
        (b'{"text": "a dog", "url": "http://a/1"}', NAMES, ("missing_column", "no link; there is text, url")),
        (b"{}", None, ("missing_column", "no caption and no url; there is nothing")),
        (b'{"url": null, "caption": "a dog"}', None, ("not_a_url", "there is no address")),
        (b'{"url": {"href": "x"}, "caption": "a dog"}', None, ("not_a_url", "no text: {'href': 'x'}")),
        (b'{"url": "http://a/1", "caption": null}', None, ("empty_caption", "there is no caption")),
        (b'{"url": "http://a/1", "caption": ["a dog"]}', None, ("not_text", "the caption is no text: ['a dog']")),
        (b'{"url": "http://a/1", "caption": "caf\xe9"}', None, ("bad_encoding", "byte 38 is not UTF-8")),
        (
            rb'{"url": "http://a/1", "caption": "a \ud83d"}',
            None,
            ("bad_encoding", "the caption is not UTF-8: 'a \\ud83d'"),
        ),
        (b'{"x": "' + b"a" * LONGEST_LINE, None, ("too_long", "a line of 1048576 bytes or more")),
    ],
)
def test_a_line(tmp_path: Path, line: bytes, columns: ColumnsParams | None, row: str | tuple[str, str]) -> None:
    """An object with both fields enters; a bad one is named by its line, and the next line is read."""
    path = tmp_path / "a.jsonl"
    path.write_bytes(line + b'\n\n{"url": "http://a/2", "caption": "a cat", "link": "http://a/2", "text": "a cat"}')
    first, second = read_jsonl(path, columns)
    if isinstance(row, str):
        assert first == Titled("http://a/1", row, [], "a.jsonl")
    else:
        assert isinstance(first, BadRow)
        assert (first.place, first.rule) == ("a.jsonl:1", row[0])
        assert first.reason.startswith(row[1])
    assert second == Titled("http://a/2", "a cat", [], "a.jsonl")


def test_a_folder_of_packed_files_is_one_source(tmp_path: Path) -> None:
    """By name; lines count in each anew."""
    (tmp_path / "1.jsonl.gz").write_bytes(gzip.compress(b'{"url": "http://a/1", "caption": "a dog"}\n{}\n'))
    (tmp_path / "0.ndjson").write_bytes(b"\n0\n")
    (tmp_path / "x.json").write_bytes(b"{}")
    rows = list(read_jsonl(tmp_path, None))
    assert [row.place if isinstance(row, BadRow) else row.source for row in rows] == [
        "0.ndjson:2",
        "1.jsonl.gz",
        "1.jsonl.gz:2",
    ]


def test_a_file_that_is_cut_short_is_one_line(tmp_path: Path) -> None:
    """As for every packed file."""
    path = tmp_path / "1.jsonl.gz"
    path.write_bytes(gzip.compress(b"{}\n" * 9)[:-5])
    with pytest.raises(JobError, match=r"1\.jsonl\.gz:\d+: the file is cut short"):
        list(read_jsonl(path, None))


def test_numbers_of_columns_make_no_sense() -> None:
    """Objects have names."""
    with pytest.raises(UsageError, match=r"name their fields: set corpus\.columns to two names, not numbers"):
        list(read_jsonl(Path("a.jsonl"), ColumnsParams(caption=0, url=1)))
