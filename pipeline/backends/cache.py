"""Answers on disk, each under the hash of everything that decided it: what was answered once is not asked again.

SQLite in WAL mode, one row an answer, each its own transaction: a kill at any moment leaves every answer that had
arrived, and several processes may share the file.
"""

from __future__ import annotations

import fcntl
import json
import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path

from pipeline.backends.completion import LENGTH, STOP, Completion
from pipeline.errors import JobError
from pipeline.files import explain

APPLICATION = 0x70616D6C  # "paml", in the file's header: no other program's file is written to
FORMAT = 1  # of the rows
PATIENCE = 30.0  # seconds to wait for another process
AT_ONCE = 500  # keys a query
TABLE = "CREATE TABLE answers (key BLOB PRIMARY KEY, answer TEXT NOT NULL, checksum BLOB NOT NULL)"
AWAY = "move it away, or set {section}.cache to another file"
MENDS = {
    "SQLITE_BUSY": "another process holds it: wait for that, or stop it",
    "SQLITE_FULL": "free some room there and run the same command again",
    "SQLITE_READONLY": "let the current user write there, or set {section}.cache to another file",
    "SQLITE_CANTOPEN": "let the current user write there, or set {section}.cache to another file",
}


def key_of(revision: str, request: Mapping[str, object], version: str) -> bytes:
    """The sha256 of what decides an answer: the server's address or the model's digest, the request, the prompt."""
    facts = {"revision": revision, "request": request, "prompt": version}
    return sha256(json.dumps(facts, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()).digest()


def is_finished(completion: Completion) -> bool:
    """Whether an answer is worth keeping: errors, empty texts and moderated ones are asked for again.

    One that was cut off at `max_new_tokens` is kept: the same request would be cut off, and paid for, again; a larger
    limit is another request.
    """
    return bool(completion.text and completion.text.strip()) and completion.finish in ("", STOP, LENGTH)


class AnswerCache:
    """The file at `path`, made where there is none. Everything raises JobError in one line that names it.

    `section` is that of the params which names the file.
    """

    def __init__(self, path: Path, section: str) -> None:
        self._path = path
        self._section = section
        with self._named():
            path.parent.mkdir(parents=True, exist_ok=True)
            with _alone_in(path.parent):  # two processes may make it at once
                self._db = sqlite3.connect(path, timeout=PATIENCE, isolation_level=None)
                self._prepare()

    def find(self, keys: Sequence[bytes]) -> dict[bytes, Completion]:
        """The answers that are there."""
        found = {}
        with self._named():
            for start in range(0, len(keys), AT_ONCE):
                some = keys[start : start + AT_ONCE]
                marks = ",".join("?" * len(some))
                query = f"SELECT key, answer, checksum FROM answers WHERE key IN ({marks})"  # noqa: S608 - marks alone
                for key, answer, checksum in self._db.execute(query, some):
                    if checksum != _checksum(key, answer):
                        raise JobError(self._explain("an answer in it is damaged", AWAY))
                    found[key] = Completion(**json.loads(answer))
        return found

    def put(self, key: bytes, completion: Completion) -> None:
        """Keep an answer; the first one stays."""
        answer = json.dumps(asdict(completion))
        with self._named():
            self._db.execute("INSERT OR IGNORE INTO answers VALUES (?, ?, ?)", (key, answer, _checksum(key, answer)))

    def close(self) -> None:
        """Fold SQLite's log into the file."""
        with self._named():
            self._db.close()

    def _prepare(self) -> None:
        """Make the table in an empty file; raise JobError for a file of somebody else."""
        self._db.execute("PRAGMA synchronous = NORMAL")  # a power cut costs the last answers, and tears nothing
        (application,) = self._db.execute("PRAGMA application_id").fetchone()
        (version,) = self._db.execute("PRAGMA user_version").fetchone()
        if (application, version) == (APPLICATION, FORMAT):
            return
        if application or self._db.execute("SELECT 1 FROM sqlite_master").fetchone():
            raise JobError(self._explain("it is no answer cache of this version of pairmill", AWAY))
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("BEGIN IMMEDIATE")
        self._db.execute(TABLE)
        self._db.execute(f"PRAGMA application_id = {APPLICATION}")
        self._db.execute(f"PRAGMA user_version = {FORMAT}")
        self._db.execute("COMMIT")

    @contextmanager
    def _named(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            kind = "_".join(getattr(error, "sqlite_errorname", "").split("_")[:2])  # SQLITE_CANTOPEN_ISDIR, ...
            raise JobError(self._explain(str(error), MENDS.get(kind, AWAY))) from error
        except OSError as error:
            raise JobError(f"cannot write {explain(error, self._path)}") from error

    def _explain(self, what: str, mend: str) -> str:
        return f"the answer cache {self._path} cannot be used: {what}; {mend.format(section=self._section)}"


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Hold a lock on the folder itself, which leaves no file behind."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)  # drops the lock


def _checksum(key: bytes, answer: str) -> bytes:
    return sha256(key + answer.encode()).digest()[:8]
