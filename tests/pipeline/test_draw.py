"""One pass over a source keeps what can be asked for, and nothing else, whatever the order of the rows."""

from __future__ import annotations

import random
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import draw
from pipeline.draw import CORPUS, NOT_WANTED, PRECEDENCE, SAYS_NOTHING, SEEN_BEFORE, Drawing
from pipeline.errors import JobError
from pipeline.order import key_of, ranks, split_of
from pipeline.params import CorpusParams, SampleParams, Split
from pipeline.sources.rows import Titled

SPLITS: dict[Split, float] = {"pretrain": 0.5, "curate": 0.3, "evaluate": 0.2}


def corpus_params(max_shared: int = 2, splits: dict[Split, float] = SPLITS) -> CorpusParams:
    """The section `corpus`."""
    unread = dict.fromkeys(("columns", "revision", "subset"))
    return CorpusParams(
        source="tsv", path=Path("x.tsv"), max_shared=max_shared, max_pixels=1000, splits=splits, **unread
    )


def sample_params(pictures: int = 2, heldout: int = 1, tries: float = 1.5, seed: int = 42) -> SampleParams:
    """The section `sample`."""
    return SampleParams(pictures=pictures, heldout=heldout, tries=tries, seed=seed)


def drawn(
    rows: Sequence[Titled], corpus: CorpusParams | None = None, sample: SampleParams | None = None, batch: int = 7
) -> tuple[pa.Table, Counter[str]]:
    """What one pass over `rows` keeps."""
    drawing = Drawing(corpus or corpus_params(), sample or sample_params())
    for start in range(0, len(rows), batch):
        drawing.offer(rows[start : start + batch])
    return drawing.corpus()


def titled(url: str, caption: str) -> Titled:
    """A picture."""
    return Titled(url, caption, ["word"], "source")


def numbered(count: int, first: int = 0) -> list[Titled]:
    """Pictures with captions of their own."""
    return [titled(f"http://a/{number}", f"caption {number}") for number in range(first, first + count)]


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep no more rows than are wanted, lest a test need tens of thousands."""
    monkeypatch.setattr(draw, "FEWEST", 1)


def test_a_row_is_a_picture_with_its_key_and_split() -> None:
    """The key is the first 16 hex digits of the address's sha256; the columns are the candidate's and `split`."""
    table, left_out = drawn([Titled("http://a/1", "a dog", ["pet"], "s")])
    assert table.schema.equals(CORPUS)
    assert table.to_pylist() == [
        {
            "key": sha256(b"http://a/1").hexdigest()[:16],
            "url": "http://a/1",
            "caption": "a dog",
            "keywords": ["pet"],
            "source": "s",
            "split": split_of("a dog", SPLITS),
        }
    ]
    assert left_out == {}


SHARED = "caption shared by more than 2 pictures"


@pytest.mark.parametrize(
    ("pictures", "kept", "left_out"),
    [
        ([("1", "dog"), ("2", "dog")], 2, {}),
        ([("1", "dog"), ("2", "dog"), ("3", "dog"), ("4", "cat")], 1, {SHARED: 3}),
        ([("1", ""), ("2", ""), ("3", ""), ("4", "cat")], 1, {SAYS_NOTHING: 3}),
        ([("1", "dog"), ("1", "cat")], 1, {SEEN_BEFORE: 1}),
        ([("1", "dog")] * 5, 1, {SEEN_BEFORE: 4}),
        ([("1", "dog")] * 3 + [("2", "dog")], 1, {SEEN_BEFORE: 2, SHARED: 1}),
        ([("1", ""), ("1", "cat")], 1, {SAYS_NOTHING: 1}),
        ([], 0, {}),
    ],
    ids=["by few", "by many", "empty", "address twice", "five times", "beside one of three", "second try", "none"],
)
def test_what_is_left_out_is_counted(pictures: list[tuple[str, str]], kept: int, left_out: dict[str, int]) -> None:
    """Rows and reasons together are as many as the lines; listing one picture twice does not make it shared."""
    table, reasons = drawn([titled(*picture) for picture in pictures])
    assert (table.num_rows, reasons) == (kept, left_out)


def test_pictures_with_one_caption_are_on_one_side() -> None:
    """Nothing that training sees has the caption of a held-out picture."""
    pictures = [titled(f"{caption} {copy}", f"a {caption}") for caption in range(100) for copy in range(3)]
    table, _ = drawn(pictures, corpus_params(max_shared=3))
    sides = {(row["caption"], row["split"]) for row in table.to_pylist()}
    assert table.num_rows == 300
    assert len(sides) == 100
    assert {split for _, split in sides} == set(SPLITS)


def test_more_pictures_do_not_move_a_row() -> None:
    """A corpus that grows keeps its splits, so that nothing held out is ever trained on."""
    before, after = ({row["key"]: row for row in drawn(numbered(count))[0].to_pylist()} for count in (50, 80))
    assert before.items() <= after.items()


def expected(
    rows: Sequence[Titled], corpus: CorpusParams, sample: SampleParams, fewest: int
) -> tuple[dict[str, tuple[str, Split]], Counter[str]]:
    """What a pass should keep, key -> (caption, split), and leave out; by brute force over the whole source."""
    said = [row for row in rows if row.caption]
    lines = Counter(row.caption for row in said)
    captions: dict[tuple[Split, str], Counter[str]] = {}
    for row in said:
        captions.setdefault((split_of(row.caption, corpus.splits), row.url), Counter())[row.caption] += 1
    left_out = Counter({SAYS_NOTHING: len(rows) - len(said)})
    kept: dict[str, tuple[str, Split]] = {}
    wanted = {"curate": sample.pictures, "evaluate": sample.heldout}
    for place, split in enumerate(PRECEDENCE):
        urls = [url for each, url in captions if each == split]
        urls.sort(key=lambda url: ranks([key_of(url)], sample.seed))
        most = max(fewest, -int(-wanted[split] * sample.tries // 1)) if split in wanted else len(urls)
        fit = []
        for url in urls[: 2 * most]:
            found = captions[split, url]
            foreign = any((each, url) in captions for each in PRECEDENCE[:place])
            left_out[SEEN_BEFORE] += found.total() - (not foreign)
            caption = min(found)
            if not foreign and lines[caption] - found[caption] + 1 > corpus.max_shared:
                left_out[f"caption shared by more than {corpus.max_shared} pictures"] += 1
            elif not foreign:
                fit.append((url, caption))
        kept |= {key_of(url): (caption, split) for url, caption in fit[:most]}
    left_out[NOT_WANTED] = len(rows) - left_out.total() - len(kept)
    return kept, +left_out


@settings(max_examples=60)
@given(
    lines=st.lists(st.tuples(st.integers(0, 40), st.integers(-1, 25)), max_size=120),
    seed=st.integers(0, 3),
    batch=st.integers(1, 130),
    max_shared=st.integers(1, 4),
    fewest=st.integers(1, 4),
    shares=st.sampled_from(
        [SPLITS, {"curate": 0.5, "evaluate": 0.5}, {"curate": 0.9, "evaluate": 0.1, "pretrain": 0.0}]
    ),
)
def test_any_order_and_any_batches_keep_what_they_should(
    lines: list[tuple[int, int]], seed: int, batch: int, max_shared: int, fewest: int, shares: dict[Split, float]
) -> None:
    """Addresses under several captions and captions of many addresses included; lines are all accounted for."""
    corpus, sample = corpus_params(max_shared, shares), sample_params(seed=seed)
    rows = [titled(f"http://a/{url}", f"caption {caption}" if caption >= 0 else "") for url, caption in lines]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(draw, "FEWEST", fewest)
        table, left_out = drawn(rows, corpus, sample, batch)
        again = drawn(random.Random(seed).sample(rows, len(rows)), corpus, sample, 5)
    assert again == (table, left_out)
    assert table["key"].to_pylist() == sorted(table["key"].to_pylist())
    kept = {row["key"]: (row["caption"], row["split"]) for row in table.to_pylist()}
    assert (kept, left_out) == expected(rows, corpus, sample, fewest)


@pytest.mark.usefixtures("few")
def test_candidates_are_the_first_of_the_order() -> None:
    """As many as `tries` allows of what 5,000 rows hold; the pre-training split whole."""
    rows = numbered(5_000)
    table, left_out = drawn(rows, sample=sample_params(pictures=100, heldout=40, tries=1.5), batch=64)
    for split, wanted in (("curate", 150), ("evaluate", 60), ("pretrain", 5_000)):
        keys = [key_of(row.url) for row in rows if split_of(row.caption, SPLITS) == split]
        first = sorted(keys, key=lambda key: ranks([key], 42))[:wanted]
        assert [row["key"] for row in table.to_pylist() if row["split"] == split] == sorted(first)
    assert left_out == {NOT_WANTED: 5_000 - table.num_rows}


@pytest.mark.usefixtures("few")
def test_a_larger_sample_begins_with_the_smaller_one() -> None:
    """More may be asked for later without losing what was drawn before; another seed draws others."""
    few, more, others = (
        set(drawn(numbered(2_000), sample=sample_params(pictures=n, seed=seed))[0]["key"].to_pylist())
        for n, seed in ((20, 42), (60, 42), (20, 43))
    )
    assert few < more
    assert not few <= others


@pytest.mark.usefixtures("few")
def test_shared_captions_do_not_shorten_a_sample() -> None:
    """A third of the rows is left out for its captions; as many come as were asked for."""
    shared = [titled(f"http://b/{number}", f"shared {number % 20}") for number in range(1_000)]
    splits: dict[Split, float] = {"curate": 0.8, "evaluate": 0.2}
    table, left_out = drawn([*numbered(2_000), *shared], corpus_params(5, splits), sample_params(200, 50), 50)
    assert Counter(table["split"].to_pylist()) == {"curate": 300, "evaluate": 75}
    assert left_out["caption shared by more than 5 pictures"] > 50


@pytest.mark.usefixtures("few")
def test_every_line_of_what_is_held_is_known() -> None:
    """Of twice as many rows as are kept, the very last of them too; a better caption wins on whichever line it stands."""
    one: dict[Split, float] = {"curate": 1.0}
    for count in range(12, 40):  # 12 are held before the first are let go
        rows, better = numbered(count), [titled(f"http://a/{number}", f"a {number}") for number in range(count)]
        table, left_out = drawn([*rows, *rows, *better], corpus_params(splits=one))
        assert left_out[SEEN_BEFORE] == 12
        assert [row["caption"].split()[0] for row in table.to_pylist()] == ["a", "a", "a"]


def test_a_small_source_is_kept_whole() -> None:
    """Raising sample.pictures then needs no second pass, and what stage 1 is judged by does not change."""
    table, left_out = drawn(numbered(500), sample=sample_params(pictures=3, heldout=2))
    assert table.num_rows == 500
    assert left_out == {}


def test_too_many_captions_to_count_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rather than a corpus from which most rows are missing by mistake."""
    monkeypatch.setattr(draw, "_CAPTIONS", (1 << 10, 2))
    assert drawn(numbered(300))[0].num_rows > 290
    with pytest.raises(JobError, match=r"x\.tsv has too many different captions: \d+% of them would be taken for sha"):
        drawn(numbered(3_000))


def test_a_long_source_takes_no_more_memory_than_a_short_one(tmp_path: Path) -> None:
    """Peak memory of a process that draws from ten times as many rows."""

    def lines(count: int) -> Iterator[str]:
        for number in range(count):
            yield f"caption number {number} of them\thttp://a.example/{number}/{'x' * 60}.jpg\n"

    code = (
        "import sys; from tests.pipeline.test_draw import *; from pipeline.sources.delimited import read_tsv;"
        "draw.FEWEST = 100; rows = read_tsv(Path(sys.argv[1]), None);"
        "drawing = Drawing(corpus_params(splits={'curate': 0.9, 'evaluate': 0.1}), sample_params(500, 200));"
        "from itertools import islice\n"
        "while batch := list(islice(rows, 1000)): drawing.offer(batch)\n"
        "assert drawing.corpus()[0].num_rows == 1050\n"
        "print(Path('/proc/self/status').read_text().split('VmHWM:')[1].split()[0])"
    )
    if not Path("/proc/self/status").exists():
        pytest.skip("needs Linux's /proc")
    peaks = []
    for count in (10_000, 100_000):
        path = tmp_path / f"{count}.tsv"
        with path.open("w", encoding="utf-8") as file:
            file.writelines(lines(count))
        command = [sys.executable, "-c", code, str(path)]
        done = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=True)
        peaks.append(int(done.stdout) / 1024)
    assert peaks[1] - peaks[0] < 25
