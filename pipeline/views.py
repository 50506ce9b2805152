"""The pictures that stage 1 learns from and is judged by: fetched once, their features computed once, in two views."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import torch
from PIL import ImageOps
from torch import Tensor

from pipeline.colors import main_colors
from pipeline.errors import JobError
from pipeline.feature_shards import tower_digest
from pipeline.fetch.session import asking, fill, open_collection, write_shards
from pipeline.files import remove, replacing_folder
from pipeline.identity import fingerprint
from pipeline.params import Params
from pipeline.parquet import list_shards, read_table
from pipeline.pictures import open_picture
from pipeline.runner import run_map_stage
from pipeline.vlm import VisionLanguageModel

FEATURES = pa.schema(
    [
        pa.field("features", pa.binary()),
        pa.field("mirrored", pa.binary()),  # features of the picture seen in a mirror
        pa.field("colors", pa.list_(pa.string())),
    ]
)

STORED = {"image_size", "jpeg_quality", "max_pixels", "min_side", "max_aspect"}  # what decides a stored picture


def featurize(rows: pa.Table, advance: Callable[[int], None], vlm: VisionLanguageModel) -> pa.Table:
    """Replace each picture by its features (float16, [tokens, width]), two views, and its main colours."""
    found = []
    for image in rows["image"].to_pylist():
        if image is None:
            found.append(dict.fromkeys(FEATURES.names))
        else:
            picture = open_picture(image["bytes"])
            seen, mirrored = vlm.features(vlm.preprocess([picture, ImageOps.mirror(picture)])).half().cpu().numpy()
            found.append({"features": seen.tobytes(), "mirrored": mirrored.tobytes(), "colors": main_colors(picture)})
        advance(1)
    added = pa.Table.from_pylist(found, schema=FEATURES)
    kept = rows.drop_columns(["image"])
    for name in FEATURES.names:
        kept = kept.append_column(FEATURES.field(name), added[name])
    return kept


def load_pictures(params: Params, vlm: VisionLanguageModel, split: str, limit: int | None) -> pa.Table:
    """Rows of one split with features, fetched and computed once and kept under .cache/."""
    corpus = read_table(Path("outputs", params.profile, "corpus.parquet"))
    rows = corpus.filter(pc.equal(corpus["split"], split)).drop_columns(["split"])
    rows = rows.slice(0, limit) if limit else rows
    if not rows.num_rows:
        raise JobError(f"the corpus has no pictures in the split {split!r}: raise its share in corpus.splits")
    cache = Path(".cache/pairmill", f"pretrain-{params.profile}", split)
    work = Path(".work", params.profile, "pretrain")
    stored = params.download.model_dump(include=STORED)
    # addresses are relative to the corpus
    names = fingerprint(str(params.corpus.path.resolve()), rows["key"].to_pylist(), stored)
    pictures = cache / f"pictures-{names}"
    tower = tower_digest(params.model)
    features = cache / f"views-{names}-{tower}"
    if not features.is_dir():
        if not pictures.is_dir():
            _fetch(rows, pictures, work / f"fetch-{split}", params)
        run_map_stage(
            stage=f"features ({split})",
            source=pictures,
            out=features,
            work=work / f"features-{split}",
            identity={"tower": tower},
            transform=lambda table, advance: featurize(table, advance, vlm),
        )
    table = pa.concat_tables([read_table(path) for path in list_shards(features)])
    return table.filter(pc.is_valid(table["features"]))


def _fetch(rows: pa.Table, out: Path, work: Path, params: Params) -> None:
    """Every picture that can be had, look-alikes too, as shards in the folder `out`."""
    with asking([rows], params) as asker, replacing_folder(out) as fresh:
        collection = open_collection(out.name, rows, rows.num_rows, work, params)
        fill(collection, asker, None)
        write_shards(collection, fresh, params.download.shard_rows)
    remove(work)


def feature_tensor(rows: pa.Table, vlm: VisionLanguageModel, column: str = "features") -> Tensor:
    """A features column as a tensor [N, tokens, width], as `vlm.features` gives them."""
    queries = None if vlm.config.train_qformer else vlm.config.qformer_config
    width = queries["hidden_size"] if queries else vlm.config.vision_width
    data = b"".join(rows[column].to_pylist())
    return torch.frombuffer(bytearray(data), dtype=torch.float16).view(rows.num_rows, -1, width).float()
