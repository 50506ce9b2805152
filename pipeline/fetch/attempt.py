"""A list of shards through img2dataset, whatever becomes of it on the way.

img2dataset is started once for all shards, in a process group that dies with us, in a fresh folder. A shard is
taken over as soon as its `_stats.json` says that it is finished. When nothing moves for `shard_deadline`
seconds the group is killed, the shards in hand are taken as they are, and the others go to a new process.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from signal import SIGKILL

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.errors import JobError
from pipeline.fetch.failures import Failure, failure_of
from pipeline.fetch.worker import PARENT, TRUSTED
from pipeline.files import remove
from pipeline.params import DownloadParams

POLL = 0.05  # seconds
START_UP = 900.0  # seconds for the imports of img2dataset; seen: 150, beside a training run of higher priority
NO_RECORD = Failure("missing_row", "img2dataset left no record of this address")

Addresses = dict[str, str]  # key -> http address
Answers = dict[str, Path | Failure]  # key -> the file with the bytes as they came, or why there are none


def fetch_shards(
    shards: Sequence[Addresses], work: Path, params: DownloadParams, trusted: Collection[str]
) -> Iterator[tuple[int, Answers]]:
    """Fetch every address; yields (index in `shards`, an answer for each of its keys) as each shard is finished.

    All shards but the last are of one size. `trusted` holds the "IP:PORT" that are allowed besides public
    addresses. The files of an answer are gone when the next one is asked for. To be called from a thread that
    outlives the iteration: the kernel ties img2dataset's life to it.
    Raises JobError when img2dataset itself fails.
    """
    left = dict(enumerate(shards))
    while left:
        numbers = list(left)
        with _started(list(left.values()), work, params, trusted) as attempt:
            for place, answers in attempt.results(params.shard_deadline):
                yield numbers[place], answers
                del left[numbers[place]]


@dataclass(frozen=True)
class _Attempt:
    """A running img2dataset and the folder it works in."""

    process: subprocess.Popen[bytes]
    folder: Path
    shards: Sequence[Addresses]

    def results(self, deadline: float) -> Iterator[tuple[int, Answers]]:
        """Each shard once it is finished; at the end those in hand when img2dataset ended, or hung for `deadline` s."""
        finished: set[int] = set()
        begun: set[int] = set()
        moved = time.monotonic()
        while len(finished) < len(self.shards):
            code = self.process.poll()  # asked before looking into the folder, so that the last look sees all
            before = len(begun), len(finished)
            begun = self._numbers(".parquet")
            for number in sorted(self._numbers("_stats.json") - finished):
                finished.add(number)
                yield from self._answers(number, self._failures(number), NO_RECORD)
            if (len(begun), len(finished)) != before:
                moved = time.monotonic()
            elif code is not None:
                yield from self._given_up(code, finished)
                return
            elif begun > finished and time.monotonic() - moved > deadline:
                yield from self._hung(deadline, begun - finished)
                return
            elif time.monotonic() - moved > max(deadline, START_UP):
                raise JobError(f"img2dataset does not start: {self._last_words()}; run the same command again")
            else:
                time.sleep(POLL)

    def _given_up(self, code: int, finished: set[int]) -> Iterator[tuple[int, Answers]]:
        """img2dataset has ended with shards undone: it gave up on them (code 0), or failed itself."""
        if code != 0:
            raise JobError(f"img2dataset ended with code {code}: {self._last_words()}; finished shards are kept")
        for number in sorted(set(range(len(self.shards))) - finished):
            yield from self._answers(number, {}, NO_RECORD)

    def _hung(self, deadline: float, in_hand: set[int]) -> Iterator[tuple[int, Answers]]:
        _kill(self.process)
        late = Failure("timeout", f"the shard was stopped after {deadline:.0f} s (download.shard_deadline)")
        for number in sorted(in_hand):
            yield from self._answers(number, {}, late)

    def _numbers(self, ending: str) -> set[int]:
        names = [path.name for path in (self.folder / "out").iterdir()]
        return {int(name.removesuffix(ending)) for name in names if name.endswith(ending)}

    def _answers(self, number: int, failures: dict[str, Failure], otherwise: Failure) -> Iterator[tuple[int, Answers]]:
        """The pictures of a shard that are whole, its failures, and `otherwise` for keys with neither."""
        answers: Answers = {key: failures.get(key, otherwise) for key in self.shards[number]}
        pictures = self.folder / f"out/{number:05d}"
        for note in pictures.glob("*.json"):  # written after the picture
            with suppress(json.JSONDecodeError):  # the note itself was cut short by a kill
                answers[json.loads(note.read_bytes())["pair"]] = note.with_suffix(".jpg")
        yield number, answers
        remove(pictures)

    def _failures(self, number: int) -> dict[str, Failure]:
        table = pq.read_table(self.folder / f"out/{number:05d}.parquet", columns=["pair", "status", "error_message"])
        rows = table.to_pylist()
        return {row["pair"]: failure_of(row["error_message"] or "") for row in rows if row["status"] != "success"}

    def _last_words(self) -> str:
        lines = (self.folder / "log").read_text(errors="replace").split("\n")
        return next((line.strip() for line in reversed(lines) if line.strip()), "it said nothing")


@contextmanager
def _started(
    shards: list[Addresses], work: Path, params: DownloadParams, trusted: Collection[str]
) -> Iterator[_Attempt]:
    folder = Path(tempfile.mkdtemp(prefix="attempt-", dir=work))
    (folder / "out").mkdir()
    rows = [{"pair": key, "url": url} for shard in shards for key, url in shard.items()]
    pq.write_table(pa.Table.from_pylist(rows), folder / "rows.parquet")
    arguments = json.dumps(_arguments(folder, len(shards[0]), params))
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "pipeline.fetch.worker", arguments],
            env=_environment(trusted),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,  # Ctrl-C reaches us alone; we end the group
        )
    try:
        yield _Attempt(process, folder, shards)
    finally:
        _kill(process)
        remove(folder)


def _arguments(folder: Path, shard_rows: int, params: DownloadParams) -> dict[str, object]:
    return {
        "url_list": str(folder / "rows.parquet"),
        "input_format": "parquet",
        "save_additional_columns": ["pair"],  # our key; "key" is a name that img2dataset keeps for itself
        "output_folder": str(folder / "out"),
        "output_format": "files",  # what was fetched before a kill is there, picture by picture
        "number_sample_per_shard": shard_rows,
        "disable_all_reencoding": True,
        "extract_exif": False,
        "compute_hash": None,
        "processes_count": params.processes,
        "thread_count": params.threads,
        "timeout": params.timeout,
        "retries": params.retries,
        "enable_wandb": False,
    }


def _environment(trusted: Collection[str]) -> dict[str, str]:
    path = os.pathsep.join(filter(None, [str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH")]))
    return os.environ | {
        PARENT: str(os.getpid()),
        TRUSTED: " ".join(trusted),
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
