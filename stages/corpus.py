"""python -m stages.corpus --profile embedded

Write outputs/<profile>/corpus.parquet: one row a picture with its caption, its stable address and the split
it belongs to. The split is drawn by caption, so that drawings with one caption never stand on both sides.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path

import pyarrow as pa

from pipeline.captions import clean_title
from pipeline.command import run_command, stage_params
from pipeline.debian import Titled, read_packages
from pipeline.errors import JobError
from pipeline.params import CorpusParams, Split
from pipeline.parquet import write_table
from pipeline.schema import CANDIDATE

CORPUS = CANDIDATE.append(pa.field("split", pa.string(), nullable=False))


def key_of(url: str) -> str:
    """The key of an address: 16 hex digits, the same on every machine."""
    return sha256(url.encode()).hexdigest()[:16]


def split_of(caption: str, splits: Mapping[Split, float]) -> Split:
    """The split that a caption falls into: its hash, as a number in [0, 1), against the cumulated shares."""
    point = int.from_bytes(sha256(f"split {caption}".encode()).digest()[:8], "big") / 2**64
    edge = 0.0
    for name, share in splits.items():
        edge += share
        if point < edge:
            return name
    return list(splits)[-1]


def build_corpus(pictures: Iterable[Titled], params: CorpusParams) -> tuple[pa.Table, Counter[str]]:
    """The corpus, sorted by key, and how many pictures were left out for which reason.

    An address that is listed more than once is one picture, with the first caption that says something.
    """
    left_out: Counter[str] = Counter()
    by_key: dict[str, Titled] = {}
    for picture in pictures:
        if not picture.caption:
            left_out["caption says nothing"] += 1
        elif by_key.setdefault(key_of(picture.url), picture) is not picture:
            left_out["address seen before"] += 1
    shared = Counter(picture.caption for picture in by_key.values())
    rows = []
    for key, picture in sorted(by_key.items()):
        if shared[picture.caption] > params.max_shared:
            left_out[f"caption shared by more than {params.max_shared} pictures"] += 1
        else:
            rows.append({"key": key, **asdict(picture), "split": split_of(picture.caption, params.splits)})
    return pa.Table.from_pylist(rows, schema=CORPUS), left_out


def read_folder(folder: Path) -> list[Titled]:
    """Pictures of a folder, captioned by its captions.tsv: file, caption and optional keywords (comma-separated)."""
    listing = folder / "captions.tsv"
    if not listing.is_file():
        raise JobError(f"{listing} does not exist: write one line a picture, file<TAB>caption, or set corpus.path")
    pictures = []
    for number, cells in _tsv(listing):
        if len(cells) < 2 or not cells[0]:
            raise JobError(f"{listing}:{number}: wanted file<TAB>caption")
        keywords = [word.strip() for word in cells[2].split(",") if word.strip()] if len(cells) > 2 else []
        pictures.append(Titled(f"folder:{cells[0]}", clean_title(cells[1]), keywords, folder.name))
    return pictures


def read_tsv(path: Path) -> list[Titled]:
    """Conceptual Captions' table: caption<TAB>address, no header."""
    if not path.is_file():
        raise JobError(f"{path} does not exist: fetch Conceptual Captions' TSV, or set corpus.path")
    pictures = []
    for number, cells in _tsv(path):
        if len(cells) != 2 or not cells[1].startswith(("http://", "https://")):
            raise JobError(f"{path}:{number}: wanted caption<TAB>http address")
        caption = cells[0].strip() if any(map(str.isalpha, cells[0])) else ""
        pictures.append(Titled(cells[1].strip(), caption, [], path.name))
    return pictures


def _tsv(path: Path) -> Iterator[tuple[int, list[str]]]:
    """The lines that are not empty, with their numbers; bytes, so that an error of encoding has a line too."""
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            try:
                text = line.decode("utf-8-sig" if number == 1 else "utf-8").rstrip("\r\n")
            except UnicodeDecodeError as error:
                raise JobError(f"{path}:{number}: byte {error.start + 1} is not UTF-8; save it as UTF-8") from None
            if text:
                yield number, text.split("\t")


def read_source(params: CorpusParams) -> Iterable[Titled]:
    """The captioned pictures of the source that the params name."""
    if params.source == "debian":
        return read_packages(params.path, params.max_pixels)
    return read_folder(params.path) if params.source == "folder" else read_tsv(params.path)


def _run(argv: Sequence[str] | None) -> None:
    params = stage_params(__doc__, argv)
    table, left_out = build_corpus(read_source(params.corpus), params.corpus)
    if not table.num_rows:
        raise JobError(f"the corpus in {params.corpus.path} is empty: no picture has a caption that says something")
    write_table(table, Path("outputs", params.profile, "corpus.parquet"))
    splits = Counter(table["split"].to_pylist())
    print(f"corpus: {table.num_rows} pictures ({', '.join(f'{n} {s}' for s, n in sorted(splits.items()))})")
    for reason, count in left_out.most_common():
        print(f"  left out: {count} ({reason})")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the stage; returns the exit code."""
    return run_command(_run, argv)


if __name__ == "__main__":
    raise SystemExit(main())
