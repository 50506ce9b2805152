"""Which rows are drawn: the same for a seed, whatever the order of the corpus; never more than there are."""

from __future__ import annotations

import random
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path

import pyarrow as pa
import pytest
import yaml

from pipeline.errors import JobError, UsageError
from pipeline.params import SampleParams
from pipeline.parquet import read_table, write_table
from pipeline.schema import CANDIDATE
from stages.sample import draw_samples, main

SPLITS = {"pretrain": 70, "curate": 20, "evaluate": 10}
NUMBERS = range(sum(SPLITS.values()))


def corpus(numbers: Iterable[int]) -> pa.Table:
    """Rows of three splits, in the order of `numbers`."""
    names = [name for name, count in SPLITS.items() for _ in range(count)]
    urls = {n: f"https://example.org/{n}.png" for n in numbers}
    keys = {n: sha256(url.encode()).hexdigest()[:16] for n, url in urls.items()}
    rows = [
        {"key": keys[n], "url": url, "caption": str(n), "keywords": [], "source": "s", "split": names[n]}
        for n, url in urls.items()
    ]
    return pa.Table.from_pylist(rows, schema=CANDIDATE.append(pa.field("split", pa.string(), nullable=False)))


def params(pictures: int = 8, heldout: int = 4, tries: float = 1.0, seed: int = 42) -> SampleParams:
    """The section `sample`."""
    return SampleParams(pictures=pictures, heldout=heldout, tries=tries, seed=seed)


def test_draws_as_many_as_asked_for_and_all_of_the_pretraining_split() -> None:
    """No row is drawn twice, none from another split, and every column comes along."""
    samples = draw_samples(corpus(NUMBERS), params())
    assert {name: rows.num_rows for name, rows in samples.items()} == {"curate": 8, "evaluate": 4, "pretrain": 70}
    for name, rows in samples.items():
        assert set(rows["split"].to_pylist()) == {name}
        assert len(set(rows["key"].to_pylist())) == rows.num_rows
        assert rows.schema.equals(corpus(NUMBERS).schema)


def test_a_seed_decides_whatever_the_order_of_the_corpus() -> None:
    """The same rows in the same order."""
    shuffled = random.Random(1).sample(NUMBERS, len(NUMBERS))
    assert draw_samples(corpus(NUMBERS), params()) == draw_samples(corpus(shuffled), params())


def test_another_seed_draws_other_rows() -> None:
    """The seed is not decoration, and the ranks are not the keys' own order."""
    first, second = (draw_samples(corpus(NUMBERS), params(seed=seed))["curate"]["key"].to_pylist() for seed in (1, 2))
    assert set(first) != set(second)
    assert first != sorted(first)


def test_a_larger_sample_begins_with_the_smaller_one() -> None:
    """More pictures may be asked for later without losing those that are described already."""
    small, large = (draw_samples(corpus(NUMBERS), params(pictures=n))["curate"]["key"].to_pylist() for n in (5, 20))
    assert large[:5] == small
    assert len(large) == 20


@pytest.mark.parametrize(
    ("tries", "curate", "evaluate"), [(1.0, 8, 4), (1.5, 12, 6), (1.6, 13, 7), (2.5, 20, 10), (100.0, 20, 10)]
)
def test_as_many_candidates_come_as_may_be_tried(tries: float, curate: int, evaluate: int) -> None:
    """Up to all that the split holds; those that fewer tries allow come first."""
    samples = draw_samples(corpus(NUMBERS), params(tries=tries))
    assert {name: rows.num_rows for name, rows in samples.items()} == {
        "curate": curate,
        "evaluate": evaluate,
        "pretrain": 70,
    }
    for name, wanted in (("curate", 8), ("evaluate", 4)):
        assert samples[name].slice(0, wanted) == draw_samples(corpus(NUMBERS), params())[name]


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        (params(pictures=21), "sample.pictures asks for 21 rows, but the curate split holds 20: lower sample.pictures"),
        (params(heldout=11), "sample.heldout asks for 11 rows, but the evaluate split holds 10: lower sample.heldout"),
    ],
)
def test_more_than_the_split_holds_is_an_error_with_both_numbers(wanted: SampleParams, message: str) -> None:
    """A shorter sample than asked for would go unnoticed."""
    with pytest.raises(UsageError) as raised:
        draw_samples(corpus(NUMBERS), wanted)
    assert str(raised.value) == message


def test_a_key_that_stands_twice_is_an_error_that_names_it() -> None:
    """A ledger of keys could not balance."""
    doubled = pa.concat_tables([corpus(NUMBERS), corpus([3])])
    key = corpus([3])["key"][0].as_py()
    with pytest.raises(JobError, match=f"1 keys more than once, first {key}"):
        draw_samples(doubled, params())


def test_the_stage_writes_one_table_a_split(workplace: Path) -> None:
    """From outputs/<profile>/corpus.parquet, under the profile's own params."""
    profile = yaml.safe_load((workplace / "profiles/embedded.yaml").read_text())
    profile["sample"] |= {"pictures": 8, "heldout": 4, "tries": 1.0}
    (workplace / "profiles/tiny.yaml").write_text(yaml.safe_dump(profile))
    write_table(corpus(NUMBERS), workplace / "outputs/tiny/corpus.parquet")
    assert main(["--profile", "tiny"]) == 0
    for name, rows in draw_samples(corpus(NUMBERS), params()).items():
        assert read_table(workplace / "outputs/tiny/sample" / f"{name}.parquet") == rows


def test_a_missing_corpus_is_one_line(workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 1, and the file's name."""
    del workplace
    assert main(["--profile", "embedded"]) == 1
    assert "outputs/embedded/corpus.parquet" in capsys.readouterr().err
