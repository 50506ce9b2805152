"""Exactly as many pictures as are wanted, whatever is dead, doubled or broken; and what a dead network leaves behind."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Mapping
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import yaml
from PIL import Image

from pipeline.errors import JobError, UsageError
from pipeline.fetch.cliff import WINDOW, NetworkDownError
from pipeline.fetch.rounds import DOWNLOADED
from pipeline.order import key_of
from pipeline.params import Params, load_params
from pipeline.parquet import list_shards, read_table
from stages import corpus, sample
from stages.download import download
from tests.pipeline.misbehaving import Server, closed_port, encoded, sends, serving
from tests.pipeline.picture_server import answers, candidates, picture
from tests.shard_files import write_tar


@pytest.fixture(scope="module")
def params(root: Path) -> Params:
    """The smoke profile, with shards of forty rows and no second tries."""
    loaded = load_params("smoke", root)
    return with_download(loaded, shard_rows=40, threads=16, per_host=16, retries=0)


def with_download(params: Params, **changed: object) -> Params:
    """Other params of the section download."""
    return params.model_copy(update={"download": params.download.model_copy(update=changed)})


def wanting(params: Params, pictures: int, heldout: int = 1) -> Params:
    """Other numbers of pictures."""
    sample = params.sample.model_copy(update={"pictures": pictures, "heldout": heldout})
    return params.model_copy(update={"sample": sample})


def run(params: Params, folder: Path, urls: Mapping[str, list[str]], server: Server) -> None:
    """The stage over these addresses."""
    samples = {name: candidates(listed) for name, listed in urls.items()}
    download(params, samples, outputs=folder, work=folder / "work", trusted=[server.address])


def rows(folder: Path, name: str = "curate") -> list[dict[str, Any]]:
    """All rows in order."""
    return [row for path in list_shards(folder / "download" / name) for row in read_table(path).to_pylist()]


def account(folder: Path, name: str = "curate") -> dict[str, Any]:
    """The account of a sample."""
    loaded: dict[str, Any] = json.loads((folder / f"account/{name}.json").read_text())
    return loaded


def sampled(workplace: Path, lines: list[str]) -> dict[str, pa.Table]:
    """The samples that the stages before draw from a TSV of these lines."""
    (workplace / "cc.tsv").write_text("".join(lines), encoding="utf-8")
    assert corpus.main(["--profile", "web"]) == 0
    assert sample.main(["--profile", "web"]) == 0
    return {name: read_table(workplace / f"outputs/web/sample/{name}.parquet") for name in ("curate", "evaluate")}


def test_three_hundred_pictures_from_a_list_of_which_a_third_is_dead(params: Params, workplace: Path) -> None:
    """Exactly so many, the same whatever the list's order; every candidate drawn has one row, and is asked once."""
    profile = yaml.safe_load((workplace / "profiles/smoke.yaml").read_text())
    profile["corpus"] |= {"source": "tsv", "path": "cc.tsv", "splits": {"pretrain": 0, "curate": 0.9, "evaluate": 0.1}}
    profile["sample"] |= {"pictures": 300, "heldout": 20}
    (workplace / "profiles/web.yaml").write_text(yaml.safe_dump(profile))
    dead = set(random.Random(2).sample(range(1000), 350))
    with serving(answers(1000, dead)) as server:
        lines = [f"picture number {number}\thttp://{server.address}/{number}\n" for number in range(1000)]
        samples = sampled(workplace, lines)
        assert sampled(workplace, random.Random(1).sample(lines, len(lines))) == samples
        outputs = workplace / "outputs/web"
        wanted = wanting(params, 300, 20)
        download(wanted, samples, outputs=outputs, work=workplace / ".work/web", trusted=[server.address])
        asked = Counter(server.asked)
    for name, pictures in (("curate", 300), ("evaluate", 20)):
        check_exact(rows(outputs, name), samples[name]["url"].to_pylist(), pictures, dead)
        told = account(outputs, name)
        assert (told["wanted"], told["pictures"], told["drawn"]) == (pictures, pictures, len(rows(outputs, name)))
        assert sum(each["rows"] for each in told["lost"]) == told["drawn"] - pictures
        assert told["rounds"][0] == {"drawn": pictures, "share": None, "good": told["rounds"][0]["good"]}
        assert sum(each["drawn"] for each in told["rounds"]) == told["drawn"] <= samples[name].num_rows
    assert set(asked.values()) == {1}
    assert sum(asked.values()) == len(rows(outputs)) + len(rows(outputs, "evaluate"))
    assert not (workplace / ".work/web").exists()


def check_exact(found: list[dict[str, Any]], order: list[str], pictures: int, dead: set[int]) -> None:
    """The first candidates of the order: as many as are wanted of the first that live, and why each other is none."""
    assert [row["url"] for row in found] == order[: len(found)]
    numbers = [int(url.rpartition("/")[2]) for url in order]
    good = [number for number in numbers if number not in dead][:pictures]
    assert [int(row["url"].rpartition("/")[2]) for row in found if row["outcome"] is None] == good
    assert {row["rule"] for row in found if row["outcome"] == "failed"} <= {"http_404", "reset", "not_an_image"}
    assert {row["rule"] for row in found if row["outcome"] == "rejected"} <= {"surplus"}


def test_a_used_up_list_gives_what_it_has_and_a_longer_one_goes_on_from_there(
    params: Params, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Fewer pictures are no error, but no secret; with more candidates only those are asked for."""
    with serving(answers(12, dead=[0, 4])) as server:
        urls = [f"http://{server.address}/{number}" for number in range(12)]
        run(wanting(params, 8), tmp_path, {"curate": urls[:9]}, server)
        captured = capsys.readouterr()
        assert account(tmp_path)["pictures"] == 7
        run(wanting(params, 8), tmp_path, {"curate": urls}, server)
        assert set(server.asked.values()) == {1}
    assert "download curate: 7 pictures from 9 candidates, 9 of them asked for in this run" in captured.out
    assert "8 were wanted, but all 9 candidates are used up; raise sample.tries, or bring more" in captured.err
    assert account(tmp_path)["pictures"] == 8
    assert not (tmp_path / "work").exists()


def test_a_picture_is_taken_once(params: Params, tmp_path: Path) -> None:
    """Equal bytes, a re-encoded and a shrunken copy name the first; a held-out picture is none that is curated."""
    original = picture(0)
    image = Image.open(BytesIO(original))
    served = {
        "/0": sends(original),
        "/same": sends(original),
        "/re-encoded": sends(encoded(image, "JPEG", quality=60)),
        "/png": sends(encoded(image)),
        "/shrunken": sends(encoded(image.resize((48, 36), Image.Resampling.LANCZOS))),
        "/other": sends(picture(1)),
        "/heldout": sends(picture(2)),
    }
    with serving(served) as server:
        base = f"http://{server.address}"
        lists = {
            "curate": [f"{base}{path}" for path in served if path != "/heldout"],
            "evaluate": [f"{base}/0?again", f"{base}/heldout"],
        }
        server.answers["/0?again"] = sends(original)
        run(wanting(params, 6, 2), tmp_path, lists, server)
    first = key_of(f"{base}/0")
    found = {row["url"].removeprefix(base): row for name in lists for row in rows(tmp_path, name)}
    assert {path for path, row in found.items() if row["outcome"] is None} == {"/0", "/other", "/heldout"}
    for path in ("/same", "/re-encoded", "/png", "/shrunken", "/0?again"):
        row = found[path]
        assert (row["outcome"], row["stage"], row["rule"]) == ("rejected", "download", "duplicate")
        assert row["reason"].endswith(first)
        assert row["image"] is not None
    assert found["/same"]["value"] == 0.0
    assert found["/same"]["source_sha256"] == found["/0"]["source_sha256"]


def test_a_dead_network_stops_the_run_and_a_later_one_goes_on(params: Params, tmp_path: Path) -> None:
    """What came and what is settled is not asked again; what the network lost is."""
    lists = answers(200, dead=[3])
    with serving(lists) as server:
        port = server.server_port
        first = [f"http://{server.address}/{number}" for number in range(40)]
        gone = f"http://127.0.0.1:{closed_port()}"
        # The first shard comes, then nobody answers any more: a name that is asked through a port that closes.
        urls = first + [f"{gone}/{number}" for number in range(40, 40 + 2 * WINDOW)]
        samples = {"curate": candidates(urls)}
        wanted = wanting(params, len(urls))
        trusted = [server.address, gone.removeprefix("http://")]
        with pytest.raises(NetworkDownError, match=r"the network seems to be down: \d+ of the last 50 addresses"):
            download(wanted, samples, outputs=tmp_path, work=tmp_path / "work", trusted=trusted)
        assert not (tmp_path / "download").exists()
        asked = Counter(server.asked)
        assert set(asked) == {f"/{number}" for number in range(40)}
    with serving(lists, port=int(gone.rpartition(":")[2])) as back, serving(lists, port=port) as server:
        download(wanted, samples, outputs=tmp_path, work=tmp_path / "work", trusted=trusted)
        assert not server.asked  # settled, the 404 included
        assert set(back.asked) == {f"/{number}" for number in range(40, 140)}
    assert Counter(row["rule"] for row in rows(tmp_path)) == {None: 139, "http_404": 1}


def test_a_network_that_dies_in_small_rounds_is_noticed_over_them(params: Params, tmp_path: Path) -> None:
    """Of each round too few fail to tell; all that the network lost is asked again by the next run."""
    gone = f"127.0.0.1:{closed_port()}"
    with serving(answers(45)) as server:
        urls = [f"http://{server.address}/{number}" for number in range(45)]
        lost = [f"http://{gone}/{number}" for number in range(45, 400)]
        samples = {"curate": candidates([*urls, *lost])}
        trusted = [server.address, gone]
        wanted, work = wanting(params, 47), tmp_path / "work"
        with pytest.raises(NetworkDownError, match=r"of the last 50 addresses failed by refused"):
            download(wanted, samples, outputs=tmp_path, work=work, trusted=trusted)
        with serving(answers(400), port=int(gone.rpartition(":")[2])) as back:
            download(wanted, samples, outputs=tmp_path, work=work, trusted=trusted)
            assert back.asked["/45"] == back.asked["/46"] == 1
    assert [row["rule"] for row in rows(tmp_path)][:47] == [None] * 47


def test_another_folder_of_the_same_names_is_another_corpus(params: Params, tmp_path: Path) -> None:
    """What an unfinished run has read from one is never taken for a picture of the other."""
    for number, folder in enumerate(("one", "two")):
        write_tar(tmp_path / folder / "00000.tar", [("a", "a dog", picture(number))])
    for number, folder in enumerate(("one", "two")):
        corpus = params.corpus.model_copy(update={"path": tmp_path / folder})
        samples = {"curate": candidates(["shard:00000.tar#a", "shard:00000.tar#gone"])}
        given = wanting(params, 2).model_copy(update={"corpus": corpus})
        download(given, samples, outputs=tmp_path, work=tmp_path / "work")
        assert (tmp_path / "work/curate").exists()  # unfinished: two were wanted
        assert rows(tmp_path)[0]["source_sha256"] == sha256(picture(number)).hexdigest()


def test_a_sample_of_which_nothing_comes_is_an_error_and_is_asked_again(params: Params, tmp_path: Path) -> None:
    """One line with the causes and an example; no output, and nothing that a next run would take for settled."""
    with serving(answers(3, dead=range(3))) as server:
        urls = [f"http://{server.address}/{number}" for number in range(3)]
        for _ in range(2):
            with pytest.raises(JobError, match=r"curate: not one of 3 pictures could be had \(1 http_404, 1 reset"):
                run(wanting(params, 3), tmp_path, {"curate": urls}, server)
        assert server.asked == dict.fromkeys(["/0", "/1", "/2"], 2)
    assert not (tmp_path / "download").exists()


def test_pictures_that_somebody_has_downloaded_before_are_read_and_checked(params: Params, tmp_path: Path) -> None:
    """Out of webdataset shards, without a net: each as if it had been fetched, and what is bad fails alike."""
    stored = {"a": picture(1), "b": b"<html>gone</html>", "c": picture(2), "d": bytes(50_000), "e": picture(1)}
    rows_of_tar = [(key, f"picture {key}", data) for key, data in stored.items()]
    write_tar(tmp_path / "shards/00000.tar", rows_of_tar[:3])
    write_tar(tmp_path / "shards/00001.tar", rows_of_tar[3:])
    tars = {"a": "00000", "b": "00000", "c": "00000", "gone": "00000", "d": "00001", "e": "00001", "x": "00002"}
    samples = {"curate": candidates(f"shard:{tar}.tar#{key}" for key, tar in tars.items())}
    corpus = params.corpus.model_copy(update={"source": "webdataset", "path": tmp_path / "shards"})
    offline = with_download(wanting(params, 7), max_bytes=40_000, shard_rows=2)
    offline = offline.model_copy(update={"corpus": corpus})
    download(offline, samples, outputs=tmp_path, work=tmp_path / "work")
    found = {row["url"].rpartition("#")[2]: row for row in rows(tmp_path)}
    rules = {key: row["rule"] for key, row in found.items()}
    assert rules == {
        "a": None,
        "b": "not_an_image",
        "c": None,
        "gone": "not_stored",
        "d": "too_many_bytes",
        "e": "duplicate",
        "x": "not_stored",
    }
    assert found["a"]["source_sha256"] == sha256(stored["a"]).hexdigest()
    assert account(tmp_path)["bytes"] == 0  # nothing was asked for


def test_shards_depend_on_the_answers_alone(params: Params, tmp_path: Path) -> None:
    """Neither the number of processes and threads nor how the rounds fell shows in a byte."""
    with serving(answers(60, dead=range(0, 60, 7))) as server:
        urls = [f"http://{server.address}/{number}" for number in range(60)]
        for name, tuned in {"one": {"threads": 8}, "two": {"threads": 3, "processes": 2}}.items():
            run(wanting(with_download(params, **tuned), 45), tmp_path / name, {"curate": urls}, server)
    one, two = ([path.read_bytes() for path in list_shards(tmp_path / n / "download/curate")] for n in ("one", "two"))
    assert one == two
    assert read_table(tmp_path / "one/download/curate/part-00000.parquet").schema.equals(DOWNLOADED)


@pytest.mark.parametrize(
    ("urls", "error", "message"),
    [
        ([], JobError, "the sample curate is empty; run the stage sample again"),
        (["http://a.invalid/", "http://a.invalid/"], JobError, "1 keys more than once, first 6a091a76626fdb2a"),
        (["folder:a.png"], UsageError, "folder:a.png is a file here: set download.loopback to true"),
    ],
)
def test_a_sample_that_cannot_be_fetched_is_refused_before_anything_starts(
    urls: list[str], error: type[Exception], message: str, params: Params, tmp_path: Path
) -> None:
    """One line that says what to do."""
    offline = with_download(params, loopback=False)
    samples = {"curate": candidates(urls)}
    with pytest.raises(error, match=message):
        download(offline, samples, outputs=tmp_path / "out", work=tmp_path / "work")
    assert not (tmp_path / "out").exists()
