"""Stage 1 on shards that real img2dataset wrote: trained, killed, resumed; alone and in two processes."""

from __future__ import annotations

import csv
import json
import random
import re
import shutil
import subprocess
import sys
import tarfile
import time
from collections.abc import Sequence
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
import yaml
from PIL import Image
from safetensors.torch import load_file, save_file

from pipeline.files import sha256_file
from pipeline.shard_trainer import ShardTrainer
from pipeline.shards import Record, find_shards, read_shard
from pipeline.vlm import VisionLanguageModel
from stages import pretrain
from tests.pipeline.misbehaving import says, sends, serving
from tests.processes import codes, start
from tests.shard_files import noise, write_source
from tests.smoke import save_random_vision
from tests.tiny import save_tiny_llm

ARGUMENTS = ["--profile", "smoke"]
MODEL = Path("models/smoke")
PAIRS, ROWS = 20, 5  # of each source, of each of its shards
DEAD = (3, 23)  # addresses that answer 404, one of each source


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory, root: Path) -> Path:
    """Two folders of four shards, `webdataset` and `parquet`, as img2dataset fetched them."""
    folder = tmp_path_factory.mktemp("shards")
    calls = []
    answers = {f"/{number}.jpg": sends(noise(number, (40, 30))) for number in range(2 * PAIRS)}
    answers |= {f"/{number}.jpg": says(404) for number in DEAD}
    with serving(answers) as server:
        for index, kind in enumerate(("webdataset", "parquet")):
            numbers = range(index * PAIRS, (index + 1) * PAIRS)
            rows = [{"url": f"http://{server.address}/{n}.jpg", "caption": f"A Picture, number {n}!"} for n in numbers]
            pq.write_table(pa.Table.from_pylist(rows), folder / f"{kind}.parquet")
            calls.append(
                json.dumps(
                    {
                        "url_list": str(folder / f"{kind}.parquet"),
                        "input_format": "parquet",
                        "url_col": "url",
                        "caption_col": "caption",
                        "output_folder": str(folder / kind),
                        "output_format": kind,
                        "number_sample_per_shard": ROWS,
                        "image_size": 32,
                        "processes_count": 1,
                        "thread_count": 4,
                        "enable_wandb": False,
                    }
                )
            )
        command = [sys.executable, "-m", "tests.pipeline.shard_writer", *calls]
        subprocess.run(command, cwd=root, check=True, capture_output=True)
    return folder


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny models."""
    folder = tmp_path_factory.mktemp("models")
    save_random_vision(folder / "vision")
    tensors = load_file(folder / "vision/model.safetensors")
    torch.nn.init.normal_(tensors["bn1.weight"], std=1e9)  # an untrained tower's features are as small as 1e-9
    save_file(tensors, folder / "vision/model.safetensors", {"format": "pt"})
    save_tiny_llm(folder / "llm")
    return folder


def settle(folder: Path, written: Path, models: Path) -> Path:
    """Make `folder` a place where the smoke profile learns from the shards; returns it."""
    shutil.copytree(Path(__file__).parents[2] / "profiles", folder / "profiles")
    shards = {
        "sources": [
            {"name": "laion", "path": str(written / "webdataset"), "weight": 115},
            {"name": "cc_sbu", "path": str(written / "parquet"), "weight": 14},
        ],
        "shuffle_buffer": 6,
        "features": str(models / "features"),  # so that a step takes little
        "accumulation": 2,
        "mixed_precision": None,
        "samples": 2,
        "samples_every": 4,
    }
    bare = {"bare_steps": 12, "prompt_steps": 0, "ridge": None, "feature_dropout": 0.0, "contrast": None}
    change(folder, model={"vision": str(models / "vision"), "llm": str(models / "llm")})
    change(folder, pretrain={**bare, "batch_size": 8, "checkpoint_every": 4, "judged_pictures": 6, "shards": shards})
    return folder


@pytest.fixture
def place(workplace: Path, written: Path, models: Path) -> Path:
    """Such a place, which is the current folder."""
    shutil.rmtree(workplace / "profiles")
    return settle(workplace, written, models)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, written: Path, models: Path) -> Path:
    """A place where one process has trained, uninterrupted."""
    folder = settle(tmp_path_factory.mktemp("finished"), written, models)
    assert codes(start(folder, ARGUMENTS)) == [0], (folder / "said-0").read_text(encoding="utf-8")
    return folder


def change(folder: Path, **sections: dict[str, Any]) -> None:
    """Set params of the smoke profile in `folder`."""
    profile = folder / "profiles/smoke.yaml"
    params = yaml.safe_load(profile.read_text(encoding="utf-8"))
    for name, values in sections.items():
        params[name].update(values)
    profile.write_text(yaml.safe_dump(params), encoding="utf-8")


def change_shards(folder: Path, **values: object) -> None:
    """Set keys of pretrain.shards."""
    profile = folder / "profiles/smoke.yaml"
    shards = yaml.safe_load(profile.read_text(encoding="utf-8"))["pretrain"]["shards"]
    change(folder, pretrain={"shards": {**shards, **values}})


def curve(folder: Path) -> list[dict[str, str]]:
    """The lines of loss.csv; none where it is not there yet."""
    path = folder / MODEL / "loss.csv"
    return list(csv.DictReader(path.read_text(encoding="utf-8").splitlines())) if path.exists() else []


def kill_at(folder: Path, processes: Sequence[ForkServerProcess], step: int) -> None:
    """kill -9 to all as soon as the step is done."""
    while not (lines := curve(folder)) or int(lines[-1]["step"]) < step:
        assert all(process.is_alive() for process in processes), (folder / "said-0").read_text(encoding="utf-8")
        time.sleep(0.002)
    for process in processes:
        process.kill()
    codes(processes)


def results(folder: Path) -> dict[str, str]:
    """Digests of the weights, the curve and the samples."""
    return {path.name: sha256_file(path) for path in (folder / MODEL).iterdir() if path.name != "record.json"}


def record(folder: Path) -> dict[str, Any]:
    """The training record."""
    found: dict[str, Any] = json.loads((folder / MODEL / "record.json").read_text(encoding="utf-8"))
    return found


def test_img2dataset_s_own_shards_are_read(written: Path) -> None:
    """Both formats: every picture that came, with its caption; a dead link has a row in Parquet, and none in a tar."""
    for index, kind in enumerate(("webdataset", "parquet")):
        items = [item for shard in find_shards(written / kind) for item in read_shard(shard)]
        pairs = {item.caption: item.picture for item in items if isinstance(item, Record)}
        numbers = set(range(index * PAIRS, (index + 1) * PAIRS)) - set(DEAD)
        assert set(pairs) == {f"a picture, number {n}" for n in numbers}
        assert all(picture[:2] == b"\xff\xd8" for picture in pairs.values())
        assert [item for item in items if isinstance(item, str)] == ["no_picture"] * index


def assert_same_run(place: Path, expected: dict[str, str], told: dict[str, Any]) -> None:
    """Weights, curve and samples are the same bytes; so is what was measured and counted."""
    assert set(expected) == {"config.json", "model.safetensors", "loss.csv", "loss.png", "samples.txt"}
    assert results(place) == expected
    again = record(place)
    for key in ("sources", "heldout", "grounding", "processes"):
        assert again[key] == told[key]


def test_killed_and_resumed_it_ends_with_the_same_bytes(place: Path, finished: Path) -> None:
    """kill -9 at a random step, the same command again; against a run that nothing interrupted."""
    kill_at(place, start(place, ARGUMENTS), random.Random().randrange(1, 12))
    assert not (place / MODEL / "model.safetensors").exists()
    assert codes(start(place, ARGUMENTS)) == [0]
    assert_same_run(place, results(finished), record(finished))
    assert sum(source["pairs"] for source in record(place)["sources"].values()) == 12 * 8


def test_what_is_trained_to_the_end_is_not_trained_again(
    place: Path, finished: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Interrupted behind its last step, it comes back to write the result, with the same counts and figures."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(VisionLanguageModel, "save_pretrained", interrupt)
        assert pretrain.main(ARGUMENTS) == 1
    monkeypatch.setattr(ShardTrainer, "train", interrupt)
    assert pretrain.main(ARGUMENTS) == 0
    assert_same_run(place, results(finished), record(finished))


def test_two_processes_are_killed_and_resumed(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As one is. Meanwhile one process alone does not take up what two began: each has its own place in the stream."""
    assert codes(start(place, ARGUMENTS, 2)) == [0, 0], Path("said-0").read_text(encoding="utf-8")
    expected, told = results(place), record(place)
    assert told["processes"] == 2
    assert sum(source["pairs"] for source in told["sources"].values()) == 12 * 8
    shutil.rmtree(place / MODEL)
    kill_at(place, start(place, ARGUMENTS, 2), random.Random().randrange(5, 12))
    assert pretrain.main(ARGUMENTS) == 1
    line = capsys.readouterr().err.strip().splitlines()[-1]
    assert re.search(r"checkpoint-[48] is of 2 processes, and this run has 1: start as many, or remove \.work/", line)
    assert codes(start(place, ARGUMENTS, 2)) == [0, 0]
    assert_same_run(place, expected, told)


def test_the_record_holds_the_loss_on_held_out_pairs(finished: Path) -> None:
    """Pairs of the last shards, by weight, with grounding figures; and what was read of each source."""
    told = record(finished)
    assert told["heldout"]["pairs"] == 5 + 1  # of 115 to 14, and at least one of each
    losses = [entry["eval_loss"] for entry in told["log"] if "eval_loss" in entry]
    assert told["heldout"]["loss"] == losses[-1] < losses[0]
    assert told["grounding"]["pictures"] == 6
    assert told["sources"]["laion"]["pairs"] > told["sources"]["cc_sbu"]["pairs"]
    assert told["params"]["shards"]["sources"][0]["weight"] == 115
    assert not (finished / ".work/smoke/pretrain").exists()


def test_one_can_watch_it(finished: Path) -> None:
    """A line for each step with its rate, the held-out loss at each checkpoint, the curves, samples with the human captions."""
    lines = curve(finished)
    assert [int(line["step"]) for line in lines] == list(range(1, 13))
    assert [float(line["learning_rate"]) for line in lines][:2] == pytest.approx([1e-6, 0.0009847], rel=1e-3)
    assert [int(line["step"]) for line in lines if line["heldout_loss"]] == [4, 8, 12]
    assert float(lines[-1]["heldout_loss"]) == record(finished)["heldout"]["loss"]
    with Image.open(finished / MODEL / "loss.png") as image:
        image.load()
    blocks = (finished / MODEL / "samples.txt").read_text(encoding="utf-8").split("\n\n")
    assert [block.splitlines()[0] for block in blocks] == ["step 4", "step 8", "step 12"]
    for block in blocks:
        assert [line.partition(" | ")[0].rstrip("0123456789") for line in block.splitlines()[1:3]] == [
            "  a picture, number "
        ] * 2


def test_pictures_are_seen_on_the_way_where_no_features_are_kept(
    place: Path, finished: Path, written: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same pairs and, but for float16, the same losses; what a torn shard lost is in the record and on the screen."""
    change_shards(place, features=None)
    change(place, pretrain={"bare_steps": 2, "checkpoint_every": 1})
    assert pretrain.main(ARGUMENTS) == 0
    seen = [float(line["loss"]) for line in curve(place)]
    assert seen == pytest.approx([float(line["loss"]) for line in curve(finished)[:2]], rel=1e-3)
    assert not any("features" in str(path) for path in place.rglob("*"))

    shutil.copytree(written / "webdataset", "torn")
    for shard in find_shards(Path("torn"))[:3]:
        with tarfile.open(shard) as tar:
            third = tar.getmembers()[2 * 3].offset  # a record has three members
        shard.write_bytes(shard.read_bytes()[: third + tarfile.BLOCKSIZE])
    change_shards(place, sources=[{"name": "torn", "path": "torn", "weight": 1}], mixed_precision="bfloat16")
    capsys.readouterr()
    assert pretrain.main(ARGUMENTS) == 0
    skipped = record(place)["sources"]["torn"]["skipped"]
    assert skipped["torn_shard"] * 4 > skipped["lost_record"] > skipped["torn_shard"] >= 3
    (line,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("pretrain: torn:")]
    assert (
        line
        == f"pretrain: torn: 16 pairs used, {sum(skipped.values())} records passed over ({skipped['lost_record']} lost_record, {skipped['torn_shard']} torn_shard)"
    )


@pytest.mark.parametrize(
    ("shards", "params", "code", "message"),
    [
        ({"accumulation": 3}, {}, 2, "batch_size 8 cannot be dealt out evenly: it must be a multiple of pretrain.shards.accumulation (3) times the number of processes (1)"),
        ({"sources": [{"name": "a", "path": "nowhere", "weight": 1}]}, {}, 1, "nowhere is no folder of shards"),
        ({"sources": [{"name": "a", "path": "one", "weight": 1}]}, {}, 1, "one holds 1 shards, and 2 are needed"),
        ({}, {"distractors": 6}, 1, "6 unseen pictures give only 5 wrong captions"),
        ({}, {"ridge": 10.0, "end_mark": True}, 2, "pretrain.shards goes without pretrain.end_mark, pretrain.ridge"),
        ({"sources": [{"name": "a", "path": "x", "weight": 1}, {"name": "a", "path": "y", "weight": 1}]}, {}, 2, "must have different names"),
        ({"sources": [{"name": "a", "path": "x", "weight": 0}]}, {}, 2, "pretrain.shards.sources.0.weight"),
    ],
    ids=["batch", "no folder", "one shard", "too few to judge", "not the paper's", "names", "weight"],
)  # fmt: skip
def test_what_cannot_be_trained_is_one_line(
    place: Path,
    capsys: pytest.CaptureFixture[str],
    shards: dict[str, object],
    params: dict[str, object],
    code: int,
    message: str,
) -> None:
    """It names the key or the folder, and the mend."""
    write_source(place / "one", 1, 3)
    change_shards(place, **shards)
    change(place, pretrain=params)
    assert pretrain.main(ARGUMENTS) == code
    line = capsys.readouterr().err.strip().splitlines()[-1]
    assert line.startswith("pairmill: error: ")
    assert message in line
    assert not (place / MODEL).exists()
