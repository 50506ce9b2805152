"""img2dataset in a process of its own: what it leaves unsaid, what it dies of, and when it hangs."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.errors import JobError
from pipeline.fetch.attempt import NO_RECORD, Answers, Reach, fetch_addresses
from pipeline.fetch.failures import Failure
from pipeline.fetch.log import Ended
from pipeline.params import DownloadParams, load_params
from tests.pipeline.misbehaving import JPEG, Handler, Server, sends, serving


@pytest.fixture(scope="module")
def params(root: Path) -> DownloadParams:
    """Shards of two addresses, and little patience."""
    update = {"shard_rows": 2, "threads": 2, "timeout": 30, "total_timeout": 60, "retries": 0, "shard_deadline": 3}
    return load_params("embedded", root).download.model_copy(update=update)


def fetch(urls: dict[str, str], work: Path, params: DownloadParams, *trusted: str) -> dict[str, bytes | Failure]:
    """Every answer by key, a picture as its bytes."""
    ends: dict[str, bytes | Failure] = {}
    for answers in fetch_addresses(urls, work, params, Reach(trusted), watch=lambda _: None):
        assert not ends.keys() & answers.keys()
        ends |= read(answers)
    assert list(work.iterdir()) == []
    return ends


def read(answers: Answers) -> dict[str, bytes | Failure]:
    """The bytes in place of the files."""
    return {key: each if isinstance(each, Failure) else each.read_bytes() for key, each in answers.items()}


def hangs_once(handler: Handler) -> None:
    """Say nothing for as long as the server lives, the first time."""
    if handler.server.asked[handler.path] == 1:
        handler.server.stopping.wait()
    sends(JPEG)(handler)


def hangs(handler: Handler) -> None:
    """Say nothing for as long as the server lives."""
    handler.server.stopping.wait()


def test_a_shard_that_hangs_is_fetched_again_and_fails_the_second_time(params: DownloadParams, tmp_path: Path) -> None:
    """What had come by then is not asked again; the shards behind it are not lost."""
    with serving({"/1": hangs_once, "/3": hangs}) as server:
        urls = {str(number): f"http://{server.address}/{number}" for number in range(6)}
        ends = fetch(urls, tmp_path, params, server.address)
        asked = dict(server.asked)
    late = ends.pop("3")
    assert isinstance(late, Failure)
    assert late.rule == "timeout"
    assert late.reason == "its shard was stopped twice: no answer for 3 s (download.shard_deadline)"
    assert ends == dict.fromkeys("01245", JPEG)
    assert asked == {"/0": 1, "/1": 2, "/2": 1, "/3": 2, "/4": 1, "/5": 1}


@pytest.fixture
def img2dataset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The main module of a package that the child process imports in img2dataset's place; a test writes its source."""
    folder = tmp_path / "modules/img2dataset"
    folder.mkdir(parents=True)
    (folder / "__init__.py").touch()
    (folder / "downloader.py").write_text("def is_disallowed(*_): return False")  # what the guard takes from it
    monkeypatch.setenv("PYTHONPATH", str(folder.parent))
    return folder / "main.py"


def test_an_error_of_img2dataset_itself_is_a_line_with_its_last_words(
    img2dataset: Path, params: DownloadParams, tmp_path: Path
) -> None:
    """A broken installation is not a failed row."""
    img2dataset.write_text("raise ImportError('libGL.so.1 is missing')")
    (tmp_path / "work").mkdir()
    with pytest.raises(JobError, match=r"img2dataset ended with code 1: ImportError: libGL\.so\.1 is missing"):
        fetch({"a": "http://example.invalid/a.png"}, tmp_path / "work", params)


def test_addresses_of_which_img2dataset_says_nothing_are_missing(
    img2dataset: Path, params: DownloadParams, tmp_path: Path
) -> None:
    """It ends well, having done nothing."""
    img2dataset.write_text("class Downloader: pass\ndef download(**arguments): print(arguments)")
    (tmp_path / "work").mkdir()
    urls = {key: f"http://example.invalid/{key}.png" for key in "abc"}
    assert fetch(urls, tmp_path / "work", params) == dict.fromkeys("abc", NO_RECORD)


@pytest.fixture
def slow_server() -> Iterator[Server]:
    """Pictures, each after a while."""

    def dawdles(handler: Handler) -> None:
        time.sleep(0.05)
        sends(JPEG)(handler)

    with serving({f"/{number}": dawdles for number in range(60)}) as server:
        yield server


def test_what_came_before_the_watch_raises_is_handed_over_first(
    params: DownloadParams, tmp_path: Path, slow_server: Server
) -> None:
    """Also out of the shard in hand; then the error, and nothing of img2dataset is left."""
    seen: list[str] = []

    def watch(ended: Ended) -> None:
        seen.append(ended.url)
        if len(seen) == 5:
            raise JobError("enough")

    urls = {str(number): f"http://{slow_server.address}/{number}" for number in range(60)}
    ends: dict[str, bytes | Failure] = {}
    one_shard = params.model_copy(update={"shard_rows": 60})
    stopped = fetch_addresses(urls, tmp_path, one_shard, Reach((slow_server.address,)), watch)
    with pytest.raises(JobError, match="enough"):
        ends.update(item for answers in stopped for item in read(answers).items())
    assert 3 <= len(ends) < 60
    assert set(ends.values()) == {JPEG}
    assert list(tmp_path.iterdir()) == []
