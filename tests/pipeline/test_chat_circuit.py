"""The circuit breaker, through the client, against a real server that falls ill and recovers."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from pipeline.chat_answer import Reply as Answer
from pipeline.chat_budget import Budget
from pipeline.chat_circuit import Circuit
from pipeline.chat_client import ChatClient, Lost
from pipeline.chat_usage import Usage
from pipeline.errors import JobError
from pipeline.params import BudgetParams, CircuitParams, Params, RewriteParams, load_params
from tests.pipeline.asking import asking, at
from tests.pipeline.chat_server import ChatServer, Handler, Reply, hangs, says, sends, serving

OK = Answer("ok", "stop")
ILL = sends(b"ill", 500)

pytestmark = pytest.mark.usefixtures("keyless")


@pytest.fixture
def params(root: Path) -> RewriteParams:
    """Three failures in a row open the circuit, two probes in vain end the job; a row is tried once."""
    rewrite = asking(load_params("embedded", root).rewrite, concurrency=1, retries=0)
    return at(rewrite, circuit=CircuitParams(failures=3, cooling=0.0, probes=2))


def in_turn(*replies: Reply) -> Reply:
    """Give the replies to the requests in the order of their coming, whatever they ask; the last goes on."""
    lock, left = threading.Lock(), list(replies)

    def reply(handler: Handler) -> None:
        with lock:
            chosen = left.pop(0) if len(left) > 1 else left[0]
        chosen(handler)

    return reply


def complete(params: RewriteParams, server: ChatServer, rows: int, usage: Usage | None = None) -> list[Answer | Lost]:
    """Ask the server `rows` things."""
    client = ChatClient(at(params, base_url=server.base_url).server, "rewrite", usage)
    requests = [{"messages": [{"role": "user", "content": f"row {row}."}], "max_tokens": 9} for row in range(rows)]
    return client.complete(requests, lambda _number, _reply: None)


def test_a_server_that_stays_ill_ends_the_job(params: RewriteParams) -> None:
    """One line with the address, what was tried and the last fault; no request more than it takes to know."""
    done: list[int] = []
    with serving({}, default=in_turn(says("ok"), ILL)) as server:
        client = ChatClient(at(params, base_url=server.base_url).server, "rewrite")
        requests = [{"messages": [{"role": "user", "content": f"row {row}."}], "max_tokens": 9} for row in range(50)]
        with pytest.raises(JobError) as error:
            client.complete(requests, lambda number, _reply: done.append(number))
        url = server.base_url
    assert str(error.value) == (
        f"the server at {url} failed 5 requests in a row, 2 of them one at a time after a pause: status 500: 'ill'; "
        "what is finished is kept, run the same command again when the server is well"
    )
    assert len(server.requests) == 1 + 3 + 2
    assert done == [0, 1, 2]  # answered, and lost before the circuit opened


@pytest.mark.parametrize("ill", [1, 5, 9])
def test_a_server_that_recovers_costs_no_row(params: RewriteParams, ill: int) -> None:
    """However long it was ill, within the probes: every row is answered, by its own tries."""
    patient = at(params, concurrency=4, retries=2, circuit=CircuitParams(failures=3, cooling=0.0, probes=9))
    usage = Usage()
    with serving({}, default=in_turn(*[ILL] * ill, says("ok"))) as server:
        assert complete(patient, server, 12, usage) == [OK] * 12
    assert (usage.requests, usage.retries, len(usage.seconds)) == (12 + ill, ill, 12)


def test_an_open_circuit_lets_one_request_through_at_a_time(params: RewriteParams) -> None:
    """Eight rows wait; what is asked after the opening is asked alone, until one is answered."""
    lock, under_way, peak = threading.Lock(), [0], [0]
    together = threading.Barrier(8)

    def gathered(handler: Handler) -> None:
        together.wait(timeout=20)
        ILL(handler)

    def probed(handler: Handler) -> None:
        with lock:
            under_way[0] += 1
            peak[0] = max(peak[0], under_way[0])
        handler.server.stopping.wait(0.05)  # time enough for another one to come
        with lock:
            under_way[0] -= 1  # before the client hears of it
        ILL(handler)

    patient = at(params, concurrency=8, retries=1, circuit=CircuitParams(failures=1, cooling=0.0, probes=9))
    with serving({}, default=in_turn(*[gathered] * 8, *[probed] * 4, says("ok"))) as server:
        assert complete(patient, server, 8) == [OK] * 8
    assert peak == [1]


def test_the_pauses_grow_and_cost_no_row_its_time(params: RewriteParams) -> None:
    """A row that has a second waits for the circuit for longer; each pause is twice the last."""
    patient = at(params, deadline=1, retries=1, circuit=CircuitParams(failures=1, cooling=0.5, probes=9))
    with serving({}, default=in_turn(ILL, ILL, says("ok"))) as server:
        assert complete(patient, server, 1) == [OK]
    first, second, third = (request.at for request in server.requests)
    assert second - first >= 0.5
    assert third - second >= 1.0


def test_silence_counts(params: RewriteParams) -> None:
    """A server that takes requests and says nothing is as ill as one that says so."""
    hasty = at(params, deadline=1, circuit=CircuitParams(failures=1, cooling=0.0, probes=1))
    with (
        serving({}, default=in_turn(says("ok"), hangs)) as server,
        pytest.raises(JobError, match="no answer within 1 s"),
    ):
        complete(hasty, server, 9)
    assert len(server.requests) == 3


WELL = [
    pytest.param([ILL, ILL, says("ok")] * 4, 8, id="never_three_in_a_row"),
    pytest.param([sends(b"too long", 400)] * 12, 12, id="what_each_row_meets_by_itself"),
    pytest.param([ILL, ILL, sends(b"too long", 422)] * 4, 12, id="a_refusal_is_an_answer"),
]


@pytest.mark.parametrize(("replies", "lost"), WELL)
def test_a_server_that_works_is_not_spared(params: RewriteParams, replies: Sequence[Reply], lost: int) -> None:
    """Rows fail by themselves, and the job goes on."""
    with serving({}, default=in_turn(*replies)) as server:
        answers = complete(params, server, 12)
    assert sum(isinstance(answer, Lost) for answer in answers) == lost
    assert len(server.requests) == 12


DYING = [
    pytest.param(sends(b"", 401), "status 401", id="the_key_is_withdrawn"),
    pytest.param(sends(b"no money left", 402), "status 402: 'no money left'", id="the_money_is_spent"),
    pytest.param(sends(b"no model", 404), "status 404: 'no model'", id="the_model_is_unloaded"),
    pytest.param(sends(b"<html>", 200), "the answer is not a chat completion", id="a_proxy_takes_over"),
    pytest.param(sends(b"", 429), "status 429", id="the_quota_is_used_up"),
]


@pytest.mark.parametrize(("reply", "said"), DYING)
def test_what_every_row_meets_ends_the_job(params: RewriteParams, reply: Reply, said: str) -> None:
    """Later than the first answer too: not thousands of failed rows, but one line."""
    with (
        serving({}, default=in_turn(says("ok"), reply)) as server,
        pytest.raises(JobError, match=f"failed 5 requests in a row.*{said}"),
    ):
        complete(params, server, 50)
    assert len(server.requests) == 6


def test_a_server_that_loads_its_model_is_waited_for(params: RewriteParams) -> None:
    """Before the first answer too: llama.cpp says 503 until it is ready."""
    patient = at(params, concurrency=2, retries=1, circuit=CircuitParams(failures=2, cooling=0.0, probes=9))
    loading: Callable[[Handler], None] = sends(b'{"error": "Loading model"}', 503)
    with serving({}, default=in_turn(*[loading] * 6, says("ok"))) as server:
        assert complete(patient, server, 5) == [OK] * 5


def test_calls_share_what_is_known_of_the_server(params: RewriteParams) -> None:
    """A shard a call, two rows a shard: the third failure in a row opens the circuit in the second of them."""
    requests = [{"messages": [{"role": "user", "content": f"row {row}."}], "max_tokens": 9} for row in range(2)]
    with serving({}, default=in_turn(says("ok"), ILL)) as server:
        client = ChatClient(at(params, base_url=server.base_url).server, "rewrite")
        assert client.complete(requests[:1], lambda _number, _reply: None) == [OK]
        assert client.complete(requests, lambda _number, _reply: None) == [Lost("status 500: 'ill'")] * 2
        with pytest.raises(JobError, match="failed 5 requests in a row, 2 of them one at a time"):
            client.complete(requests, lambda _number, _reply: None)
    assert len(server.requests) == 1 + 3 + 2


def test_a_circuit_serves_one_event_loop_after_another(params: RewriteParams) -> None:
    """Rows wait for a probe in each of two calls."""
    patient = at(params, concurrency=8, retries=1, circuit=CircuitParams(failures=1, cooling=0.05, probes=9))
    requests = [{"messages": [{"role": "user", "content": f"row {row}."}], "max_tokens": 9} for row in range(8)]
    with serving({}) as server:
        client = ChatClient(at(patient, base_url=server.base_url).server, "rewrite")
        for _ in range(2):
            server.default = in_turn(*[ILL] * 8, says("ok"))
            assert client.complete(requests, lambda _number, _reply: None) == [OK] * 8


def test_what_is_given_up_says_nothing_about_the_server() -> None:
    """A probe that was cancelled lets the next one probe, and counts for none; nor does a request count."""

    async def give_up() -> list[bool]:
        circuit = Circuit(CircuitParams(failures=1, cooling=0.0, probes=1), "the server")
        circuit.begin()
        closed = [await circuit.enter()]
        circuit.abandon(probe=False)
        closed.append(circuit.is_open)
        circuit.leave("ill", probe=await circuit.enter())
        for _ in range(3):
            assert await asyncio.wait_for(circuit.enter(), 5.0)
            circuit.abandon(probe=True)
        return closed

    assert asyncio.run(give_up()) == [False, False]


def test_a_spent_budget_is_not_the_server_s_fault(params: RewriteParams) -> None:
    """Not at the last probe either: the line is the budget's."""
    hasty = at(params, circuit=CircuitParams(failures=2, cooling=0.0, probes=1))
    budget = Budget(BudgetParams(requests=2, tokens=None, cost=None), None, "rewrite")
    requests = [{"messages": [{"role": "user", "content": f"row {row}."}], "max_tokens": 9} for row in range(3)]
    with serving({}, default=ILL) as server:
        client = ChatClient(at(hasty, base_url=server.base_url).server, "rewrite", budget=budget)
        with pytest.raises(JobError, match=r"^rewrite\.budget\.requests is 2, and the next request could exceed it"):
            client.complete(requests, lambda _number, _reply: None)
    assert len(server.requests) == 2


@pytest.mark.parametrize("section", ["describe", "rewrite"])
@pytest.mark.parametrize(("retries", "failures", "said"), [(3, 4, "4"), (3, 5, ""), (0, 1, "1"), (0, 2, "")])
def test_one_bad_row_must_not_open_the_circuit(
    root: Path, section: str, retries: int, failures: int, said: str
) -> None:
    """Said when the profile is read, with both keys."""
    profile = load_params("smoke", root)
    changed = asking(getattr(profile, section), concurrency=1, retries=retries)
    circuit = CircuitParams(failures=failures, cooling=0.0, probes=1)
    values = {**profile.model_dump(), section: at(changed, circuit=circuit).model_dump()}
    if not said:
        assert getattr(Params.model_validate(values), section).server.retries == retries
        return
    keys = (
        rf"{section}\.server\.circuit\.failures \({failures}\) must be above {section}\.server\.retries \+ 1 \({said}\)"
    )
    with pytest.raises(ValueError, match=keys):
        Params.model_validate(values)


def test_an_interruption_leaves_no_traceback_behind(params: RewriteParams, caplog: pytest.LogCaptureFixture) -> None:
    """Ctrl-C in the middle of a row is the caller's; asyncio has nothing to add about the tasks that it ended."""

    def interrupt(_number: int, _reply: object) -> None:
        raise KeyboardInterrupt

    with serving({}, default=says("ok")) as server:
        client = ChatClient(at(params, base_url=server.base_url, concurrency=2).server, "rewrite")
        requests = [{"messages": [{"role": "user", "content": f"row {row}."}], "max_tokens": 9} for row in range(3)]
        with pytest.raises(KeyboardInterrupt):
            client.complete(requests, interrupt)
        gc.collect()
    assert [record.getMessage() for record in caplog.records if record.name == "asyncio"] == []
