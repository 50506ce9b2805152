"""The answer cache: what was answered once is not asked again, whatever kills the process or spoils the file."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pipeline.backends.cache import FORMAT, AnswerCache, is_finished, key_of
from pipeline.backends.cached import CachedModel
from pipeline.backends.completion import Completion
from pipeline.chat_usage import Usage
from pipeline.errors import JobError

GOOD = Completion("A cat sits.", "stop", tokens_in=30, tokens_out=5)
REQUEST = {"model": "m", "messages": [{"role": "user", "content": "A cat"}], "temperature": 0.0, "seed": 0}
# Puts answers as fast as it can, and says which are there.
WRITER = """
import sys
from pathlib import Path
from pipeline.backends.cache import AnswerCache
from pipeline.backends.completion import Completion
cache = AnswerCache(Path(sys.argv[1]), "rewrite")
for number in range(int(sys.argv[2])):
    cache.put(number.to_bytes(32), Completion(f"answer {number} " + "word " * 100, "stop"))
    print(number, flush=True)
"""


def writer(path: Path, answers: int) -> subprocess.Popen[str]:
    """A process that fills the cache."""
    command = [sys.executable, "-c", WRITER, str(path), str(answers)]
    return subprocess.Popen(command, cwd=Path(__file__).parents[2], stdout=subprocess.PIPE, text=True)


def test_an_answer_is_found_again(tmp_path: Path) -> None:
    """By another process too, with all that was known of it; other keys find nothing, however many are asked for."""
    keys = [number.to_bytes(32) for number in range(1200)]
    cache = AnswerCache(tmp_path / "deep/answers.sqlite", "rewrite")
    assert cache.find(keys) == {}
    cache.put(keys[3], GOOD)
    cache.put(keys[1100], Completion("Ünï 😀 \x00", "length"))
    cache.close()
    found = AnswerCache(tmp_path / "deep/answers.sqlite", "rewrite").find(keys)
    assert found == {keys[3]: GOOD, keys[1100]: Completion("Ünï 😀 \x00", "length")}


def test_the_first_answer_stays(tmp_path: Path) -> None:
    """Two runs that ask the same at once do not change each other's rows."""
    cache = AnswerCache(tmp_path / "answers.sqlite", "rewrite")
    cache.put(b"k", GOOD)
    cache.put(b"k", Completion("Another.", "stop"))
    assert cache.find([b"k"]) == {b"k": GOOD}


OTHERS = [
    pytest.param("http://b/v1", REQUEST, "p1", id="server"),
    pytest.param("http://a/v1", {**REQUEST, "model": "n"}, "p1", id="model"),
    pytest.param("http://a/v1", {**REQUEST, "temperature": 0.1}, "p1", id="temperature"),
    pytest.param("http://a/v1", {**REQUEST, "seed": 1}, "p1", id="seed"),
    pytest.param("http://a/v1", {**REQUEST, "max_tokens": 9}, "p1", id="one_more_key"),
    pytest.param("http://a/v1", {**REQUEST, "messages": [{"role": "user", "content": "A cat "}]}, "p1", id="text"),
    pytest.param("http://a/v1", REQUEST, "p2", id="prompt"),
]


@pytest.mark.parametrize(("revision", "request_", "version"), OTHERS)
def test_the_key_is_everything_that_decides(revision: str, request_: Mapping[str, object], version: str) -> None:
    """One other thing, and it is another question; the order of the keys is nothing."""
    key = key_of("http://a/v1", REQUEST, "p1")
    assert key == key_of("http://a/v1", dict(reversed(REQUEST.items())), "p1")
    assert key != key_of(revision, request_, version)


FINISHED = [
    pytest.param(GOOD, True, id="stop"),
    pytest.param(Completion("A cat.", ""), True, id="nobody_says"),
    pytest.param(Completion("A cat", "length"), True, id="would_be_cut_off_again"),
    pytest.param(Completion("A cat", "content_filter"), False, id="moderated"),
    pytest.param(Completion("A cat", "tool_calls"), False, id="another_end"),
    pytest.param(Completion("", "stop"), False, id="empty"),
    pytest.param(Completion(" \n", "stop"), False, id="blank"),
    pytest.param(Completion(None, error="status 500"), False, id="error"),
]


@pytest.mark.parametrize(("completion", "kept"), FINISHED)
def test_finished_answers_alone_are_kept(completion: Completion, kept: bool) -> None:
    """What may come out better is asked again."""
    assert is_finished(completion) is kept


class Scripted:
    """A model that answers by a table, and notes what it was asked."""

    name, revision = "scripted", "r1"

    def __init__(self, script: Mapping[str, Completion]) -> None:
        self.script = script
        self.asked: list[str] = []
        self.usage = Usage()

    def request(self, text: str) -> dict[str, object]:
        """See Model."""
        return {"text": text}

    def answer(self, requests: Sequence[Mapping[str, object]], take: Callable[[int, Completion], None]) -> None:
        """See Model; the last request is answered first."""
        for number, request in reversed(list(enumerate(requests))):
            self.asked.append(str(request["text"]))
            take(number, self.script[str(request["text"])])


def test_only_what_is_missing_is_asked(tmp_path: Path) -> None:
    """Equal texts once; a failure again in the next run; the account knows what the cache has spared."""
    lost = Completion(None, error="reset")
    script = {"a": GOOD, "b": lost, "c": Completion("C.", "stop")}
    texts, advanced = ["a", "b", "a", "c"], list[int]()
    first = Scripted(script)
    cache = AnswerCache(tmp_path / "answers.sqlite", "rewrite")
    answers = CachedModel(first, cache, "p1").complete(texts, advanced.append)
    assert answers == [GOOD, lost, GOOD, script["c"]]
    assert (first.asked, advanced) == (["c", "b", "a"], [0, 1, 1, 2])
    second = Scripted({"b": Completion("B.", "stop")})
    rewriter = CachedModel(second, AnswerCache(tmp_path / "answers.sqlite", "rewrite"), "p1")
    assert rewriter.complete(texts, lambda _: None) == [GOOD, Completion("B.", "stop"), GOOD, script["c"]]
    assert second.asked == ["b"]
    assert (second.usage.cached, second.usage.cached_tokens_in, second.usage.cached_tokens_out) == (3, 30, 5)


def test_without_a_cache_each_run_asks() -> None:
    """`rewrite.cache: null`."""
    model = Scripted({"a": GOOD})
    rewriter = CachedModel(model, None, "p1")
    assert [rewriter.complete(["a"], lambda _: None) for _ in range(2)] == [[GOOD], [GOOD]]
    assert model.asked == ["a", "a"]


def test_a_kill_costs_no_answer(tmp_path: Path) -> None:
    """SIGKILL in the midst of writing: what was said to be there is there, and the file goes on being used."""
    path = tmp_path / "answers.sqlite"
    with writer(path, 10**6) as process:
        assert process.stdout is not None
        said = [int(process.stdout.readline()) for _ in range(50)]
        process.send_signal(signal.SIGKILL)
        said += [int(line) for line in process.stdout.read().split("\n")[:-1]]
    cache = AnswerCache(path, "rewrite")
    assert cache.find([number.to_bytes(32) for number in said]).keys() == {number.to_bytes(32) for number in said}
    cache.put(b"more", GOOD)
    assert cache.find([b"more"]) == {b"more": GOOD}


def test_processes_share_it(tmp_path: Path) -> None:
    """Three that make and fill it at once; none fails, nothing is lost."""
    path = tmp_path / "answers.sqlite"
    processes = [writer(path, 100) for _ in range(3)]
    assert [process.communicate()[0].split()[-1] for process in processes] == ["99"] * 3
    assert [process.returncode for process in processes] == [0, 0, 0]
    assert len(AnswerCache(path, "rewrite").find([number.to_bytes(32) for number in range(100)])) == 100


def test_it_is_made_once(tmp_path: Path) -> None:
    """Eight that find no file in the same moment."""
    together = threading.Barrier(8)

    def make(path: Path) -> str:
        together.wait(timeout=20)
        cache = AnswerCache(path, "rewrite")
        cache.put(b"k", GOOD)
        assert cache.find([b"k"]) == {b"k": GOOD}
        (mode,) = cache._db.execute("PRAGMA journal_mode").fetchone()
        cache.close()
        return str(mode)

    with ThreadPoolExecutor(8) as threads:
        for number in range(20):
            assert set(threads.map(make, [tmp_path / f"{number}.sqlite"] * 8)) == {"wal"}


def _notes(path: Path) -> None:
    path.write_text("my notes\n" * 100)


def _other_database(path: Path) -> None:
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE mine (x)")


def _other_program(path: Path) -> None:
    with sqlite3.connect(path) as other:
        other.execute("PRAGMA application_id = 7")


def _later_format(path: Path) -> None:
    AnswerCache(path, "rewrite").close()
    with sqlite3.connect(path) as later:
        later.execute(f"PRAGMA user_version = {FORMAT + 1}")


def _torn(path: Path) -> None:
    cache = AnswerCache(path, "rewrite")
    for number in range(300):
        cache.put(number.to_bytes(32), GOOD)
    cache.close()
    path.write_bytes(path.read_bytes()[:8192])


def _flipped(path: Path) -> None:
    cache = AnswerCache(path, "rewrite")
    cache.put((7).to_bytes(32), GOOD)
    cache.close()
    path.write_bytes(path.read_bytes().replace(b"A cat sits", b"A cat sats"))


def _folder(path: Path) -> None:
    path.mkdir()


def _no_folder_above(path: Path) -> None:
    path.parent.rmdir()
    path.parent.write_text("")


FOREIGN = [
    pytest.param(_notes, "file is not a database; move it away, or set rewrite.cache", id="text"),
    pytest.param(_other_database, "it is no answer cache of this version of pairmill; move it away", id="other_database"),
    pytest.param(_other_program, "it is no answer cache of this version of pairmill; move it away", id="other_program"),
    pytest.param(_later_format, "it is no answer cache of this version of pairmill; move it away", id="later_format"),
    pytest.param(_torn, "database disk image is malformed; move it away", id="torn"),
    pytest.param(_flipped, "an answer in it is damaged; move it away", id="flipped"),
    pytest.param(_folder, "unable to open database file; let the current user write there", id="folder"),
    pytest.param(_no_folder_above, "", id="no_folder_above"),
]  # fmt: skip


@pytest.mark.parametrize(("spoil", "said"), FOREIGN)
def test_a_file_that_cannot_be_used_is_one_line(tmp_path: Path, spoil: Callable[[Path], None], said: str) -> None:
    """It names the file and the mend, and somebody else's file stays as it was."""
    path = tmp_path / "own/answers.sqlite"
    path.parent.mkdir()
    spoil(path)
    before = path.read_bytes() if path.is_file() else b""
    with pytest.raises(JobError) as error:
        AnswerCache(path, "rewrite").find([number.to_bytes(32) for number in range(300)])
    opening = f"the answer cache {path} cannot be used: {said}" if said else f"cannot write {path}: "
    assert str(error.value).startswith(opening)
    assert "\n" not in str(error.value)
    assert before == (path.read_bytes() if path.is_file() else b"")
