"""Real img2dataset against a server that misbehaves: every row ends once, with its picture or with the reason."""

from __future__ import annotations

import random
import time
from collections.abc import Iterable, Iterator
from hashlib import sha256
from pathlib import Path

import pyarrow as pa
import pytest

from pipeline.errors import JobError, UsageError
from pipeline.fetch.failures import failure_of
from pipeline.fetch.rounds import DOWNLOADED, fetch
from pipeline.params import DownloadParams, load_params
from pipeline.parquet import list_shards, read_table
from pipeline.runner import Counts
from pipeline.schema import CANDIDATE
from tests.pipeline.misbehaving import (
    JPEG,
    Handler,
    Server,
    closed_port,
    drawing,
    drips_headers,
    encoded,
    hangs,
    redirects,
    resets,
    says,
    sends,
    serving,
)


def key_of(url: str) -> str:
    """A row's key."""
    return sha256(url.encode()).hexdigest()[:16]


def table(urls: Iterable[str]) -> pa.Table:
    """A sample of these addresses."""
    rows = [{"key": key_of(url), "url": url, "caption": "a", "keywords": ["k"], "source": "s"} for url in urls]
    return pa.Table.from_pylist(rows, schema=CANDIDATE)


def shards(folder: Path) -> dict[str, bytes]:
    """The bytes of every shard."""
    return {path.name: path.read_bytes() for path in list_shards(folder)}


def rows(folder: Path) -> list[dict[str, object]]:
    """All rows in order."""
    return [row for path in list_shards(folder) for row in read_table(path).to_pylist()]


@pytest.fixture(scope="module")
def params(root: Path) -> DownloadParams:
    """Small shards and little patience, otherwise the embedded profile's params."""
    update = {"shard_rows": 8, "timeout": 3, "retries": 0, "shard_deadline": 60}
    return load_params("embedded", root).download.model_copy(update=update)


TRANSPARENT = encoded(drawing(mode="LA"))
BAD = {
    "/403": (says(403), "http_403", "HTTP Error 403: Forbidden"),
    "/404": (says(404), "http_404", "HTTP Error 404: Not Found"),
    "/410": (says(410), "http_4xx", "HTTP Error 410: Gone"),
    "/429": (says(429), "http_4xx", "HTTP Error 429: Too Many Requests"),
    "/503": (says(503), "http_5xx", "HTTP Error 503: Service Unavailable"),
    "/hang": (hangs, "timeout", "timed out"),
    "/reset": (resets, "reset", "Connection reset by peer"),
    "/html": (sends(b"<html>Sorry!</html>"), "not_an_image", "it begins with b'<html>Sorry!</ht'"),
    "/empty": (sends(b""), "not_an_image", "it begins with b''"),
    "/short": (sends(JPEG[:900], missing=500), "truncated", "IncompleteRead"),
    "/cut": (sends(JPEG[:-200]), "truncated", "image file is truncated"),
    "/tiny": (sends(encoded(drawing((8, 8)))), "too_small", "the shorter side has 8 of at least 32 pixels"),
    "/no-ai": (sends(JPEG, X_Robots_Tag="noai"), "disallowed", "disallowed by X-Robots-Tag directive"),
    "/to-file": (redirects("file:///etc/passwd"), "blocked_address", "'file:///etc/passwd' is not allowed"),
    "/to-self": (redirects("http://localhost:1/"), "blocked_address", "not a public address"),
}
ELSEWHERE = {
    "http://{closed}/": ("refused", "Connection refused"),
    "https://{server}/": ("tls", "SSL"),
    "http://10.0.0.1/": ("blocked_address", "10.0.0.1 is 10.0.0.1, not a public address"),
    "http://no-such-host.invalid/": ("dns", "urlopen error"),
    "file:///etc/passwd": ("blocked_address", "unknown url type: file"),
}
GOOD = {"/good.jpg": (256, 160), "/found": (256, 160), "/transparent.png": (96, 64)}


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """The misbehaving server."""
    answers = {path: answer for path, (answer, _, _) in BAD.items()}
    answers |= {"/found": redirects("/good.jpg"), "/transparent.png": sends(TRANSPARENT)}
    with serving(answers) as running:
        yield running


@pytest.fixture(scope="module")
def fetched(
    server: Server, params: DownloadParams, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, dict[str, object]]:
    """One run over good and bad addresses, mixed: the row that came out for each path of BAD, GOOD and ELSEWHERE."""
    folder = tmp_path_factory.mktemp("fetched")
    closed = f"127.0.0.1:{closed_port()}"
    names = [*BAD, *GOOD, *ELSEWHERE]
    random.Random(0).shuffle(names)
    places = {"closed": closed, "server": server.address}
    urls = [name.format(**places) if name in ELSEWHERE else f"http://{server.address}{name}" for name in names]
    counts = fetch(table(urls), folder / "out", work=folder / "work", params=params, trusted=places.values())
    assert counts == Counts(rows=len(names), failed=len(BAD) + len(ELSEWHERE))
    assert [path.name for path in list_shards(folder / "out")] == [f"part-{n:05d}.parquet" for n in range(3)]
    assert read_table(folder / "out/part-00000.parquet").schema.equals(DOWNLOADED)
    assert not (folder / "work").exists()
    out = rows(folder / "out")
    assert [row["url"] for row in out] == urls  # each once, in the order in which they went in
    return dict(zip(names, out, strict=True))


@pytest.mark.parametrize(("path", "size"), GOOD.items())
def test_a_good_picture_is_stored_with_its_size_and_digest(
    fetched: dict[str, dict[str, object]], path: str, size: tuple[int, int]
) -> None:
    """The row is alive: a JPEG under its key's name, and none of the outcome columns."""
    row = fetched[path]
    image = row["image"]
    assert isinstance(image, dict)
    assert image["path"] == f"{row['key']}.jpg"
    assert row["sha256"] == sha256(image["bytes"]).hexdigest()
    assert (row["width"], row["height"]) == size
    assert [row[name] for name in ("outcome", "stage", "rule", "reason", "value")] == [None] * 5
    assert (row["caption"], row["keywords"], row["source"]) == ("a", ["k"], "s")


@pytest.mark.parametrize(
    ("name", "rule", "reason"),
    [*((path, *why) for path, (_, *why) in BAD.items()), *((url, *why) for url, why in ELSEWHERE.items())],
)
def test_a_bad_answer_fails_its_row_with_rule_and_reason(
    fetched: dict[str, dict[str, object]], name: str, rule: str, reason: str
) -> None:
    """Each kind of misbehaviour has a rule, and the original message says more; no picture is kept."""
    row = fetched[name]
    assert (row["outcome"], row["stage"], row["rule"]) == ("failed", "download", rule)
    assert reason in str(row["reason"])
    assert [row[column] for column in ("image", "width", "height", "sha256")] == [None] * 4


def dawdles(handler: Handler) -> None:
    """A picture, after a while that differs from request to request."""
    time.sleep(random.random() / 4)
    sends(JPEG)(handler)


def test_equal_answers_give_equal_bytes(params: DownloadParams, tmp_path: Path) -> None:
    """Neither the order in which pictures came nor the number of processes and threads shows in the shards."""
    paths = [f"/{number}" for number in range(11)]
    with serving({**dict.fromkeys(paths, dawdles), "/3": says(404)}) as server:
        sample = table(f"http://{server.address}{path}" for path in paths)
        for name, update in {"one": {"threads": 8}, "two": {"threads": 3, "processes": 2}}.items():
            tuned = params.model_copy(update=update)
            fetch(sample, tmp_path / name, work=tmp_path / "work" / name, params=tuned, trusted=[server.address])
    assert shards(tmp_path / "one") == shards(tmp_path / "two")
    assert [row["rule"] for row in rows(tmp_path / "one")] == [None] * 3 + ["http_404"] + [None] * 7


def test_a_hung_shard_is_stopped_and_the_others_are_fetched(params: DownloadParams, tmp_path: Path) -> None:
    """What it had fetched is kept, the rest of it is failed as too late, and the next shards are done anew."""
    impatient = params.model_copy(update={"shard_rows": 2, "shard_deadline": 5})
    paths = ["/a", "/b", "/c", "/drip", "/e", "/f"]
    with serving({"/drip": drips_headers}) as server:
        sample = table(f"http://{server.address}{path}" for path in paths)
        counts = fetch(sample, tmp_path / "out", work=tmp_path / "work", params=impatient, trusted=[server.address])
        asked = dict(server.asked)
    assert counts == Counts(rows=6, failed=1)
    out = rows(tmp_path / "out")
    assert [row["rule"] for row in out] == [None, None, None, "timeout", None, None]
    assert "stopped after 5 s (download.shard_deadline)" in str(out[3]["reason"])
    assert asked == dict.fromkeys(paths, 1)


@pytest.fixture
def broken_img2dataset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A module that the child process imports in img2dataset's place; a test writes its source."""
    folder = tmp_path / "modules"
    folder.mkdir()
    monkeypatch.setenv("PYTHONPATH", str(folder))
    return folder / "img2dataset.py"


def fetch_nowhere(folder: Path, params: DownloadParams) -> None:
    """Fetch one address that is never asked for anything."""
    fetch(table(["http://example.invalid/a.png"]), folder / "out", work=folder / "work", params=params)


def test_an_error_of_img2dataset_itself_is_a_line_with_its_last_words(
    broken_img2dataset: Path, params: DownloadParams, tmp_path: Path
) -> None:
    """A broken installation is not a failed row."""
    broken_img2dataset.write_text("raise ImportError('libGL.so.1 is missing')")
    with pytest.raises(JobError, match=r"img2dataset ended with code 1: ImportError: libGL\.so\.1 is missing"):
        fetch_nowhere(tmp_path, params)


def test_rows_of_which_img2dataset_says_nothing_are_missing_and_a_run_without_a_picture_fails(
    broken_img2dataset: Path, params: DownloadParams, tmp_path: Path
) -> None:
    """It ends well, having done nothing: the old output stays, and no shard is kept for the next run."""
    (tmp_path / "out").mkdir()
    (tmp_path / "out/old").touch()
    broken_img2dataset.write_text("def download(**arguments): print(arguments)")
    message = r"not one of 1 pictures could be fetched \(1 missing_row\), e\.g\. http://example\.invalid/a\.png: "
    with pytest.raises(JobError, match=message):
        fetch_nowhere(tmp_path, params)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["old"]
    assert not (tmp_path / "work").exists()


@pytest.mark.parametrize(
    ("urls", "update", "error", "message"),
    [
        ([], {}, JobError, "there is nothing to fetch"),
        (["http://a.invalid/", "http://a.invalid/"], {}, JobError, "1 keys more than once, first 6a091a76626fdb2a"),
        (["folder:a.png"], {}, UsageError, "set download.loopback to true, and corpus.path"),
        (["debian:p/a.png"], {"loopback": False}, UsageError, "set download.loopback to true"),
    ],
)
def test_a_sample_that_cannot_be_fetched_is_refused_before_anything_starts(
    urls: list[str],
    update: dict[str, object],
    error: type[Exception],
    message: str,
    params: DownloadParams,
    tmp_path: Path,
) -> None:
    """One line that says what to do."""
    root = tmp_path if update else None
    with pytest.raises(error, match=message):
        fetch(table(urls), tmp_path / "out", work=tmp_path / "w", params=params.model_copy(update=update), root=root)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("message", "rule"),
    [
        ("HTTP Error 404: Not Found", "http_404"),
        ("HTTP Error 404: connection timed out", "http_404"),
        ("HTTP Error 400: Bad Request", "http_4xx"),
        ("HTTP Error 500: Internal Server Error", "http_5xx"),
        ("HTTP Error 304: Not Modified", "fetch_failed"),
        ("<urlopen error timed out>", "timeout"),
        ("<urlopen error [Errno 110] Connection timed out>", "timeout"),
        ("The read operation timed out", "timeout"),
        ("<urlopen error [Errno -2] Name or service not known>", "dns"),
        ("<urlopen error [Errno -3] Temporary failure in name resolution>", "dns"),
        ("<urlopen error [Errno -5] No address associated with hostname>", "dns"),
        ("<urlopen error [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed (_ssl.c:1016)>", "tls"),
        ("<urlopen error [Errno 104] Connection reset by peer>", "reset"),
        ("Remote end closed connection without response", "reset"),
        ("IncompleteRead(10 bytes read, 5 more expected)", "truncated"),
        ("a body of more than 67108864 bytes", "too_large"),
        ("encoding with 'idna' codec failed (UnicodeError: label empty or too long)", "fetch_failed"),
        ("[Errno 101] Network is unreachable", "fetch_failed"),
    ],
)
def test_the_rule_is_read_off_the_message(message: str, rule: str) -> None:
    """Messages as Python's standard library words them."""
    failure = failure_of(message)
    assert (failure.rule, failure.reason) == (rule, message)


@pytest.mark.parametrize(("message", "reason"), [("", "no message"), ("two\n  lines", "two lines")])
def test_a_reason_is_one_line_and_never_empty(message: str, reason: str) -> None:
    """The ledger asks for a reason."""
    assert failure_of(message).reason == reason
