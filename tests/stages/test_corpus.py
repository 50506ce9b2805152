"""The corpus: one row a picture, split by caption, the same bytes every time, from three kinds of sources."""

from __future__ import annotations

import random
from collections import Counter
from hashlib import sha256
from pathlib import Path

import pytest

from pipeline.debian import Titled
from pipeline.errors import JobError
from pipeline.files import sha256_file
from pipeline.params import CorpusParams, Split
from pipeline.parquet import read_table
from stages.corpus import CORPUS, build_corpus, key_of, main, read_folder, read_tsv, split_of
from tests.debian_tree import add_drawing, add_stamp, make_packages, svg_text

SPLITS: dict[Split, float] = {"pretrain": 0.5, "curate": 0.3, "evaluate": 0.2}


def params(max_shared: int = 2) -> CorpusParams:
    """The section `corpus`."""
    return CorpusParams(source="tsv", path=Path("x.tsv"), max_shared=max_shared, max_pixels=1000, splits=SPLITS)


def titled(url: str, caption: str) -> Titled:
    """A picture."""
    return Titled(url, caption, ["word"], "source")


def test_a_row_is_a_picture_with_its_key_and_split() -> None:
    """The key is the first 16 hex digits of the address's sha256; the columns are the candidate's and `split`."""
    table, left_out = build_corpus([Titled("http://a/1", "a dog", ["pet"], "s")], params())
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


@pytest.mark.parametrize(
    ("pictures", "kept", "left_out"),
    [
        ([("1", "dog"), ("2", "dog")], 2, {}),
        ([("1", "dog"), ("2", "dog"), ("3", "dog"), ("4", "cat")], 1, {"caption shared by more than 2 pictures": 3}),
        ([("1", ""), ("2", ""), ("3", ""), ("4", "cat")], 1, {"caption says nothing": 3}),
        ([("1", "dog"), ("1", "cat")], 1, {"address seen before": 1}),
        ([("1", "dog")] * 5, 1, {"address seen before": 4}),
        ([("1", ""), ("1", "cat")], 1, {"caption says nothing": 1}),
        ([], 0, {}),
    ],
    ids=["shared by few", "shared by many", "empty", "address twice", "one picture five times", "second try", "none"],
)
def test_what_is_left_out_is_counted(pictures: list[tuple[str, str]], kept: int, left_out: dict[str, int]) -> None:
    """Rows and reasons together are as many as the pictures; listing one picture twice does not make it shared."""
    table, reasons = build_corpus([titled(*picture) for picture in pictures], params())
    assert (table.num_rows, reasons) == (kept, left_out)


def test_an_address_has_its_first_caption() -> None:
    """A second line about the same picture is not believed over the first."""
    table, _ = build_corpus([titled("1", ""), titled("1", "dog"), titled("1", "cat")], params())
    assert table["caption"].to_pylist() == ["dog"]


def test_pictures_with_one_caption_are_on_one_side() -> None:
    """Nothing that training sees has the caption of a held-out picture."""
    pictures = [titled(f"{caption} {copy}", f"a {caption}") for caption in range(100) for copy in range(3)]
    table, _ = build_corpus(pictures, params(max_shared=3))
    sides = {(row["caption"], row["split"]) for row in table.to_pylist()}
    assert table.num_rows == 300
    assert len(sides) == 100
    assert {split for _, split in sides} == set(SPLITS)


def test_splits_have_their_shares() -> None:
    """Within four standard deviations over 4,000 captions."""
    counts = Counter(split_of(f"caption {number}", SPLITS) for number in range(4000))
    for name, share in SPLITS.items():
        assert abs(counts[name] - 4000 * share) < 4 * (4000 * share * (1 - share)) ** 0.5


@pytest.mark.parametrize("whole", ["pretrain", "curate", "evaluate"])
def test_a_split_of_everything_gets_everything(whole: Split) -> None:
    """Shares of 0 and 1 mean what they say."""
    splits: dict[Split, float] = {name: float(name == whole) for name in SPLITS}
    assert {split_of(f"caption {number}", splits) for number in range(200)} == {whole}


def test_the_order_of_the_pictures_does_not_matter() -> None:
    """Rows are sorted by key, and what one is does not depend on what came before it."""
    pictures = [titled(str(number), f"caption {number // 2 % 30}") for number in range(100)]
    shuffled = random.Random(1).sample(pictures, len(pictures))
    table, left_out = build_corpus(pictures, params())
    assert build_corpus(shuffled, params()) == (table, left_out)
    assert table["key"].to_pylist() == sorted(table["key"].to_pylist())
    assert table.num_rows > 0
    assert left_out


def test_more_pictures_do_not_move_a_row() -> None:
    """A corpus that grows keeps its splits, so that nothing held out is ever trained on."""
    few = [titled(str(number), f"caption {number}") for number in range(50)]
    more = [*few, *(titled(str(number), f"caption {number}") for number in range(50, 80))]
    before, after = ({row["key"]: row for row in build_corpus(rows, params())[0].to_pylist()} for rows in (few, more))
    assert before.items() <= after.items()


def folder_with(tmp_path: Path, data: bytes) -> Path:
    """A folder `pictures` whose captions.tsv holds `data`."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    (folder / "captions.tsv").write_bytes(data)
    return folder


def test_a_folder_lists_its_pictures(tmp_path: Path) -> None:
    """File, caption, and keywords where there are some; captions are cleaned, empty lines and keywords are none."""
    data = "a/1.png\tRed_Apple.svg\tfruit, food ,,\n\n2.png\ta dog\n3.png\tUntitled\t\n4 ü.png\tthe “cat”\r\n"
    folder = folder_with(tmp_path, data.encode())
    assert read_folder(folder) == [
        Titled("folder:a/1.png", "red apple", ["fruit", "food"], "pictures"),
        Titled("folder:2.png", "a dog", [], "pictures"),
        Titled("folder:3.png", "", [], "pictures"),
        Titled("folder:4 ü.png", "the cat", [], "pictures"),
    ]


def test_a_tsv_lists_addresses(tmp_path: Path) -> None:
    """Conceptual Captions: captions as they are, quotes included; one without a letter says nothing."""
    path = tmp_path / "cc.tsv"
    path.write_bytes(b'a "dog" , sitting\thttp://a/1.jpg\n"a cat\thttps://b/2.jpg \n. . .\thttp://c/3.jpg')
    assert read_tsv(path) == [
        Titled("http://a/1.jpg", 'a "dog" , sitting', [], "cc.tsv"),
        Titled("https://b/2.jpg", '"a cat', [], "cc.tsv"),
        Titled("http://c/3.jpg", "", [], "cc.tsv"),
    ]


def test_a_byte_order_mark_and_long_lines_are_no_part_of_a_table(tmp_path: Path) -> None:
    """Editors on Windows write the one; a broken scrape the others."""
    long = "dog " * 50_000
    folder = folder_with(tmp_path, b"\xef\xbb\xbf1.png\ta dog\n2.png\t" + long.encode())
    assert [(picture.url, picture.caption) for picture in read_folder(folder)] == [
        ("folder:1.png", "a dog"),
        ("folder:2.png", ""),
    ]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"1.png\ta dog\n\n2.png a cat\n", "captions.tsv:3: wanted file<TAB>caption"),
        (b"\ta dog\n", "captions.tsv:1: wanted file<TAB>caption"),
        (b"1.png\ta dog\n2.png\tcaf\xe9\n", "captions.tsv:2: byte 10 is not UTF-8; save it as UTF-8"),
        ("1.png\ta dog\n".encode("utf-16"), "captions.tsv:1: byte 1 is not UTF-8; save it as UTF-8"),
    ],
    ids=["no tab", "no file", "Latin-1", "UTF-16"],
)
def test_a_bad_line_of_a_folder_is_numbered(tmp_path: Path, data: bytes, message: str) -> None:
    """The file and the line as an editor counts them, empty ones included."""
    folder = folder_with(tmp_path, data)
    with pytest.raises(JobError) as raised:
        read_folder(folder)
    assert str(raised.value) == f"{folder}/{message}"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"a dog\thttp://a/1\na cat\n", "cc.tsv:2: wanted caption<TAB>http address"),
        (b"http://a/1\ta dog\n", "cc.tsv:1: wanted caption<TAB>http address"),
        (b"a dog\tftp://a/1\n", "cc.tsv:1: wanted caption<TAB>http address"),
        (b"a dog\thttp://a/1\t3\n", "cc.tsv:1: wanted caption<TAB>http address"),
        (b"a dog\thttp://a/1\n\xff\thttp://a/2\n", "cc.tsv:2: byte 1 is not UTF-8; save it as UTF-8"),
    ],
    ids=["one column", "swapped", "not http", "three columns", "not UTF-8"],
)
def test_a_bad_line_of_a_tsv_is_numbered(tmp_path: Path, data: bytes, message: str) -> None:
    """As for a folder."""
    path = tmp_path / "cc.tsv"
    path.write_bytes(data)
    with pytest.raises(JobError) as raised:
        read_tsv(path)
    assert str(raised.value) == f"{tmp_path}/{message}"


def use_source(workplace: Path, source: str, path: str) -> None:
    """Write the profile `mine`: the embedded one on another source."""
    text = (workplace / "profiles/embedded.yaml").read_text(encoding="utf-8")
    old = ("source: debian ", "path: .cache/pairmill/debian ")
    assert all(each in text for each in old)
    text = text.replace(old[0], f"source: {source} ").replace(old[1], f"path: {path} ")
    (workplace / "profiles/mine.yaml").write_text(text, encoding="utf-8")


def make_source(workplace: Path, source: str) -> str:
    """Generate a source with the pictures "a red apple" and "the dog" and one that says nothing; returns its path."""
    if source == "debian":
        make_packages(workplace / "debian")
        add_drawing(workplace / "debian", "x1", svg_text("A red apple"))
        add_drawing(workplace / "debian", "x2", svg_text("Untitled"))
        add_stamp(workplace / "debian", "dog", b"The dog")
        return "debian"
    if source == "folder":
        folder_with(workplace, b"1.png\tA red apple\n2.png\tUntitled\n3.png\tthe dog\n")
        return "pictures"
    (workplace / "cc.tsv").write_bytes(b"a red apple\thttp://a/1\n-\thttp://a/2\nthe dog\thttp://a/3\n")
    return "cc.tsv"


@pytest.mark.parametrize("source", ["debian", "folder", "tsv"])
def test_the_stage_writes_the_same_bytes_every_time(
    workplace: Path, source: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """One table, by the profile's source; counts on stdout, what was left out included."""
    use_source(workplace, source, make_source(workplace, source))
    assert main(["--profile", "mine"]) == 0
    out = capfd.readouterr().out
    assert out.startswith("corpus: 2 pictures (")
    assert out.endswith("\n  left out: 1 (caption says nothing)\n")
    path = workplace / "outputs/mine/corpus.parquet"
    rows = read_table(path).to_pylist()
    assert {row["caption"] for row in rows} == {"a red apple", "the dog"}
    assert [row["key"] for row in rows] == sorted(key_of(row["url"]) for row in rows)
    assert not any(str(workplace) in row["url"] for row in rows)
    before = sha256_file(path)
    path.unlink()
    assert main(["--profile", "mine"]) == 0
    assert sha256_file(path) == before


@pytest.mark.parametrize(
    ("source", "path", "message"),
    [
        ("tsv", "empty.tsv", "the corpus in empty.tsv is empty: no picture has a caption that says something"),
        ("tsv", "gone.tsv", "gone.tsv does not exist: fetch Conceptual Captions' TSV, or set corpus.path"),
        ("folder", "gone", "gone/captions.tsv does not exist: write one line a picture, file<TAB>caption, or set"),
        ("debian", "gone", "no package openclipart-png in gone: run `make assets`, or set corpus.path"),
    ],
    ids=["empty", "no TSV", "no folder", "no packages"],
)
def test_no_corpus_is_one_line(
    workplace: Path, source: str, path: str, message: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """Exit code 1, and no table that a next stage would take for one."""
    (workplace / "empty.tsv").write_bytes(b"...\thttp://a/1\n")
    use_source(workplace, source, path)
    assert main(["--profile", "mine"]) == 1
    out, err = capfd.readouterr()
    assert out == ""
    assert err.startswith(f"pairmill: error: {message}")
    assert err.count("\n") == 1
    assert not (workplace / "outputs").exists()
