"""A list of addresses through img2dataset, whatever becomes of it on the way.

img2dataset is started once for all of them, in a process group that dies with us, in a fresh folder. One of its
shards is taken over as soon as its `_stats.json` says that it is finished. When no address is answered for
`shard_deadline` seconds (a worker was killed, or hangs), the group is killed, what it has fetched is taken, and
the rest goes to a new process. An address that was in hand when that happened twice has failed.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from signal import SIGKILL

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.errors import JobError, PairmillError
from pipeline.fetch.failures import Failure, parse_failure
from pipeline.fetch.log import Ended, Log
from pipeline.fetch.policy import Policy
from pipeline.fetch.worker import PARENT, POLICY
from pipeline.files import remove
from pipeline.params import DownloadParams

POLL = 0.05  # seconds
MOST_HANGS = 2
START_UP = 900.0  # seconds for the imports of img2dataset; seen: 150, beside a training run of higher priority
NO_RECORD = Failure("missing_row", "img2dataset left no record of this address")

Answers = dict[str, Path | Failure]  # key -> the file with the bytes as they came, or why there are none
Watch = Callable[[Ended], None]


@dataclass(frozen=True)
class Reach:
    """What may be asked besides public addresses, each as "IP:PORT"."""

    trusted: tuple[str, ...] = ()
    own: str = ""  # the corpus's own server, which needs no politeness


def fetch_addresses(
    addresses: Mapping[str, str], work: Path, params: DownloadParams, reach: Reach, watch: Watch
) -> Iterator[Answers]:
    """Fetch every address (key -> http address, each once); yields answers as img2dataset's shards are finished.

    Every key gets one answer, whose file is gone when the next answers are asked for. `watch` is told of each address
    as it ends; a PairmillError that it raises stops the fetch and is raised again once what came by then is yielded.
    To be called from a thread that outlives the iteration: the kernel ties img2dataset's life to it.
    Raises JobError when img2dataset itself fails, likewise.
    """
    left, hung = dict(addresses), Counter[str]()
    while left:
        with _started(left, work, params, reach) as attempt:
            for answers in attempt.results(params.shard_deadline, watch):
                yield answers
                for key in answers:
                    del left[key]
        if attempt.trouble:
            raise attempt.trouble
        hung.update(key for key in attempt.in_hand if key in left)
        late = [key for key in left if hung[key] == MOST_HANGS]
        if late:
            why = f"its shard was stopped twice: no answer for {params.shard_deadline} s (download.shard_deadline)"
            yield dict.fromkeys(late, Failure("timeout", why))
        left = {key: url for key, url in left.items() if key not in late}


@dataclass
class _Attempt:
    """A running img2dataset, the folder it works in, and what it has been heard to say."""

    process: subprocess.Popen[bytes]
    folder: Path
    shards: list[dict[str, str]]  # the addresses by key, as img2dataset cuts them
    trouble: PairmillError | None = None  # img2dataset's own, or what `watch` raised
    in_hand: list[str] = field(default_factory=list)  # keys of the shards in the middle of which it ended
    _failures: dict[str, Failure] = field(default_factory=dict)  # by address

    def results(self, deadline: float, watch: Watch) -> Iterator[Answers]:
        """The answers of each shard once it is finished; at the end those that came of the shards in hand.

        It ends early, without the keys of which nothing is known, when img2dataset fails or hangs, or `watch` raises.
        """
        left, log, moved = set(range(len(self.shards))), Log(self.folder), time.monotonic()
        begun = 0
        while left:
            code = self.process.poll()  # asked before looking into the folder, so that the last look sees all
            news = self._listen(log, watch)
            for number in sorted(self._numbers("_stats.json") & left):
                yield from self._taken(number, self._finished(number))
                left.remove(number)
                news = True
            now = len(self._numbers(".parquet"))
            if now > begun:  # a process has started up, or its next shard
                begun, news = now, True
            if news and not self.trouble:
                moved = time.monotonic()
            elif self.trouble or code is not None or time.monotonic() - moved > (deadline if begun else START_UP):
                break
            else:
                time.sleep(POLL)
        _kill(self.process)
        if left and code:
            self.trouble = JobError(f"img2dataset ended with code {code}: {self._last_words()}; run it again")
        elif left and not begun and code is None:
            self.trouble = self.trouble or JobError(f"img2dataset does not start: {self._last_words()}; run it again")
        self.in_hand = [key for number in self._numbers(".parquet") & left for key in self.shards[number]]
        for number in sorted(left):
            given_up = dict.fromkeys(self.shards[number], NO_RECORD) if code == 0 else {}
            yield from self._taken(number, {**given_up, **self._rescued(number)})

    def _listen(self, log: Log, watch: Watch) -> bool:
        """Take in which addresses have ended since the last look; False when none has."""
        news = log.news()
        for ended in news:
            if ended.rule:
                self._failures[ended.url] = Failure(ended.rule, ended.reason)
            try:
                watch(ended)
            except PairmillError as error:
                self.trouble = error
        return bool(news)

    def _finished(self, number: int) -> Answers:
        """A picture or a failure for each key of a finished shard."""
        table = pq.read_table(self.folder / f"out/{number:05d}.parquet", columns=["pair", "status", "error_message"])
        rows = [row for row in table.to_pylist() if row["status"] != "success"]
        failed = {row["pair"]: parse_failure(row["error_message"] or "") for row in rows}
        return {**dict.fromkeys(self.shards[number], NO_RECORD), **failed, **self._pictures(number)}

    def _rescued(self, number: int) -> Answers:
        """What is known of a shard in the middle of which img2dataset ended."""
        keys = {url: key for key, url in self.shards[number].items()}
        failed = {keys[url]: failure for url, failure in self._failures.items() if url in keys}
        return {**failed, **self._pictures(number)}

    def _pictures(self, number: int) -> Answers:
        found: Answers = {}
        for note in (self.folder / f"out/{number:05d}").glob("*.json"):  # written after the picture
            with suppress(json.JSONDecodeError):  # the note itself was cut short by a kill
                found[json.loads(note.read_bytes())["pair"]] = note.with_suffix(".jpg")
        return found

    def _taken(self, number: int, answers: Answers) -> Iterator[Answers]:
        if answers:
            yield answers
        remove(self.folder / f"out/{number:05d}")

    def _numbers(self, ending: str) -> set[int]:
        names = [path.name for path in (self.folder / "out").iterdir()]
        return {int(name.removesuffix(ending)) for name in names if name.endswith(ending)}

    def _last_words(self) -> str:
        lines = (self.folder / "log").read_text(errors="replace").split("\n")
        return next((line.strip() for line in reversed(lines) if line.strip()), "it said nothing")


@contextmanager
def _started(addresses: Mapping[str, str], work: Path, params: DownloadParams, reach: Reach) -> Iterator[_Attempt]:
    folder = Path(tempfile.mkdtemp(prefix="attempt-", dir=work))
    (folder / "out").mkdir()
    rows = [{"pair": key, "url": url} for key, url in addresses.items()]
    pq.write_table(pa.Table.from_pylist(rows), folder / "rows.parquet")
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "pipeline.fetch.worker", json.dumps(_arguments(folder, params))],
            env=_environment(_policy(folder, params, reach)),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,  # Ctrl-C reaches us alone; we end the group
        )
    try:
        yield _Attempt(process, folder, _cut(addresses, params.shard_rows))
    finally:
        _kill(process)
        remove(folder)


def _cut(addresses: Mapping[str, str], size: int) -> list[dict[str, str]]:
    """The addresses as img2dataset cuts them into its shards."""
    items = list(addresses.items())
    return [dict(items[first : first + size]) for first in range(0, len(items), size)]


def _arguments(folder: Path, params: DownloadParams) -> dict[str, object]:
    return {
        "url_list": str(folder / "rows.parquet"),
        "input_format": "parquet",
        "save_additional_columns": ["pair"],  # our key; "key" is a name that img2dataset keeps for itself
        "output_folder": str(folder / "out"),
        "output_format": "files",  # what was fetched before a kill is there, picture by picture
        "number_sample_per_shard": params.shard_rows,
        "disable_all_reencoding": True,
        "extract_exif": False,
        "compute_hash": None,
        "distributor": params.distributor,
        "processes_count": params.processes,
        "thread_count": params.threads,
        "timeout": params.timeout,
        "retries": 0,  # the opener's business: img2dataset would ask for a 404 again, and at once
        "enable_wandb": False,
    }


def _policy(folder: Path, params: DownloadParams, reach: Reach) -> Policy:
    return Policy(
        folder=str(folder.absolute()),
        trusted=(*reach.trusted, *([reach.own] if reach.own else [])),
        own=reach.own,
        user_agent=params.user_agent,
        timeout=params.timeout,
        total_timeout=params.total_timeout,
        retries=params.retries,
        max_redirects=params.max_redirects,
        max_bytes=params.max_bytes,
        per_host=params.per_host,
        max_pause=params.max_pause,
    )


def _environment(policy: Policy) -> dict[str, str]:
    path = os.pathsep.join(filter(None, [str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH")]))
    return os.environ | {
        PARENT: str(os.getpid()),
        POLICY: policy.to_json(),
        "PYTHONPATH": path,
        "NO_ALBUMENTATIONS_UPDATE": "1",
        "WANDB_MODE": "disabled",
    }


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End img2dataset with all that it has started."""
    if process.poll() is None:  # else its group may be gone, and the number another's
        with suppress(ProcessLookupError):
            os.killpg(process.pid, SIGKILL)
        process.wait()
