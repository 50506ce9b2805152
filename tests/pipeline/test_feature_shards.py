"""Features on disk: the stream over them is the stream over the pictures, and no picture is seen twice."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor

from pipeline.feature_shards import feature_source, tower_digest, write_features
from pipeline.pairs import Pairs
from pipeline.params import ModelParams
from pipeline.parts import save_pixel_format
from pipeline.pictures import decode
from pipeline.shards import EMPTY_CAPTION, Record, read_shard
from pipeline.stream import Share, Source, Stream
from pipeline.vlm import VisionLanguageModel
from tests.shard_files import Row, noise, rows_of, write_parquet, write_tar

MAX_PIXELS = 10_000
ROWS: list[Row] = [
    *rows_of(3),
    ("x", "", noise(7)),
    ("y", "a page", b"<html>"),
    ("z", "vast", noise(8, (200, 200))),
    *rows_of(2, 5),
]


class Tower:
    """Mean colours [3, 2] of each picture; counts what it sees."""

    def __init__(self) -> None:
        self.seen = 0

    def __call__(self, pictures: Sequence[Image.Image]) -> Tensor:
        """B pictures -> [B, 3, 2]."""
        self.seen += len(pictures)
        means = [torch.tensor(picture.resize((1, 1)).getpixel((0, 0)), dtype=torch.float32) for picture in pictures]
        return torch.stack([torch.stack([mean, mean / 3]) for mean in means]).transpose(1, 2)


@pytest.fixture
def source(tmp_path: Path) -> Source:
    """A tar and a Parquet with good and bad records."""
    return Source(
        "mine",
        [write_tar(tmp_path / "00000.tar", ROWS), write_parquet(tmp_path / "00001.parquet", rows_of(4, 20))],
        1.0,
    )


def test_a_feature_shard_has_a_row_for_every_record(source: Source, tmp_path: Path) -> None:
    """Captions and reasons where they were; features as float16, in their shape."""
    tower = Tower()
    write_features(source, tmp_path / "f", tower, MAX_PIXELS, Share(0))
    assert tower.seen == 9
    before, after = (
        list(read_shard(source.shards[0])),
        list(read_shard(feature_source(source, tmp_path / "f").shards[0])),
    )
    assert [item for item in after if isinstance(item, str)] == [EMPTY_CAPTION, "not_an_image", "too_many_pixels"]
    for old, new in zip(before, after, strict=True):
        if isinstance(new, Record) and isinstance(old, Record):
            assert (new.key, new.caption, new.shape) == (old.key, old.caption, (3, 2))
    good = [item for item in after if isinstance(item, Record)]
    found = torch.frombuffer(bytearray(good[3].picture), dtype=torch.float16).view(3, 2)
    pictures = [decode(item.picture, MAX_PIXELS) for item in before if isinstance(item, Record)]
    kept = [picture for picture in pictures if isinstance(picture, Image.Image)]
    assert torch.equal(found, tower(kept)[3].half())


def test_the_tower_sees_each_shard_once(source: Source, tmp_path: Path) -> None:
    """A second run finds what the first wrote; a shard written anew is seen anew, and no other."""
    tower = Tower()
    for _ in range(2):
        write_features(source, tmp_path / "f", tower, MAX_PIXELS, Share(0))
    assert tower.seen == 9
    write_parquet(source.shards[1], rows_of(3, 40))
    write_features(source, tmp_path / "f", tower, MAX_PIXELS, Share(0))
    assert tower.seen == 12
    captions = [
        item.caption
        for item in read_shard(feature_source(source, tmp_path / "f").shards[1])
        if isinstance(item, Record)
    ]
    assert captions == [f"picture number {n}" for n in (40, 41, 42)]


def test_processes_share_the_shards_out(source: Source, tmp_path: Path) -> None:
    """Each writes its own; together they write all."""
    towers = [Tower(), Tower()]
    for rank, tower in enumerate(towers):
        write_features(source, tmp_path / "f", tower, MAX_PIXELS, Share(0, rank, 2))
    assert [tower.seen for tower in towers] == [5, 4]
    assert all(path.is_file() for path in feature_source(source, tmp_path / "f").shards)


def test_the_stream_is_the_same_over_features(tmp_path: Path, tiny_vlm: VisionLanguageModel) -> None:
    """The same captions in the same order, and the same features but for float16."""
    shards = [write_tar(tmp_path / f"{n}.tar", rows_of(4, 4 * n)) for n in range(2)]
    source = Source("a", shards, 1.0)
    write_features(
        source, tmp_path / "f", lambda pictures: tiny_vlm.features(tiny_vlm.preprocess(pictures)), MAX_PIXELS, Share(0)
    )
    pairs = Pairs(tiny_vlm, 20, MAX_PIXELS)
    with ThreadPoolExecutor(1) as pool:
        streams: list[Stream[Tensor]] = [
            Stream(each, Share(3), 3, pairs.decode) for each in (source, feature_source(source, tmp_path / "f"))
        ]
        seen, stored = (pairs.examples(stream.take(8, pool)) for stream in streams)
    assert [example.answer for example in seen] == [example.answer for example in stored]
    for one, other in zip(seen, stored, strict=True):
        assert torch.equal(other.features, other.features.half().float())
        torch.testing.assert_close(other.features, one.features, rtol=1e-2, atol=1e-2)


def test_another_tower_has_another_digest(model_params: ModelParams, tmp_path: Path) -> None:
    """So have other pixels or image tokens of the same tower, and a frozen Q-Former behind it; what comes later has no part."""
    weights, pixels = tmp_path / "weights", tmp_path / "pixels"
    for folder in (weights, pixels):
        shutil.copytree(model_params.vision, folder)
    save_file({"other": torch.zeros(3)}, weights / "model.safetensors")
    save_pixel_format(pixels, side=224, mean=(0.4, 0.4, 0.4), std=(0.5, 0.5, 0.5))
    other: list[dict[str, object]] = [{"vision": weights}, {"vision": pixels}, {"pyramid": [1]}, {"qformer": weights}]
    same: list[dict[str, object]] = [{"llm": weights}, {"qformer": weights, "train_qformer": True}]
    digests = [tower_digest(model_params.model_copy(update=change)) for change in (*other, *same)]
    assert len({tower_digest(model_params), *digests[:4]}) == 5
    assert set(digests[4:]) == {tower_digest(model_params)}
