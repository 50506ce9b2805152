"""Shards of image-text pairs: every record comes out once, or the reason why it is none."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.errors import JobError
from pipeline.shards import (
    EMPTY_CAPTION,
    LOST_RECORD,
    NO_PICTURE,
    TORN_SHARD,
    Record,
    blip_caption,
    find_shards,
    read_shard,
)
from tests.shard_files import Row, noise, rows_of, write_parquet, write_tar

WRITERS = {"tar": write_tar, "parquet": write_parquet}


@pytest.fixture(params=WRITERS)
def write(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[Sequence[Row]], Path]:
    """Write rows as a shard of either format; returns its path."""
    return lambda rows: WRITERS[request.param](tmp_path / f"00000.{request.param}", rows)


@pytest.mark.parametrize(
    ("text", "caption"),
    [
        ("A Red Bus", "a red bus"),
        ('"Stop!" (said #5): *now*; ~it.', "stop said 5 now it"),
        ("mother-in-law's tea, 50%?", "mother-in-law's tea, 50%?"),  # none of these is taken out
        ("one.two", "one two"),
        ("  two\n\n lines ", "two lines"),
        ("...!", ""),
    ],
)
def test_captions_are_blip_s(text: str, caption: str) -> None:
    """Lower case, `.!"()*#:;~` turned into spaces, runs of white space into one."""
    assert blip_caption(text) == caption


def test_every_record_comes_out_from_any_start(write: Callable[[Sequence[Row]], Path]) -> None:
    """In the file's order, with the picture's own bytes; a start skips exactly that many."""
    rows = rows_of(11)
    shard = write(rows)
    records = list(read_shard(shard))
    assert records == [Record(key, str(caption), picture or b"") for key, caption, picture in rows]
    for start in range(13):
        assert list(read_shard(shard, start)) == records[start:]


def test_what_is_no_pair_says_why(write: Callable[[Sequence[Row]], Path]) -> None:
    """A record without a picture or without words in its caption keeps its place; so does what stands behind it."""
    rows: list[Row] = [
        ("0", "a bus", noise(0)),
        ("1", None, noise(1)),
        ("2", "..!", noise(2)),
        ("3", "a dog", None),
        ("4", "a cat", noise(4)),
    ]
    shard = write(rows)
    items = [item.key if isinstance(item, Record) else item for item in read_shard(shard)]
    assert items == ["0", EMPTY_CAPTION, EMPTY_CAPTION, NO_PICTURE, "4"]
    assert len(list(read_shard(shard, 3))) == 2


# Where the members of three records lie in a tar: a header at each of these bytes, the end's zeros at the last.
HEADERS = (0, 1536, 2560, 3584, 5120, 6144, 7168, 8704, 9728, 10752)


@pytest.mark.parametrize(
    ("kept", "whole"),
    [
        (0, 0),
        (300, 0),  # a header is cut
        (512, 0),  # its picture is gone
        (900, 0),  # half of it
        (2560, 0),  # the caption is gone, and tarfile sees an end
        (3584, 0),  # nothing is gone, and nothing says so
        (4095, 0),
        (4096, 1),  # the next record has begun
        (5121, 1),
        (7680, 2),
        (10752, 2),
        (11264, 3),  # one block of zeros: that is an end
    ],
)
def test_a_tar_cut_anywhere_is_torn_from_there_on(tmp_path: Path, kept: int, whole: int) -> None:
    """The records that are surely whole come out; img2dataset's count says how many are lost."""
    shard = write_tar(tmp_path / "00000.tar", rows_of(3), successes=3)
    records = list(read_shard(shard))
    shard.write_bytes(shard.read_bytes()[:kept])
    rest = [] if whole == 3 else [TORN_SHARD, *[LOST_RECORD] * (3 - whole)]
    assert list(read_shard(shard)) == records[:whole] + rest
    assert list(read_shard(shard, whole + 2)) == rest[2:]


def test_without_a_count_the_tear_alone_is_told(tmp_path: Path) -> None:
    """Shards that came without their _stats.json are read all the same."""
    shard = write_tar(tmp_path / "00000.tar", rows_of(3))
    shard.write_bytes(shard.read_bytes()[:5000])
    assert list(read_shard(shard))[1:] == [TORN_SHARD]


def test_a_tar_that_ends_well_but_early_has_lost_records(tmp_path: Path) -> None:
    """Fewer records than img2dataset wrote: somebody cut the tar in order."""
    shard = write_tar(tmp_path / "00000.tar", rows_of(2), successes=5)
    assert list(read_shard(shard))[2:] == [TORN_SHARD, *[LOST_RECORD] * 3]


def test_garbage_in_the_middle_of_a_tar_is_a_tear(tmp_path: Path) -> None:
    """tarfile itself takes a header of garbage for the end."""
    shard = write_tar(tmp_path / "00000.tar", rows_of(3))
    data = bytearray(shard.read_bytes())
    data[HEADERS[6] : HEADERS[6] + 512] = b"?" * 512
    shard.write_bytes(data)
    assert [item for item in read_shard(shard) if not isinstance(item, Record)] == [TORN_SHARD]
    assert len(list(read_shard(shard))) == 2


def test_a_torn_parquet_is_a_torn_shard(tmp_path: Path) -> None:
    """Its directory stands at the end: nothing of it can be read."""
    shard = write_parquet(tmp_path / "00000.parquet", rows_of(8))
    shard.write_bytes(shard.read_bytes()[:-100])
    assert list(read_shard(shard)) == [TORN_SHARD]


def test_a_damaged_page_ends_a_parquet_there(tmp_path: Path) -> None:
    """The row groups before it come out."""
    shard = write_parquet(tmp_path / "00000.parquet", rows_of(80), group=40)
    group = pq.ParquetFile(shard).metadata.row_group(1).column(2)
    data = bytearray(shard.read_bytes())
    data[group.dictionary_page_offset : group.dictionary_page_offset + 64] = b"\xff" * 64
    shard.write_bytes(data)
    items = list(read_shard(shard))
    assert len(items) >= 33  # what is read at once holds up to 32 rows
    assert items[-1] == TORN_SHARD
    assert all(isinstance(item, Record) for item in items[:-1])


def test_headers_do_not_pile_up(tmp_path: Path) -> None:
    """tarfile keeps every header that it has seen; a shard may hold a hundred thousand."""
    shard = write_tar(tmp_path / "00000.tar", [(f"{n:06d}", "a", b"x") for n in range(700)])
    records = read_shard(shard)
    list(islice(records, 100))
    tracemalloc.start()
    for _ in records:
        pass
    grown = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert grown < 100_000


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (None, "no folder of shards; set pretrain.shards.sources"),
        ([], "holds no shard"),
        (["00000_stats.json", "a.jpg"], "holds no shard"),
    ],
    ids=["nothing", "empty", "other files"],
)
def test_a_folder_without_shards_is_one_line(tmp_path: Path, files: list[str] | None, message: str) -> None:
    """It names the folder and what writes shards."""
    folder = tmp_path / "laion"
    if files is not None:
        folder.mkdir()
        for name in files:
            (folder / name).touch()
    with pytest.raises(JobError, match=message) as error:
        find_shards(folder)
    assert str(folder) in str(error.value)
    assert "img2dataset" in str(error.value)


def test_the_parquet_beside_a_tar_is_no_shard(tmp_path: Path) -> None:
    """img2dataset writes one, without the pictures."""
    write_tar(tmp_path / "00000.tar", rows_of(1))
    (tmp_path / "00000.parquet").touch()
    assert [path.name for path in find_shards(tmp_path)] == ["00000.tar"]


def test_a_parquet_without_pictures_is_one_line(tmp_path: Path) -> None:
    """As --output_format files leaves it: a table of addresses."""
    pq.write_table(pa.table({"key": ["0"], "caption": ["a"], "url": ["u"]}), tmp_path / "00000.parquet")
    with pytest.raises(JobError, match=r"00000\.parquet has no pictures with captions.*--output_format"):
        list(read_shard(tmp_path / "00000.parquet"))


def test_a_shard_that_has_gone_is_one_line(tmp_path: Path) -> None:
    """No torn shard: the disk's error is told."""
    with pytest.raises(JobError, match=r"cannot read .*00000\.tar: No such file"):
        list(read_shard(tmp_path / "00000.tar"))
