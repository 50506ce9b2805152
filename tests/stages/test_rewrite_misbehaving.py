"""The rewrite stage, whole, against a server that does wrong whatever servers do wrong.

No row is lost, no bad answer is used, the run ends, the next one asks for what is missing alone, and the key is nowhere.
"""

from __future__ import annotations

import json
import os
import random
import signal
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from pipeline import chat_answer, progress
from pipeline.command import INTERRUPTED
from pipeline.params import load_params
from pipeline.parquet import read_table, write_table
from pipeline.schema import OUTCOME
from stages.rewrite import main
from tests.pipeline.chat_server import (
    Handler,
    Reply,
    breaks_off,
    completion,
    drips,
    echoes_headers,
    floods,
    hangs,
    resets,
    says,
    sends,
    serving,
)
from tests.stages.commands import Stage, link_code, run_changed

KEY = "sk-secret-0123456789"
NOUNS = (
    "dog cat horse cow sheep goat pig duck goose hen tree bench table chair lamp door window house church tower bridge"
    " river lake road car bus truck train boat ship plane kite ball drum flute piano violin guitar clock watch ring"
    " hat coat shirt shoe boot glove scarf flag tent rope chain wheel hammer saw nail brick stone rock shell feather"
).split()
SHARD_ROWS = 20
OUTPUTS = Path("outputs/embedded")
USAGE = {"prompt_tokens": 120, "completion_tokens": 25}
LONG_HTML = b"<!DOCTYPE html>\n<html><body><h1>502 Bad Gateway</h1></body></html>"


def source(noun: str) -> str:
    """A description with two errors."""
    return f"The image shows two mans sitting on a red mat near a {noun}. They sits on a mat near a {noun}."


def mended(noun: str) -> str:
    """The same without."""
    return f"The image shows two men sitting on a red mat near a {noun}. They sit on a mat near a {noun}."


def mends(handler: Handler) -> None:
    """What a good rewriter answers."""
    (text,) = (message["content"] for message in handler.request_seen.body["messages"])
    paragraph = text.partition("<paragraph>\n")[2].removesuffix("\n</paragraph>")
    answer = paragraph.replace("mans", "men").replace("sits", "sit")
    sends(completion(answer, usage=USAGE))(handler)


def answers(text: str, finish: str = "stop") -> Reply:
    """An answer that the server counts."""
    return sends(completion(text, finish, usage=USAGE))


def echoes_key(handler: Handler) -> None:
    """Answer with the key that came with the request."""
    answers(f"{mended('rope')} {handler.request_seen.authorization}")(handler)


PROMPT = "Fix the error in the given paragraph. Remove any repeating sentences, meaningless characters, not English sentences, and so on."
# Who brings no answer that can be kept: the next run asks again.
LOST: dict[str, Reply] = {
    "429_without_retry_after": sends(b"slow down", 429),
    "429_with_retry_after_0": sends(b"", 429, Retry_After="0"),
    "429_with_an_absurd_retry_after": sends(b"", 429, Retry_After="999999999"),
    "500": sends(b"Traceback (most recent call last):\n  oops", 500),
    "503": sends(LONG_HTML, 503),
    "400": sends(b'{"error": "context length exceeded"}', 400),
    "silence": hangs,
    "drip": drips,
    "flood": floods,
    "reset": resets,
    "break": breaks_off,
    "html_under_200": sends(LONG_HTML),
    "torn_json": sends(completion("ok")[:-3]),
    "no_choices": sends(b'{"object": "chat.completion", "choices": []}'),
    "null_content": sends(completion(None)),
    "content_in_parts": sends(completion([{"type": "text", "text": "ok"}])),
    "an_error_under_200": sends(b'{"error": {"message": "overloaded"}}'),
    "no_gzip": sends(b"garbage", Content_Encoding="gzip"),
    "empty_text": answers(""),
    "moderated": answers("The image shows two men", "content_filter"),
    "headers_sent_back": echoes_headers,
    "key_as_the_end": answers(mended("flag"), KEY),
    "key_sent_back": echoes_key,
}
# Who answers in good form what nobody can use: the same request would bring the same, so it is not asked again.
USELESS: dict[str, Reply] = {
    "cut_off": answers("The image shows two men sitting on a red", "length"),
    "cut_off_after_a_sentence": answers("The image shows two men sitting on a red mat.", "length"),
    "german": answers("Das Bild zeigt zwei Männer, die auf einer roten Matte neben einem Hund sitzen."),
    "chinese": answers("图片显示两个男人坐在红色垫子上。"),
    "echo": answers(PROMPT),
    "comment": answers(f"Here is the corrected paragraph: {mended('nail')}"),
    "comment_behind": answers(f"{mended('brick')} I have fixed the grammar errors."),
    "already_correct": answers("The paragraph is already correct."),
    "invented": answers(f"{mended('stone')} A blue car stands behind them."),
    "an_instruction_obeyed": answers("banana banana banana"),
    "a_refusal": answers("I'm sorry, but I can't help with that."),
}


@pytest.fixture
def stage(workplace: Path, root: Path, keyless: None, monkeypatch: pytest.MonkeyPatch) -> Stage:  # noqa: ARG001
    """Runs the command with a key, a deadline of a second and pauses of hardly more; returns the exit code."""
    monkeypatch.setenv("PAIRMILL_API_KEY", KEY)
    monkeypatch.setattr(chat_answer, "LONGEST_PAUSE", 1.1)
    link_code(workplace, root)

    def run(base_url: str | None = None, retries: int = 1, **changes: object) -> int:
        circuit = {"failures": 1000, "cooling": 0.0, "probes": 3}
        asked = {"concurrency": 16, "deadline": 1, "retries": retries, "backoff": 0.0, "circuit": circuit}
        server = {"base_url": base_url, "api_key_env": "PAIRMILL_API_KEY", **asked}
        return run_changed(main, {"rewrite": {"backend": "openai", "model": "m", "server": server, **changes}})

    return run


def write_rows(texts: Sequence[str], first_shard: int = 0) -> None:
    """Rows as `filter` leaves them, all alive, in shards."""
    schema = pa.schema(
        [
            pa.field("key", pa.string()),
            pa.field("repaired_text", pa.string()),
            pa.field("flags", pa.list_(pa.string())),
            *OUTCOME,
        ]
    )
    rows = [{"key": f"{number:016x}", "repaired_text": text, "flags": []} for number, text in enumerate(texts)]
    for shard, start in enumerate(range(0, len(rows), SHARD_ROWS), first_shard):
        table = pa.Table.from_pylist(rows[start : start + SHARD_ROWS], schema=schema)
        write_table(table, OUTPUTS / f"filter/part-{shard:05d}.parquet")


def rewritten() -> list[dict[str, Any]]:
    """What the stage has published."""
    tables = [read_table(shard) for shard in sorted((OUTPUTS / "rewrite").glob("*.parquet"))]
    records: list[dict[str, Any]] = pa.concat_tables(tables).to_pylist()
    return records


def assert_no_key(said: str) -> None:
    """Not on the screen, not in a file below the current folder (code and profiles apart), Parquet decoded."""
    assert "sk-secret" not in said
    files = [path for folder in ("outputs", ".work", ".cache") for path in Path(folder).rglob("*") if path.is_file()]
    assert {".parquet", ".sqlite", ".json"} <= {path.suffix for path in files}
    for path in files:
        assert b"sk-secret" not in path.read_bytes(), path
        if path.suffix == ".parquet":
            assert "sk-secret" not in str(read_table(path).to_pylist()), path


def test_a_server_that_does_everything_wrong(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    """34 ways, each between good answers; then the server is well, and the next run asks for the lost answers alone."""
    bad = dict(zip(NOUNS, (LOST | USELESS).items(), strict=False))
    assert len(bad) == len(LOST | USELESS)
    write_rows([source(noun) for noun in NOUNS])
    with serving({f"near a {noun}.": [reply] for noun, (_, reply) in bad.items()}, default=mends) as server:
        assert stage(server.base_url) == 0
        first = rewritten()
        server.script = {}
        asked = len(server.requests)
        assert stage(server.base_url) == 0
        second, again = rewritten(), [request.text for request in server.requests[asked:]]
    for noun, row in zip(NOUNS, first, strict=True):
        used = row["rewrite_verdict"] == "accepted"
        assert used == (noun not in bad), (noun, bad.get(noun), row)
        assert row["final_text"] == (mended(noun) if used else source(noun))
        assert row["outcome"] is None
    lost = [noun for noun, (name, _) in bad.items() if name in LOST]
    assert sorted(again) == sorted(request_for(noun) for noun in lost)
    changed = [noun for noun, *rows in zip(NOUNS, first, second, strict=True) if rows[0] != rows[1]]
    assert changed == lost
    assert {row["rewrite_verdict"] for noun, row in zip(NOUNS, second, strict=True) if noun in lost} == {"accepted"}
    assert [path.name for path in Path(".cache/pairmill").iterdir()] == ["answers.sqlite"]
    account = json.loads((OUTPUTS / "account/rewrite.json").read_text())
    assert (account["requests"], account["cached_rows"]) == (len(lost), len(NOUNS) - len(lost))
    assert_no_key("".join(capsys.readouterr()))


def request_for(noun: str) -> str:
    """The message that asks about a noun's row."""
    prompt = load_params("embedded").rewrite.prompt
    return f"{prompt}\n\n<paragraph>\n{source(noun)}\n</paragraph>"


FAULTS = [
    sends(b"", 429),
    sends(b"", 429, Retry_After="0"),
    sends(b"oops", 500),
    sends(LONG_HTML, 502),
    sends(b"", 503),
    sends(LONG_HTML),
    sends(b"{"),
    sends(b'{"choices": []}'),
    sends(completion(None)),
    resets,
    breaks_off,
]


def fault_of(seed: int, noun: str, tried: int) -> Reply | None:
    """What goes wrong with a try: something in 30 % of them."""
    draw = random.Random(f"{seed} {noun} {tried}")
    return draw.choice(FAULTS) if draw.random() < 0.3 else None


@pytest.mark.parametrize("seed", [1, 2])
def test_faults_at_random_change_no_row(stage: Stage, seed: int) -> None:
    """30 % of all answers are faulty: every row whose tries brought one answer is that of a faultless server."""
    tries = Counter[str]()
    write_rows([source(noun) for noun in NOUNS])

    def flaky(handler: Handler) -> None:
        noun = handler.request_seen.text.split(". They")[0].split()[-1]
        with handler.server.lock:
            tries[noun] += 1
        (fault_of(seed, noun, tries[noun]) or mends)(handler)

    def run(reply: Reply, cache: str) -> list[dict[str, Any]]:
        with serving({}, default=reply, port=port) as server:
            assert stage(server.base_url, retries=2, cache=cache) == 0
            ports.append(server.server_port)
        return rewritten()

    ports: list[int] = []
    port = 0
    faulty = run(flaky, "faulty.sqlite")
    port = ports[0]  # the address stands in the rows
    faultless = run(mends, "faultless.sqlite")
    lost = {noun for noun in NOUNS if all(fault_of(seed, noun, tried) for tried in (1, 2, 3))}
    assert {noun for noun, row in zip(NOUNS, faulty, strict=True) if row["rewrite_verdict"] == "failed"} == lost
    assert len(lost) < 6
    assert sum(tries.values()) - len(NOUNS) > 15  # it was a bad day
    for noun, *rows in zip(NOUNS, faulty, faultless, strict=True):
        assert (rows[0] == rows[1]) == (noun not in lost)


def test_a_budget_ends_the_run_cleanly(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    """One line, exit code 1; finished shards and answers are kept, and larger budgets pay for the rest alone."""
    write_rows([source(noun) for noun in NOUNS])
    budget = {"requests": 33, "tokens": None, "cost": None}
    with serving({}, default=mends) as server:
        assert stage(server.base_url, budget=budget) == 1
        assert len(server.requests) == 33
        said = capsys.readouterr()
        assert not (OUTPUTS / "rewrite").exists()
        assert_no_key("".join(said))
        last = said.err.splitlines()[-1]
        assert last.startswith("pairmill: error: rewrite.budget.requests is 33, and the next request could exceed it")
        assert "rewrite: 33 requests (0 retries), 33 answers in " in said.out
        assert stage(server.base_url, budget={**budget, "requests": 100}) == 0
        assert len(server.requests) == len(NOUNS)
    assert "(1 shards reused)" in capsys.readouterr().out
    assert [row["final_text"] for row in rewritten()] == [mended(noun) for noun in NOUNS]


def test_a_server_that_dies_ends_the_run(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    """Not with a table of failed rows: one line, and the run goes on when the server is back."""
    write_rows([source(noun) for noun in NOUNS])
    server_params = {"concurrency": 2, "deadline": 30, "retries": 1, "backoff": 0.0, "api_key_env": "PAIRMILL_API_KEY"}
    circuit = {"failures": 6, "cooling": 0.0, "probes": 2}

    def run(base_url: str) -> int:
        return stage(server={**server_params, "base_url": base_url, "circuit": circuit})

    with serving({noun: [sends(b"", 503)] for noun in NOUNS[30:]}, default=mends) as server:
        assert run(server.base_url) == 1
        last = capsys.readouterr().err.splitlines()[-1]
        assert last.startswith(f"pairmill: error: the server at {server.base_url} failed ")
        assert not (OUTPUTS / "rewrite").exists()
        server.script = {}
        well = len(server.requests)
        assert run(server.base_url) == 0
        assert len(server.requests) - well == len(NOUNS) - 30
    assert [row["final_text"] for row in rewritten()] == [mended(noun) for noun in NOUNS]


@pytest.mark.parametrize("reply", [sends(b"", 503), resets], ids=["503", "reset"])
def test_small_shards_hide_no_dying_server(stage: Stage, reply: Reply, capsys: pytest.CaptureFixture[str]) -> None:
    """No shard has rows enough to tell by itself; all together they do."""
    for number, noun in enumerate(NOUNS[:12]):
        write_rows([source(noun)], first_shard=number)
    circuit = {"failures": 6, "cooling": 0.0, "probes": 2}
    asked = {"concurrency": 2, "deadline": 30, "retries": 1, "backoff": 0.0, "api_key_env": "PAIRMILL_API_KEY"}
    with serving({noun: [reply] for noun in NOUNS[2:12]}, default=mends) as server:
        assert stage(server={**asked, "base_url": server.base_url, "circuit": circuit}) == 1
        assert len(server.requests) == 2 + 6 + 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith(
        f"pairmill: error: the server at {server.base_url} failed 8 requests in a row, 2 of them one "
    )


def test_a_stop_keeps_what_was_answered(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    """SIGTERM in the second shard: one line; the next run asks for the rest of that shard, and for the third."""

    def stop(handler: Handler) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        hangs(handler)

    write_rows([source(noun) for noun in NOUNS])
    one_at_a_time = {"concurrency": 1, "deadline": 30, "retries": 0, "backoff": 0.0, "api_key_env": "PAIRMILL_API_KEY"}
    circuit = {"failures": 9, "cooling": 0.0, "probes": 2}

    def run(base_url: str) -> int:
        return stage(server={**one_at_a_time, "base_url": base_url, "circuit": circuit})

    with serving({f"near a {NOUNS[27]}.": [stop]}, default=mends) as server:
        assert run(server.base_url) == 1
        assert capsys.readouterr().err.endswith(f"pairmill: {INTERRUPTED}\n")
        assert json.loads((OUTPUTS / "account/rewrite.json").read_text())["answers"] == 27
        server.script = {}
        asked = len(server.requests)
        assert run(server.base_url) == 0
        assert [request.text for request in server.requests[asked:]] == [request_for(noun) for noun in NOUNS[27:]]
    assert [row["final_text"] for row in rewritten()] == [mended(noun) for noun in NOUNS]


def test_the_bar_shows_what_it_costs(
    stage: Stage, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Answers, rows from the cache, tokens and money so far, while the stage runs."""
    monkeypatch.setattr(progress, "LOG_INTERVAL", 0.0)  # a line for every row
    write_rows([source(noun) for noun in NOUNS[:3]])
    with serving({}, default=mends) as server:
        assert stage(server.base_url, prices={"input": 100.0, "output": 200.0}) == 0
    said = capsys.readouterr()
    assert "2 answers, 0 cached, 290 tokens, cost 0.034" in said.err
    assert "360 tokens in and 75 out, cost 0.051\n" in said.out


def test_each_row_says_how_it_was_asked(stage: Stage) -> None:
    """The prompt, and the version of the prompt with the marks around the text."""
    write_rows([source("dog")])
    with serving({}, default=says(source("dog"))) as server:
        assert stage(server.base_url) == 0
    (row,) = rewritten()
    assert row["rewrite_verdict"] == "unchanged"
    assert row["rewrite_prompt"] == load_params("embedded").rewrite.prompt
    assert len(row["rewrite_prompt_version"]) == 12
