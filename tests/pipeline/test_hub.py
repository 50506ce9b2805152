"""Data sets of the `datasets` library: folders, what `save_to_disk` wrote, and the Hub, which no test asks."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import datasets
import pytest

from pipeline.errors import JobError, UsageError
from pipeline.params import ColumnsParams, CorpusParams
from pipeline.sources.hub import read_dataset
from pipeline.sources.rows import BadRow, Titled

ROWS = {"id": [1, 2, 3], "caption": ["a dog", None, "a cat"], "url": ["http://a/1", "http://a/2", "nowhere"]}


def params(path: Path, **more: Any) -> CorpusParams:
    """The section `corpus`."""
    given = {"columns": None, "revision": None, "subset": None, "splits": {"curate": 1.0}, **more}
    return CorpusParams(source="datasets", path=path, max_shared=5, max_pixels=1, **given)


def saved(folder: Path, **columns: object) -> Path:
    """One split, saved alone."""
    datasets.Dataset.from_dict(columns or ROWS).save_to_disk(folder)
    return folder


def saved_splits(folder: Path) -> Path:
    """Two splits, saved together."""
    data = datasets.Dataset.from_dict(ROWS)
    datasets.DatasetDict({"train": data, "test": data.select([0])}).save_to_disk(folder)
    return folder


def of_files(folder: Path) -> Path:
    """A folder of Parquet files, as the Hub's repositories are."""
    (folder / "data").mkdir(parents=True)
    data = datasets.Dataset.from_dict(ROWS)
    data.to_parquet(folder / "data/train-00000-of-00001.parquet")
    data.select([0]).to_parquet(folder / "data/test-00000-of-00001.parquet")
    return folder


def of_lines(folder: Path) -> Path:
    """A folder of JSON Lines, whose columns nobody knows before it is read."""
    folder.mkdir()
    datasets.Dataset.from_dict(ROWS).to_json(folder / "train.jsonl")
    return folder


@pytest.mark.parametrize(
    ("make", "subset"),
    [(saved, None), (saved_splits, "train"), (of_files, "train"), (of_files, "default/train"), (of_lines, None)],
)
def test_rows_come_in_order_with_their_numbers(tmp_path: Path, make: Any, subset: str | None) -> None:
    """Whatever the data set lies in; a single split needs no name."""
    folder = make(tmp_path / "mine")
    assert list(read_dataset(params(folder, subset=subset))) == [
        Titled("http://a/1", "a dog", [], "mine"),
        BadRow("mine", 2, "empty_caption", "there is no caption"),
        BadRow("mine", 3, "not_a_url", "neither http nor https: 'nowhere'"),
    ]


def test_columns_are_those_of_the_params(tmp_path: Path) -> None:
    """Or image_url, as Conceptual Captions' own data set calls it."""
    folder = saved(tmp_path / "mine", TEXT=["a dog"], LINK=["http://a/1"], caption=["x"], image_url=["http://a/2"])
    named = params(folder, columns=ColumnsParams(caption="TEXT", url="LINK"))
    assert list(read_dataset(named)) == [Titled("http://a/1", "a dog", [], "mine")]
    assert list(read_dataset(params(folder))) == [Titled("http://a/2", "x", [], "mine")]


@pytest.mark.parametrize(
    ("make", "given", "message"),
    [
        (
            saved,
            {"columns": {"caption": "text", "url": "url"}},
            "has no column text; it has id, caption, url: set corp",
        ),
        (
            saved,
            {"columns": {"caption": "id", "url": "url"}},
            "the column id holds int64, not text; set corpus.columns",
        ),
        (saved, {"subset": "train"}, "is one split: set corpus.subset to null"),
        (saved, {"revision": "main"}, "corpus.revision is for the Hub, and"),
        (saved_splits, {}, "has the splits train, test: set corpus.subset to one of them"),
        (of_files, {"subset": "validation"}, "has the splits train, test: set corpus.subset to one of them"),
    ],
)
def test_params_that_do_not_fit_are_one_line(tmp_path: Path, make: Any, given: dict[str, Any], message: str) -> None:
    """They say what there is."""
    with pytest.raises(UsageError) as error:
        list(read_dataset(params(make(tmp_path / "mine"), **given)))
    assert message in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("google-research-datasets/conceptual_captions", "for a data set of the Hub set corpus.revision to its commit"),
        ("data/gone", "data/gone is no folder here; for a data set of the Hub set corpus.revision to its commit"),
        ("a/b/c", "a/b/c is neither a folder nor an id of the Hub (OWNER/NAME): set corpus.path"),
    ],
)
def test_the_hub_is_asked_for_a_revision_alone(path: str, message: str) -> None:
    """What is read tomorrow is what was read today."""
    with pytest.raises(UsageError) as error:
        list(read_dataset(params(Path(path))))
    assert message in str(error.value)


def test_without_a_network_the_hub_is_one_line() -> None:
    """The tests run offline; so may a user."""
    with pytest.raises(JobError, match=r"^cannot read the data set nobody/nothing@0123abc: \S.*$") as error:
        list(read_dataset(params(Path("nobody/nothing"), revision="0123abc")))
    assert "\n" not in str(error.value)


def test_a_damaged_file_is_one_line(tmp_path: Path) -> None:
    """With the record up to which it could be read."""
    folder = of_files(tmp_path / "mine")
    path = folder / "data/train-00000-of-00001.parquet"
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(JobError, match="cannot read the data set mine"):
        list(read_dataset(params(folder, subset="train")))


def test_reading_imports_no_torch(tmp_path: Path) -> None:
    """`datasets` would, for a base class."""
    folder = saved(tmp_path / "mine")
    code = (
        "import sys; from pathlib import Path; from tests.pipeline.test_hub import params; from pipeline.sources import"
        f" read_source; print(len(list(read_source(params(Path({str(folder)!r}))))), 'torch' in sys.modules)"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout == "3 False\n"
