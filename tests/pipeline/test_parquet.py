"""Shards: written whole or not at all, the same bytes every time, and every damage noticed."""

from __future__ import annotations

import random
import re
import subprocess
import sys
import tempfile
from itertools import pairwise
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import JobError
from pipeline.files import link_or_copy, replacing_folder, write_text
from pipeline.parquet import count_rows, list_shards, parse_table, read_table, sha256_file, write_table, write_tables

REPOSITORY = Path(__file__).parents[2]
MEMORY = Path("/dev/shm")  # noqa: S108 (only a temporary folder is made there)
TABLE = pa.table(
    {
        "key": ["a1", "b2", "c3"],
        "value": pa.array([0.5, None, 2.0]),
        "image": pa.array([{"bytes": b"\x00\xff", "path": None}, None, {"bytes": b"", "path": "x"}]),
    }
)


@settings(max_examples=20, deadline=None)
@given(
    texts=st.lists(st.none() | st.text(max_size=20), max_size=30),
    cuts=st.lists(st.integers(0, 30), max_size=3),
)
def test_bytes_depend_on_the_rows_and_not_on_their_chunks_in_memory(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str | None], cuts: list[int]
) -> None:
    """A table put together from slices is written as the same bytes as the whole, and reads back equal."""
    folder = tmp_path_factory.mktemp("chunks")
    whole = pa.table({"text": pa.array(texts, pa.string()), "length": pa.array(range(len(texts)), pa.int32())})
    edges = [0, *sorted(min(cut, len(texts)) for cut in cuts), len(texts)]
    pieces = pa.concat_tables([whole.slice(a, b - a) for a, b in pairwise(edges)])
    write_table(whole, folder / "whole.parquet")
    write_table(pieces, folder / "pieces.parquet")
    assert (folder / "whole.parquet").read_bytes() == (folder / "pieces.parquet").read_bytes()
    assert read_table(folder / "pieces.parquet").equals(whole)


def test_bytes_of_pictures_do_not_depend_on_their_chunks_either(tmp_path: Path) -> None:
    """Pictures fill several pages, whose borders Arrow alone would set by the chunks it is handed."""
    pictures = pa.table({"bytes": [random.Random(n).randbytes(3000) for n in range(1500)]})
    pieces = pa.concat_tables([pictures.slice(0, 7), pictures.slice(7, 800), pictures.slice(807)])
    write_table(pictures, tmp_path / "whole.parquet")
    write_table(pieces, tmp_path / "pieces.parquet")
    assert sha256_file(tmp_path / "whole.parquet") == sha256_file(tmp_path / "pieces.parquet")


def test_columns_come_in_the_order_asked_for(tmp_path: Path) -> None:
    """A reader that names columns gets these, in its own order."""
    write_table(TABLE, tmp_path / "t.parquet")
    assert read_table(tmp_path / "t.parquet", ["value", "key"]).equals(TABLE.select(["value", "key"]))
    assert read_table(tmp_path / "t.parquet", []).num_columns == 0
    assert count_rows(tmp_path / "t.parquet") == 3


def test_tables_are_written_one_row_group_each(tmp_path: Path) -> None:
    """A stream of tables becomes one file, empty ones leave no trace, and another schema is refused whole."""
    path = tmp_path / "all.parquet"
    assert write_tables([TABLE, TABLE.slice(0, 0), TABLE.slice(1)], TABLE.schema, path) == 5
    assert read_table(path).equals(pa.concat_tables([TABLE, TABLE.slice(1)]))
    before = path.read_bytes()
    other = TABLE.set_column(1, "value", pa.array(["1", "2", "3"]))
    with pytest.raises(JobError, match=r"all.parquet: after 3 rows .* value is string, not double$"):
        write_tables([TABLE, other], TABLE.schema, path)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["all.parquet"]


def test_no_flipped_bit_passes_for_other_rows(tmp_path: Path) -> None:
    """A file with any one bit flipped, in pages or footer, either reads back equal or raises one JobError line.

    Arrow alone, with page checksums on, lets hundreds of footer flips rename columns, change types or drop rows.
    """
    path = tmp_path / "t.parquet"
    rows = pa.table({"key": [f"k{n}" for n in range(20)]})  # a shorter row group is one flip away from 20 rows
    write_table(rows, path)
    good = path.read_bytes()
    lines = []
    for bit in range(len(good) * 8):
        damaged = bytearray(good)
        damaged[bit // 8] ^= 1 << (bit % 8)
        try:
            table = parse_table(bytes(damaged), path)
        except JobError as error:
            lines.append(str(error))
        else:
            assert table.equals(rows), f"bit {bit}"
            assert table.schema.equals(rows.schema), f"bit {bit}"
    line = re.compile(rf"{re.escape(str(path))}: it is torn or damaged; delete it and run `dvc repro` .*")
    assert [text for text in lines if not line.fullmatch(text)] == []
    assert len(lines) > len(good) * 4  # the others fall on statistics and offsets that no read uses


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_a_truncated_file_is_noticed(tmp_path: Path, share: float) -> None:
    """A file cut short anywhere, even by its last byte, is named with the mend."""
    path = tmp_path / "part-00000.parquet"
    write_table(TABLE, path)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(JobError, match=r"part-00000.parquet: it is torn or damaged; delete it and run `dvc repro`"):
        read_table(path)
    with pytest.raises(JobError, match=r"part-00000.parquet: it is torn or damaged"):
        count_rows(path)


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    """A missing file, a folder and a missing column are one line each."""
    write_table(TABLE, tmp_path / "t.parquet")
    with pytest.raises(JobError, match=r"^cannot read .*/gone.parquet: No such file or directory$"):
        read_table(tmp_path / "gone.parquet")
    with pytest.raises(JobError, match=r"^cannot read .*/gone.parquet: No such file or directory$"):
        sha256_file(tmp_path / "gone.parquet")
    with pytest.raises(JobError, match=r"^cannot read .*: Is a directory$"):
        count_rows(tmp_path)
    with pytest.raises(JobError, match=r"t.parquet lacks the column caption, url; delete it"):
        read_table(tmp_path / "t.parquet", ["caption", "key", "url"])


@pytest.mark.parametrize(
    ("names", "error"),
    [
        (None, r"there is no such folder; run the stage that makes it"),
        ([], r"holds no part-\*.parquet"),
        (["part-0.parquet", "part-00000.parquet.tmp", ".part-00000.parquet.7.tmp"], r"holds no part-\*.parquet"),
        (["part-00001.parquet"], r"lacks part-00000.parquet"),
        (["part-00000.parquet", "part-00002.parquet"], r"lacks part-00001.parquet"),
    ],
)
def test_a_folder_without_all_its_shards_is_named(tmp_path: Path, names: list[str] | None, error: str) -> None:
    """A missing or empty folder, and a gap in the numbers, are errors; nothing is passed over in silence."""
    folder = tmp_path / "describe"
    for name in names or ():
        write_text("", folder / name)
    if names == []:
        folder.mkdir()
    with pytest.raises(JobError, match=rf"/describe:? {error}"):
        list_shards(folder)


def test_shards_come_in_order_and_alone(tmp_path: Path) -> None:
    """Shards are listed by number; other files in the folder are not shards."""
    for number in (10, *range(10)):
        write_table(TABLE, tmp_path / f"part-{number:05d}.parquet")
    write_text("{}", tmp_path / "part-00000_stats.json")
    assert [path.name for path in list_shards(tmp_path)] == [f"part-{n:05d}.parquet" for n in range(11)]


FULL_DISK = """
import resource, sys
from pathlib import Path
import pyarrow as pa
from pipeline.command import run_command
from pipeline.parquet import write_table
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
table = pa.table({"n": [str(hash((i, "x"))) for i in range(5000)]})
raise SystemExit(run_command(lambda argv: write_table(table, Path(sys.argv[1])), []))
"""


def test_no_room_is_one_line_and_the_old_file_stays(tmp_path: Path) -> None:
    """When the file system refuses more bytes, the target is named, keeps its old bytes, and no litter is left."""
    path = tmp_path / "pairs.parquet"
    write_table(TABLE, path)
    before = path.read_bytes()
    result = subprocess.run(
        [sys.executable, "-B", "-c", FULL_DISK, str(path)], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    assert result.returncode == 1
    mend = "free some room there and run the same command again"
    assert result.stderr == f"pairmill: error: cannot write {path}: File too large; {mend}\n"
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["pairs.parquet"]


REWRITE = """
import sys
from pathlib import Path
from pipeline.files import write_text
for letter in "ab" * 1000:
    write_text(letter * 1_000_000, Path(sys.argv[1]))
"""


def test_a_reader_never_sees_half_a_write(tmp_path: Path) -> None:
    """While a file is written over and over, and after kill -9 of the writer, every read finds one whole version."""
    path = tmp_path / "t.txt"
    write_text("b" * 1_000_000, path)
    seen: set[bytes] = set()
    with subprocess.Popen([sys.executable, "-B", "-c", REWRITE, str(path)], cwd=REPOSITORY) as writer:
        while len(seen) < 2:
            assert writer.poll() is None, "the writer died by itself"
            seen.add(path.read_bytes())
        seen.update(path.read_bytes() for _ in range(200))
        writer.kill()
    seen.add(path.read_bytes())
    assert {(len(data), len(set(data))) for data in seen} == {(1_000_000, 1)}


@pytest.mark.skipif(not MEMORY.is_dir(), reason="needs a second file system")
def test_a_finished_shard_crosses_file_systems(tmp_path: Path) -> None:
    """Where no hard link can reach, the bytes are copied; within a file system they are shared."""
    source = tmp_path / "work.parquet"
    write_text("rows", source)
    with tempfile.TemporaryDirectory(dir=MEMORY) as other:
        link_or_copy(source, Path(other, "out.parquet"))
        assert Path(other, "out.parquet").read_text() == "rows"
    link_or_copy(source, tmp_path / "out.parquet")
    assert (tmp_path / "out.parquet").samefile(source)


def test_litter_of_dead_writers_goes_and_that_of_living_ones_stays(tmp_path: Path) -> None:
    """A write sweeps the temporary files that killed writers of the same file left, and no others."""
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as living:
        names = [f".t.json.{dead.pid}.tmp", f".t.json.{living.pid}.tmp", f".u.json.{dead.pid}.tmp"]
        for name in names:
            (tmp_path / name).touch()
        write_text("{}", tmp_path / "t.json")
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted([*names[1:], "t.json"])


def test_a_folder_is_replaced_whole_or_not_at_all(tmp_path: Path) -> None:
    """A block that fails leaves the old folder as it was; one that ends well leaves nothing of it."""
    out = tmp_path / "out"
    with replacing_folder(out) as fresh:
        (fresh / "old.txt").touch()
    with pytest.raises(FileNotFoundError), replacing_folder(out) as fresh:  # noqa: PT012 (it fails half-way)
        (fresh / "half.txt").touch()
        (fresh / "gone.txt").read_text()
    assert [p.name for p in tmp_path.rglob("*")] == ["out", "old.txt"]
    with replacing_folder(out) as fresh:
        (fresh / "new.txt").touch()
    assert [p.name for p in tmp_path.rglob("*")] == ["out", "new.txt"]


def test_a_full_disk_while_a_folder_is_filled_names_the_folder(tmp_path: Path) -> None:
    """The caller's own writes into the fresh folder may hit a full disk too: the line names the output."""
    with (
        pytest.raises(JobError, match=r"^cannot write .*/out: No space left on device; free some room"),
        replacing_folder(tmp_path / "out"),
        Path("/dev/full").open("w") as full,
    ):
        full.write("x")
    assert list(tmp_path.iterdir()) == []
