"""Data sets of the `datasets` library: a folder of files, what `save_to_disk` wrote, or the Hub's, streamed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pyarrow as pa

from pipeline.errors import JobError, UsageError, first_line, listed
from pipeline.params import CorpusParams
from pipeline.sources.columns import check_text, named_columns, rows_of
from pipeline.sources.rows import BadRow, Titled

ROWS_AT_ONCE = 8_192
HUB_ID = re.compile(r"(?:[\w.-]+/)?[\w.-]+")


def read_dataset(params: CorpusParams) -> Iterator[Titled | BadRow]:
    """The rows of the data set that corpus.path names; corpus.subset is its split, or CONFIG/SPLIT.

    The network is asked only for an id of the Hub. Raises UsageError for an id without a revision, a split or a
    column that is not there; JobError where the data set cannot be read.
    """
    import datasets

    name = _name(params)
    with _reading(name), _without_torch(datasets):
        data = _opened(params)
        first = next(data.with_format("arrow").iter(1), None)
    if first is None:
        return
    columns = named_columns(first.column_names, params.columns, name)
    check_text(first.schema, columns, name)
    with _reading(name), _without_torch(datasets):
        # other columns, pictures perhaps, are not even read
        batches = data.select_columns(list(columns)).with_format("arrow").iter(ROWS_AT_ONCE)
    yield from rows_of(_read(batches, name), columns, params.path.name, name)


def _name(params: CorpusParams) -> str:
    """What the rows' `source` says: the folder's name, or ID@REVISION."""
    if params.path.is_dir():
        if params.revision:
            raise UsageError(f"corpus.revision is for the Hub, and {params.path} is a folder here: set it to null")
        return params.path.name
    if not HUB_ID.fullmatch(str(params.path)):
        raise UsageError(f"{params.path} is neither a folder nor an id of the Hub (OWNER/NAME): set corpus.path")
    if not params.revision:
        raise UsageError(
            f"{params.path} is no folder here; for a data set of the Hub set corpus.revision to its commit"
        )
    return f"{params.path}@{params.revision}"


def _opened(params: CorpusParams) -> Any:
    import datasets

    path = str(params.path)
    config, _, split = (params.subset or "").rpartition("/")
    if (params.path / "dataset_dict.json").is_file() or (params.path / "state.json").is_file():
        found = datasets.load_from_disk(path)
    else:
        found = datasets.load_dataset(path, config or None, revision=params.revision, streaming=True)
    if isinstance(found, datasets.Dataset):  # a split that was saved alone
        if split:
            raise UsageError(f"{path} is one split: set corpus.subset to null")
        return found.to_iterable_dataset()
    if not split and len(found) == 1:
        split = next(iter(found))
    if split not in found:
        raise UsageError(f"{path} has the splits {listed([*found])}: set corpus.subset to one of them")
    data = found[split]
    return data.to_iterable_dataset() if isinstance(data, datasets.Dataset) else data


@contextmanager
def _without_torch(datasets: Any) -> Iterator[None]:
    """Keep `datasets` from importing torch, which takes seconds, for the sake of a base class."""
    before = datasets.config.TORCH_AVAILABLE
    datasets.config.TORCH_AVAILABLE = False
    try:
        yield
    finally:
        datasets.config.TORCH_AVAILABLE = before


def _read(batches: Iterator[pa.Table], name: str) -> Iterator[pa.Table]:
    done = 0
    while True:
        with _reading(name, f" behind record {done}"):
            batch = next(batches, None)
        if batch is None:
            return
        done += batch.num_rows
        yield batch


@contextmanager
def _reading(name: str, place: str = "") -> Iterator[None]:
    """What `datasets` raises, as one line."""
    import httpx
    from datasets.exceptions import DatasetsError

    try:
        yield
    except (DatasetsError, httpx.HTTPError, pa.ArrowException, OSError, EOFError, ValueError, RuntimeError) as error:
        raise JobError(f"cannot read the data set {name}{place}: {first_line(error)}") from error
