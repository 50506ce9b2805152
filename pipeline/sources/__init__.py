"""Where captions and addresses come from: one module a kind of source, each a stream of pictures and of bad rows."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.params import CorpusParams
from pipeline.sources.debian import read_packages
from pipeline.sources.delimited import read_csv, read_tsv
from pipeline.sources.folder import read_folder
from pipeline.sources.hub import read_dataset
from pipeline.sources.jsonl import read_jsonl
from pipeline.sources.parquet_files import read_parquet
from pipeline.sources.rows import BadRow, Titled
from pipeline.sources.webdataset import read_webdataset

__all__ = ["BadRow", "Titled", "read_source"]


def read_source(params: CorpusParams) -> Iterator[Titled | BadRow]:
    """The rows of the source that the params name, in its own order, without holding them."""
    tables = {"tsv": read_tsv, "csv": read_csv, "parquet": read_parquet, "jsonl": read_jsonl}
    if params.source in tables:
        return tables[params.source](params.path, params.columns)
    if params.source == "debian":
        return read_packages(params.path, params.max_pixels)
    if params.source == "datasets":
        return read_dataset(params)
    return read_folder(params.path) if params.source == "folder" else read_webdataset(params.path)
