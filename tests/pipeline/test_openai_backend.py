"""The client of OpenAI-compatible servers against a real server that does everything wrong that servers do."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from email.utils import formatdate
from pathlib import Path
from time import time

import pytest

from pipeline import chat_answer
from pipeline.backends import load_language_model
from pipeline.backends.cached import CachedModel
from pipeline.backends.completion import Completion
from pipeline.chat_answer import LONGEST_PAUSE, read_retry_after
from pipeline.errors import JobError, UsageError
from pipeline.params import CircuitParams, RewriteParams, load_params
from tests.pipeline.asking import asking, at
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
from tests.pipeline.misbehaving import closed_port

KEY = "sk-secret-0123456789"
OK = Completion("ok", "stop")
HTML = b"<!DOCTYPE html>\n<html><body>Welcome to nginx!</body></html>"

pytestmark = pytest.mark.usefixtures("keyless")


@pytest.fixture
def params(root: Path) -> RewriteParams:
    """Asks one row at a time, and keeps no answer."""
    rewrite = load_params("embedded", root).rewrite.model_copy(update={"cache": None})
    return asking(rewrite, concurrency=1, retries=3)


def load(params: RewriteParams) -> CachedModel:
    """The rewriter that the params name."""
    rewriter = load_language_model(params)
    assert rewriter is not None
    return rewriter


def complete(params: RewriteParams, texts: Sequence[str], replies: Sequence[Reply]) -> tuple[list[Completion], int]:
    """Ask `texts` of a server that treats the one named "bad" as `replies` say; the answers, and the tries of "bad"."""
    with serving({"bad": replies}) as server:
        rewriter = load(at(params, base_url=server.base_url))
        return rewriter.complete(texts, lambda _: None), len(server.tries("bad"))


CURED = [
    pytest.param([sends(b"", 429), says("ok")], 2, id="429_without_retry_after"),
    pytest.param([sends(b"", 429, Retry_After="0"), says("ok")], 2, id="429_with_retry_after_0"),
    pytest.param([sends(b"", 429, Retry_After="soon"), says("ok")], 2, id="429_with_nonsense"),
    pytest.param([sends(b"oops", 500), says("ok")], 2, id="500"),
    pytest.param([sends(b"", 503), sends(b"", 502), sends(HTML, 504), says("ok")], 4, id="503_502_504"),
    pytest.param([sends(b"", 408), sends(b"", 409), says("ok")], 3, id="408_409"),
    pytest.param([resets, says("ok")], 2, id="reset"),
    pytest.param([breaks_off, says("ok")], 2, id="broken_off"),
    pytest.param([sends(HTML), says("ok")], 2, id="html_under_200"),
    pytest.param([sends(b"{"), sends(b'{"choices": []}'), sends(completion(None)), says("ok")], 4, id="no_completions"),
    pytest.param([sends(b"garbage", Content_Encoding="gzip"), says("ok")], 2, id="no_gzip"),
]


@pytest.mark.parametrize(("replies", "tries"), CURED)
def test_what_may_pass_is_tried_again(params: RewriteParams, replies: Sequence[Reply], tries: int) -> None:
    """The row gets its answer, and the server no request more than it takes."""
    assert complete(params, ["bad"], replies) == ([OK], tries)


LOST = [
    pytest.param([sends(b"out of memory", 500)], 4, "status 500: 'out of memory'", id="500_for_ever"),
    pytest.param([sends(b"", 429)], 4, "status 429: no text", id="429_for_ever"),
    pytest.param([sends(b'{"error": "too long"}', 400)], 1, "status 400: '{\"error\": \"too long\"}'", id="400"),
    pytest.param([sends(b"moderated", 403)], 1, "status 403: 'moderated'", id="403_for_one_row"),
    pytest.param([sends(completion("ok"), 202)], 1, "status 202: ", id="good_body_under_202"),
    pytest.param([resets], 4, "the connection broke", id="reset_for_ever"),
    pytest.param([floods], 1, "the answer is longer than 4194304 bytes", id="floods"),
    pytest.param([sends(HTML)], 4, "the answer is not a chat completion (Invalid JSON", id="html_under_200"),
    pytest.param([sends(b"")], 4, "the answer is not a chat completion (Invalid JSON", id="empty_body"),
    pytest.param([sends(completion("ok")[:-2])], 4, "the answer is not a chat completion (Invalid JSON", id="torn_json"),
    pytest.param([sends(b"\xff\xfe")], 4, "the answer is not a chat completion (Invalid JSON", id="no_utf8"),
    pytest.param([sends(rb'{"choices":[{"message":{"content":"\ud800"}}]}')], 4, "the answer is not a chat completion (Invalid JSON", id="lone_surrogate"),
    pytest.param([sends(b"[]")], 4, "the answer is not a chat completion (Input should be an object", id="list"),
    pytest.param([sends(b'{"error": {"message": "busy"}}')], 4, "the answer is not a chat completion (choices: Field required", id="error_under_200"),
    pytest.param([sends(b'{"choices": []}')], 4, "the answer is not a chat completion (choices: List should have at least 1 item", id="empty_choices"),
    pytest.param([sends(b'{"choices": [{}]}')], 4, "the answer is not a chat completion (choices.0.message: Field required", id="no_message"),
    pytest.param([sends(completion(None))], 4, "the answer is not a chat completion (choices.0.message.content: Input should be a valid string", id="null_content"),
    pytest.param([sends(completion([{"type": "text"}]))], 4, "the answer is not a chat completion (choices.0.message.content: Input", id="content_in_parts"),
    pytest.param([sends(b"garbage", Content_Encoding="gzip")], 4, "the connection broke", id="no_gzip"),
]  # fmt: skip


@pytest.mark.parametrize(("replies", "tries", "error"), LOST)
def test_a_bad_answer_costs_its_row_alone(
    params: RewriteParams, replies: Sequence[Reply], tries: int, error: str
) -> None:
    """The rows around it are answered, its own says on one line why it was not."""
    (first, lost, last), tried = complete(params, ["one", "bad", "two"], replies)
    assert (first, last, tried) == (OK, OK, tries)
    assert lost.text is None
    assert lost.error is not None
    assert lost.error.startswith(error)
    assert "\n" not in lost.error
    assert len(lost.error) < 400


@pytest.mark.parametrize("reply", [hangs, drips])
def test_a_row_has_a_deadline(params: RewriteParams, reply: Reply) -> None:
    """Silence, or a byte now and then, for ever: the row ends, and the others are answered."""
    answers, tries = complete(at(params, deadline=2), ["one", "bad", "two"], [reply])
    assert answers == [OK, Completion(None, error="no answer within 2 s"), OK]
    assert tries == 1


TAKEN = [
    pytest.param(says("A red bus", "length"), Completion("A red bus", "length"), id="length"),
    pytest.param(says("A red bus", None), Completion("A red bus", ""), id="no_finish_reason"),
    pytest.param(says(""), Completion("", "stop"), id="empty_text"),
    pytest.param(says(" \n ünï 😀 \x00"), Completion(" \n ünï 😀 \x00", "stop"), id="as_it_is"),
    pytest.param(sends(completion("ok", timings={"n": 1})), OK, id="fields_of_its_own"),
]


@pytest.mark.parametrize(("reply", "expected"), TAKEN)
def test_an_answer_is_taken_as_it_is(params: RewriteParams, reply: Reply, expected: Completion) -> None:
    """The raw text, and why it ended in the server's words; judging it is the stage's work."""
    assert complete(params, ["bad"], [reply]) == ([expected], 1)


def test_the_request_carries_the_params(params: RewriteParams, monkeypatch: pytest.MonkeyPatch) -> None:
    """Model, message, decoding and key, to base_url's `chat/completions`, whether or not it ends in a slash."""
    monkeypatch.setenv("PAIRMILL_API_KEY", f" {KEY}\n")
    changes = {"temperature": 0.7, "max_new_tokens": 55, "seed": 3}
    with serving({}) as server:
        changed = at(params, base_url=server.base_url + "/").model_copy(update=changes)
        assert load(changed).complete(["Fix: a cat"], lambda _: None) == [OK]
    (request,) = server.requests
    assert (request.path, request.authorization) == ("/v1/chat/completions", f"Bearer {KEY}")
    message = {"role": "user", "content": "Fix: a cat"}
    decoding = {"temperature": 0.7, "max_tokens": 55, "seed": 3}
    assert request.body == {"model": "m", "messages": [message], **decoding}


def test_without_a_key_no_key_is_sent(params: RewriteParams) -> None:
    """A server on one's own machine asks for none."""
    with serving({}) as server:
        load(at(params, base_url=server.base_url)).complete(["a"], lambda _: None)
    assert server.requests[0].authorization is None


def test_retry_after_is_waited_for(params: RewriteParams) -> None:
    """The second try comes no sooner than the server asked for."""
    with serving({"bad": [sends(b"", 429, Retry_After="1"), says("ok")]}) as server:
        rewriter = load(at(params, base_url=server.base_url))
        assert rewriter.complete(["bad"], lambda _: None) == [OK]
    first, second = server.tries("bad")
    assert second.at - first.at >= 1.0


@pytest.mark.parametrize(
    ("replies", "answer", "tries"),
    [
        pytest.param([sends(b"", 429, Retry_After="1"), says("ok")], OK, 2, id="longer_than_the_deadline"),
        pytest.param([sends(b"", 503, Retry_After="86400"), says("ok")], OK, 2, id="longer_than_the_longest"),
        pytest.param(
            [sends(b"", 429, Retry_After="86400")], Completion(None, error="status 429: no text"), 3, id="for_ever"
        ),
    ],
)
def test_a_pause_that_the_server_asks_for_is_not_the_row_s(
    params: RewriteParams, replies: Sequence[Reply], answer: Completion, tries: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A row that has a second waits for longer, as often as it has retries."""
    monkeypatch.setattr(chat_answer, "LONGEST_PAUSE", 1.1)
    assert complete(at(params, deadline=1, retries=2), ["bad"], replies) == ([answer], tries)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("", 0.0),
        ("0", 0.0),
        (" 7 ", 7.0),
        ("60", 60.0),
        ("61", LONGEST_PAUSE),
        ("9" * 400, LONGEST_PAUSE),
        ("-5", 0.0),
        ("1.5", 0.0),
        ("nan", 0.0),
        ("soon", 0.0),
        ("Fri, 99 Foo 2030 00:00:00 GMT", 0.0),
        (formatdate(0, usegmt=True), 0.0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", LONGEST_PAUSE),
    ],
)
def test_retry_after_is_read(value: str, seconds: float) -> None:
    """Seconds or a date; never more than the cap, and nothing where it is neither."""
    assert read_retry_after(value) == seconds


def test_a_retry_after_date_is_a_pause() -> None:
    """A date in half a minute is half a minute."""
    assert 25.0 < read_retry_after(formatdate(time() + 30, usegmt=True)) <= 30.0


def test_concurrency_is_used_and_kept(params: RewriteParams) -> None:
    """Three requests are under way at once, and never four; the answers come in the order of the texts."""
    together, under_way, peak = threading.Barrier(3), [0], [0]
    lock = threading.Lock()

    def reply(handler: Handler) -> None:
        with lock:
            under_way[0] += 1
            peak[0] = max(peak[0], under_way[0])
        together.wait(timeout=20)
        with lock:
            under_way[0] -= 1
        says(handler.request_seen.text.upper())(handler)

    texts = [f"bad {number}" for number in range(9)]
    advanced: list[int] = []
    with serving({"bad": [reply]}) as server:
        rewriter = load(at(params, base_url=server.base_url, concurrency=3))
        answers = rewriter.complete(texts, advanced.append)
    assert [answer.text for answer in answers] == [text.upper() for text in texts]
    assert peak == [3]
    assert advanced == [0, *[1] * 9]


SETUP = [
    pytest.param([sends(b"", 404)], "", "status 404: no text; set rewrite.server.base_url and rewrite.model to what the server has", id="404"),
    pytest.param([sends(b"", 301, Location="http://x.test/")], "", "status 301: no text; set rewrite.server.base_url", id="redirect"),
    pytest.param([sends(b"", 401)], "", "status 401: no text; put a key into the environment variable PAIRMILL_API_KEY (there is none)", id="no_key"),
    pytest.param([sends(b"", 401)], KEY, "status 401: no text; put a key into the environment variable PAIRMILL_API_KEY (the one there is refused)", id="wrong_key"),
    pytest.param([sends(b"no money", 402)], KEY, "status 402: 'no money'; put a key", id="nothing_paid"),
]  # fmt: skip


@pytest.mark.parametrize(("replies", "key", "expected"), SETUP)
def test_what_every_row_would_get_ends_the_job(
    params: RewriteParams, replies: Sequence[Reply], key: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One line that names the address and the mend, after one request; the key is not in it."""
    monkeypatch.setenv("PAIRMILL_API_KEY", key)
    with serving({"bad": replies}) as server:
        rewriter = load(at(params, base_url=server.base_url))
        with pytest.raises(JobError) as error:
            rewriter.complete([f"bad {number}" for number in range(5)], lambda _: None)
    assert str(error.value).startswith(f"no model for rewrite at {server.base_url}: {expected}")
    assert KEY not in str(error.value)
    assert len(server.requests) == 1


def test_a_dead_server_ends_the_job(params: RewriteParams) -> None:
    """Nobody listens, not at the last try either: one line that names the address, and no row is called failed.

    Nor is it waited for, as for a server that has answered before.
    """
    url = f"http://127.0.0.1:{closed_port()}/v1"
    rewriter = load(at(params, base_url=url, concurrency=4, circuit=CircuitParams(failures=2, cooling=0.0, probes=1)))
    with pytest.raises(
        JobError, match=f"^no model for rewrite at {url}: cannot connect .*; start the server, or set rewrite.server"
    ):
        rewriter.complete([f"text {number}" for number in range(20)], lambda _: None)


def test_a_server_that_dies_later_ends_the_job(params: RewriteParams, tmp_path: Path) -> None:
    """No row is to blame, so none fails; what was answered is kept, before it died and in the call in which it did."""
    kept = params.model_copy(update={"cache": str(tmp_path / "answers.sqlite")})
    with serving({}) as server:
        rewriter = load(at(kept, base_url=server.base_url))
        assert rewriter.complete(["one"], lambda _: None) == [OK]

        def die(done: int) -> None:
            if done and not server.stopping.is_set():
                server.stopping.set()
                server.shutdown()
                server.server_close()

        with pytest.raises(JobError) as error:
            rewriter.complete(["two", "three", "four"], die)
    assert str(error.value).startswith(f"the server at {server.base_url} has gone: cannot connect")
    assert str(error.value).endswith("; start it and run the same command again; what is finished is kept")
    with serving({}, port=server.server_port) as server:
        rewriter = load(at(kept, base_url=server.base_url))
        assert rewriter.complete(["one", "two", "three", "four"], lambda _: None) == [OK] * 4
        assert sorted(request.text for request in server.requests) == ["four", "three"]


@pytest.mark.parametrize(
    "replies",
    [
        pytest.param([echoes_headers], id="in_a_status"),
        pytest.param([sends(json.dumps({"got": f"Bearer {KEY}"}).encode())], id="in_a_bad_answer"),
        pytest.param([sends(b" " * 1990 + KEY.encode(), 400)], id="far_behind"),
        pytest.param([lambda handler: handler.wfile.write(f"{KEY}\r\n\r\n".encode())], id="for_a_status_line"),
    ],
)
def test_the_key_never_leaves(params: RewriteParams, replies: Sequence[Reply], monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that sends the key back does not bring it into a row."""
    monkeypatch.setenv("PAIRMILL_API_KEY", KEY)
    (answer,), _ = complete(params, ["bad"], replies)
    assert answer.error is not None
    assert "***" in answer.error
    assert "sk-" not in answer.error


@pytest.mark.parametrize("reply", [says(f"A red {KEY}."), says("A red bus.", KEY)], ids=["text", "finish"])
def test_an_answer_with_the_key_is_none(params: RewriteParams, reply: Reply, monkeypatch: pytest.MonkeyPatch) -> None:
    """It costs its row, and is not asked for again: the same request would bring the same."""
    monkeypatch.setenv("PAIRMILL_API_KEY", KEY)
    lost = Completion(None, error="the answer holds the API key")
    assert complete(params, ["one", "bad"], [reply]) == ([OK, lost], 1)


SHORT = [
    pytest.param("cat", "no cat here", id="too_short_to_hide"),
    pytest.param("test", "no *** here", id="a_word"),
    pytest.param("EMPTY", "no *** here", id="a_placeholder"),
    pytest.param("fifteen-letters", "no *** here", id="as_long_as_placeholders_are"),
]


@pytest.mark.parametrize(("key", "quote"), SHORT)
def test_a_key_that_is_a_word_changes_no_answer(
    params: RewriteParams, key: str, quote: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Servers that ask for no key are given any; in an error it is hidden all the same."""
    monkeypatch.setenv("PAIRMILL_API_KEY", key)
    assert complete(params, ["bad"], [says(f"A {key} of the house.", key)]) == (
        [Completion(f"A {key} of the house.", key)],
        1,
    )
    error = Completion(None, error=f"status 400: '{quote}'")
    assert complete(params, ["bad"], [sends(f"no {key} here".encode(), 400)]) == ([error], 1)


@pytest.mark.parametrize(
    ("base_url", "message"),
    [
        pytest.param("", "rewrite.server.base_url: it must look like http://host:port/v1", id="empty"),
        pytest.param("localhost:8000/v1", "rewrite.server.base_url: it must look like", id="no_scheme"),
        pytest.param("ftp://host/v1", "rewrite.server.base_url: it must look like", id="ftp"),
        pytest.param("http://host:port/v1", "rewrite.server.base_url is no address: it must look like", id="no_port"),
        pytest.param("http://user:pass@host/v1", "rewrite.server.base_url: it must look like", id="password"),
        pytest.param("http://host/v1?key=pass", "rewrite.server.base_url: it must look like", id="key_in_query"),
    ],
)
def test_an_address_that_cannot_be_is_a_usage_error(params: RewriteParams, base_url: str, message: str) -> None:
    """Before anything is asked; a password in it is not repeated."""
    with pytest.raises(UsageError) as error:
        load(at(params, base_url=base_url))
    assert str(error.value).startswith(message)
    assert "pass@" not in str(error.value)
    assert "key=" not in str(error.value)


def test_no_server_at_all_is_a_usage_error(params: RewriteParams) -> None:
    """The section is named."""
    with pytest.raises(UsageError, match=r"^rewrite\.server is null: backend openai needs its base_url"):
        load(params.model_copy(update={"server": None}))


@pytest.mark.parametrize("key", ["sk-a\nb", "sk-ä"])
def test_a_key_that_no_header_can_carry_is_a_usage_error(
    params: RewriteParams, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The variable is named, the key is not."""
    monkeypatch.setenv("PAIRMILL_API_KEY", key)
    with pytest.raises(UsageError, match=r"^the environment variable PAIRMILL_API_KEY holds no key") as error:
        load(params)
    assert "sk-" not in str(error.value)


def test_nothing_to_ask_asks_nothing(params: RewriteParams) -> None:
    """A shard without a living row needs no server."""
    assert load(params).complete([], lambda _: None) == []
