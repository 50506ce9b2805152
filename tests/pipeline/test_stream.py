"""The stream of pairs: everything once an epoch, shuffled within the bound, by weight, and resumable at any pair."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path

import pytest

from pipeline.errors import JobError
from pipeline.fetch.failures import Failure
from pipeline.shards import Record, read_shard
from pipeline.stream import Batch, Place, Share, Source, Stream, mixed_batches, places_of, read_ahead
from tests.shard_files import Row, noise, rows_of, write_source, write_tar

SHARDS, ROWS = 5, 7


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Source:
    """Five shards of seven records."""
    return Source("a", write_source(tmp_path_factory.mktemp("a"), SHARDS, ROWS), 3.0)


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Source:
    """Two shards of four records, numbered from 100 on; one has no caption, one no picture that can be decoded."""
    rows = rows_of(8, 100)
    rows[2] = (rows[2][0], "", rows[2][2])
    rows[6] = (rows[6][0], rows[6][1], b"?")
    folder = tmp_path_factory.mktemp("b")
    return Source("b", [write_tar(folder / f"{n}.tar", rows[4 * n : 4 * n + 4]) for n in range(2)], 1.0)


def key_of(record: Record) -> str | Failure:
    """In place of the picture."""
    return Failure("not_an_image", "?") if record.picture == b"?" else record.key


@pytest.fixture(scope="module")
def pool() -> Iterator[ThreadPoolExecutor]:
    """Threads to decode in."""
    with ThreadPoolExecutor(2) as threads:
        yield threads


def taken(stream: Stream[str], count: int, pool: ThreadPoolExecutor) -> list[int]:
    """The numbers of the next pairs, asked for a few at a time."""
    numbers: list[int] = []
    while len(numbers) < count:
        numbers += [int(pair.picture) for pair in stream.take(min(3, count - len(numbers)), pool)]
    return numbers


@pytest.mark.parametrize("buffer", [1, 4, 7, 10, 100])
def test_an_epoch_gives_every_record_once(source: Source, pool: ThreadPoolExecutor, buffer: int) -> None:
    """Whatever the bound; each epoch in another order."""
    stream = Stream(source, Share(0), buffer, key_of)
    epochs = [taken(stream, SHARDS * ROWS, pool) for _ in range(3)]
    assert [sorted(epoch) for epoch in epochs] == [list(range(SHARDS * ROWS))] * 3
    assert epochs[0] != epochs[1] != epochs[2]
    assert stream.place.used == 3 * SHARDS * ROWS


def test_no_more_records_are_held_than_the_bound(source: Source, pool: ThreadPoolExecutor) -> None:
    """And nothing of a shard stays behind that is given out."""
    stream = Stream(source, Share(0), 10, key_of)
    held = []
    for _ in range(100):
        taken(stream, 1, pool)
        held.append(len(stream.window))
    assert max(held) == 10


def test_pairs_mix_over_shards_within_the_bound(source: Source, pool: ThreadPoolExecutor) -> None:
    """With a bound of one the shards are mixed and their records are not; with a larger one those are too."""
    in_order = taken(Stream(source, Share(0), 1, key_of), SHARDS * ROWS, pool)
    assert [number % ROWS for number in in_order] == [*range(ROWS)] * SHARDS
    assert in_order != sorted(in_order)
    first = taken(Stream(source, Share(0), 14, key_of), 14, pool)
    assert sorted(first) == sorted(in_order[:14])
    assert first != in_order[:14]


def test_the_order_is_the_seed_s(source: Source, pool: ThreadPoolExecutor) -> None:
    """The same seed gives it again, another gives another."""
    orders = [taken(Stream(source, Share(seed), 10, key_of), 30, pool) for seed in (0, 0, 1)]
    assert orders[0] == orders[1] != orders[2]


def test_processes_share_an_epoch_out(source: Source, pool: ThreadPoolExecutor) -> None:
    """No record twice, none left out; the shards are dealt out anew in each epoch."""
    counts = [ROWS * len(range(rank, SHARDS, 2)) for rank in range(2)]
    streams = [Stream(source, Share(0, rank, 2), 4, key_of) for rank in range(2)]
    first, second = ([taken(s, n, pool) for s, n in zip(streams, counts, strict=True)] for _ in range(2))
    for parts in (first, second):
        assert sorted(parts[0] + parts[1]) == list(range(SHARDS * ROWS))
    assert set(first[0]) != set(second[0])


@pytest.mark.parametrize("buffer", [1, 3, 5, 50])
def test_a_stream_goes_on_from_any_place(source: Source, other: Source, buffer: int) -> None:
    """A place is JSON of a few numbers; from it the very same batches follow, with the same counts."""

    def batches(begun: int, places: dict[str, Place]) -> Iterator[Batch[str]]:
        streams = [Stream(each, Share(7), buffer, key_of, places.get(each.name)) for each in (source, other)]
        return mixed_batches(streams, 3, begun)

    whole = list(islice(batches(0, {}), 40))
    for stop in range(1, 40, 2):
        text = json.dumps(whole[stop - 1].place)
        assert len(text) < 500
        place = json.loads(text)
        assert place["batches"] == stop
        rest = list(islice(batches(stop, places_of(place)), 40 - stop))
        assert rest == whole[stop:]


def test_bad_records_are_passed_over_and_counted(other: Source, pool: ThreadPoolExecutor) -> None:
    """Those of the shard and those of the decoder alike, once in each epoch."""
    stream = Stream(other, Share(0), 3, key_of)
    assert sorted(taken(stream, 12, pool)) == sorted([100, 101, 103, 104, 105, 107] * 2)
    assert stream.place.epoch == 1
    taken(stream, 6, pool)
    taken(stream, 1, pool)
    assert {reason: count // 3 for reason, count in stream.place.skipped.items()} == {
        "empty_caption": 1,
        "not_an_image": 1,
    }


def test_sources_are_mixed_by_weight(source: Source, other: Source) -> None:
    """115 to 14, as LAION to CC and SBU: the share of pairs, whatever the sizes of the sources."""
    sources = [Source("laion", source.shards, 115), Source("cc_sbu", other.shards, 14)]
    streams = [Stream(each, Share(0), 10, key_of) for each in sources]
    counts: Counter[bool] = Counter()
    for batch in islice(mixed_batches(streams, 64), 64):
        counts.update(int(pair.picture) < 100 for pair in batch.pairs)
        assert len(batch.pairs) == 64
    # four standard deviations of a binomial draw
    assert abs(counts[True] / 4096 - 115 / 129) < 4 * (115 * 14 / 129**2 / 4096) ** 0.5


def test_processes_draw_sources_for_themselves(source: Source, other: Source) -> None:
    """Their batches do not rise and fall together."""

    def drawn(rank: int) -> list[int]:
        streams = [Stream(each, Share(0, rank, 2), 10, key_of) for each in (source, other)]
        return [sum(int(p.picture) < 100 for p in b.pairs) for b in islice(mixed_batches(streams, 8), 20)]

    assert drawn(0) != drawn(1)


def test_reading_ahead_changes_nothing(source: Source) -> None:
    """The same batches, each with its own place."""

    def batches() -> Iterator[Batch[str]]:
        return mixed_batches([Stream(source, Share(0), 5, key_of)], 4)

    assert list(islice(read_ahead(batches()), 20)) == list(islice(batches(), 20))


def nothing_good(folder: Path, rows: Sequence[Row]) -> Source:
    """Two shards of these rows."""
    return Source("junk", [write_tar(folder / f"junk/{n}.tar", rows) for n in range(2)], 1.0)


@pytest.mark.parametrize(
    ("rows", "reasons"),
    [
        ([("0", "", noise(0)), ("1", "a", None)], "empty_caption.*no_picture"),
        ([("0", "a bus", b"?"), ("1", "a dog", b"?")], "not_an_image"),
        ([], "its shards are empty"),
    ],
    ids=["no pair", "no picture", "no record"],
)
def test_a_source_of_nothing_good_ends_the_run(tmp_path: Path, rows: list[Row], reasons: str) -> None:
    """One line with the folder and the reasons, in place of a search without end; also when it is read ahead."""
    source = nothing_good(tmp_path, rows)
    with pytest.raises(JobError, match=rf"junk: not one usable pair in .*junk \(.*{reasons}"):
        next(read_ahead(mixed_batches([Stream(source, Share(0), 5, key_of)], 4)))


def test_one_good_pair_is_enough(tmp_path: Path, pool: ThreadPoolExecutor) -> None:
    """A batch larger than the source goes round and round."""
    source = nothing_good(tmp_path, [("7", "a bus", noise(0)), ("8", "", noise(1))])
    assert taken(Stream(source, Share(0), 5, key_of), 9, pool) == [7] * 9
    assert [int(p.picture) for p in Stream(source, Share(0), 5, key_of).take(9, pool)] == [7] * 9


def test_the_place_is_reached_without_reading_what_lies_before(
    source: Source, pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A resumed run opens the shard that its window begins in (here at its very end) and those of the window."""
    stream = Stream(source, Share(0), 4, key_of)
    taken(stream, 30, pool)
    opened: list[str] = []

    def watch(path: Path, start: int = 0) -> Iterator[Record | str]:
        opened.append(path.name)
        return read_shard(path, start)

    monkeypatch.setattr("pipeline.stream.read_shard", watch)
    Stream(source, Share(0), 4, key_of, stream.place)
    order = [path.name for path in source.shards]
    random.Random("0 a 0").shuffle(order)
    assert opened == order[3:]
