"""What the frozen vision tower makes of image-text shards, kept on disk: a picture seen again costs no tower.

A feature shard holds a row for each record of its shard, in its order, those without a picture included; so a stream
over feature shards is the stream over the pictures. They are found by the tower's digest, the shard's name and its
size: another tower or a shard that was written anew makes new ones.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
from PIL import Image
from torch import Tensor
from tqdm import tqdm

from pipeline.fetch.failures import Failure
from pipeline.identity import fingerprint
from pipeline.params import ModelParams
from pipeline.parquet import write_tables
from pipeline.parts import digest, load_pixel_format
from pipeline.pictures import decode
from pipeline.shards import Record, read_shard
from pipeline.stream import Share, Source

PICTURES_AT_ONCE = 32

FEATURES = pa.schema(
    [
        pa.field("key", pa.string()),
        pa.field("caption", pa.string()),
        pa.field("features", pa.binary()),  # float16
        pa.field("shape", pa.list_(pa.int32())),  # of one picture's features
        pa.field("reason", pa.string()),  # why a record is none; the other columns are null then
    ]
)

Encode = Callable[[Sequence[Image.Image]], Tensor]
"""B pictures -> features [B, ...]."""


def tower_digest(params: ModelParams) -> str:
    """16 hex digits for what decides features: tower, frozen Q-Former, pixel format and pyramid."""
    frozen = [params.vision, *([params.qformer] if params.qformer and not params.train_qformer else [])]
    parts = [(digest(folder), _architecture(folder)) for folder in frozen]
    return fingerprint(parts, load_pixel_format(params.vision), params.pyramid)


def _architecture(folder: Path) -> dict[str, Any]:
    """What a part's config.json says, but for where and by which version it was written."""
    told: dict[str, Any] = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    return {key: value for key, value in told.items() if key not in {"_name_or_path", "transformers_version"}}


def feature_source(source: Source, folder: Path) -> Source:
    """The same source with the feature shards in `folder` for its shards, whether they are there yet or not."""
    names = [f"{path.stem}-{path.stat().st_size}.parquet" for path in source.shards]
    return replace(source, shards=[folder / source.name / name for name in names])


def write_features(source: Source, folder: Path, encode: Encode, max_pixels: int, share: Share) -> None:
    """Write the feature shards that are missing among every `share.world`-th of a source, each whole or not at all."""
    pairs = list(zip(source.shards, feature_source(source, folder).shards, strict=True))
    missing = [(path, out) for path, out in pairs[share.rank :: share.world] if not out.is_file()]
    with tqdm(missing, desc=f"features of {source.name}", unit="shard", disable=not missing) as bar:
        for path, out in bar:
            write_tables(_tables(path, encode, max_pixels), FEATURES, out)


def _tables(path: Path, encode: Encode, max_pixels: int) -> Iterator[pa.Table]:
    records = read_shard(path)
    while items := list(islice(records, PICTURES_AT_ONCE)):
        found = [decode(item.picture, max_pixels) if isinstance(item, Record) else item for item in items]
        pictures = [each for each in found if isinstance(each, Image.Image)]
        features = iter(encode(pictures).half().cpu().numpy() if pictures else ())
        rows = []
        for item, each in zip(items, found, strict=True):
            if isinstance(item, Record) and isinstance(each, Image.Image):
                one = next(features)
                rows.append(
                    {"key": item.key, "caption": item.caption, "features": one.tobytes(), "shape": list(one.shape)}
                )
            else:
                rows.append({"reason": each.rule if isinstance(each, Failure) else each})
        yield pa.Table.from_pylist(rows, schema=FEATURES)
