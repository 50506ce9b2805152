"""The account of what a server is asked for, and the budget, which is held before it is exceeded."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from pipeline.backends import load_language_model
from pipeline.backends.cached import CachedModel
from pipeline.chat_answer import Reply as Answer
from pipeline.chat_budget import TEMPLATE_TOKENS, Bill, actual, dearest
from pipeline.chat_usage import Usage
from pipeline.errors import JobError, UsageError
from pipeline.params import BudgetParams, PricesParams, RewriteParams, load_params
from tests.pipeline.asking import asking, at
from tests.pipeline.chat_server import Reply, completion, hangs, resets, sends, serving

COUNT = {"prompt_tokens": 40, "completion_tokens": 10}
COUNTED = sends(completion("ok", usage=COUNT))
PRICES = PricesParams(input=10_000.0, output=100_000.0)  # an answer costs 0.4 + 1.0
TEXTS = [f"row {number}." for number in range(12)]

pytestmark = pytest.mark.usefixtures("keyless")


@pytest.fixture
def params(root: Path, tmp_path: Path) -> RewriteParams:
    """Ten tokens an answer, four rows at once, with a cache."""
    changes = {"cache": str(tmp_path / "answers.sqlite"), "max_new_tokens": 10}
    return asking(load_params("embedded", root).rewrite.model_copy(update=changes), concurrency=4, retries=2)


def load(params: RewriteParams, base_url: str, **limits: float) -> CachedModel:
    """The rewriter with a budget."""
    budget = BudgetParams.model_validate({"requests": None, "tokens": None, "cost": None, **limits})
    changed = params.model_copy(update={"budget": budget if limits else None, "prices": PRICES})
    rewriter = load_language_model(at(changed, base_url=base_url))
    assert rewriter is not None
    return rewriter


MOST = dearest({"messages": [{"role": "user", "content": "row 10."}], "max_tokens": 10})
LIMITS = [
    pytest.param("requests", 5, 5, id="requests"),
    pytest.param("tokens", 50 * 4 + MOST.tokens_in + 10, 5, id="tokens_to_the_last_one"),
    pytest.param("tokens", 50 * 4 + MOST.tokens_in + 9, 4, id="one_token_less"),
    pytest.param("tokens", 9, 0, id="too_little_for_one"),
    pytest.param("cost", 1.4 * 4 + MOST.tokens_in * 0.01 + 1.01, 5, id="cost"),
]


@pytest.mark.parametrize(("limit", "value", "answered"), LIMITS)
def test_a_budget_is_spent_to_the_last_request_that_fits(
    params: RewriteParams, limit: str, value: float, answered: int
) -> None:
    """However many rows are asked at once; what was answered is kept, and another run pays for the rest alone."""
    texts = [f"row {number}." for number in range(10, 22)]  # of one length
    with serving({}, default=COUNTED) as server:
        rewriter = load(params, server.base_url, **{limit: value})
        with pytest.raises(JobError) as error:
            rewriter.complete(texts, lambda _: None)
        assert len(server.requests) == rewriter.usage.requests == answered
        rest = load(params, server.base_url)
        assert [answer.text for answer in rest.complete(texts, lambda _: None)] == ["ok"] * 12
        assert (rest.usage.cached, rest.usage.requests) == (answered, 12 - answered)
    spent = f"(spent: requests {answered}, tokens {50 * answered}, cost {1.4 * answered:.6g})"
    assert str(error.value) == (
        f"rewrite.budget.{limit} is {value:.6g}, and the next request could exceed it {spent}; what is finished is kept: "
        f"run the same command again to spend as much once more, or raise rewrite.budget.{limit} first"
    )


CHARGED = [
    pytest.param([sends(b"", 500)], Bill(3), id="a_status_costs_a_request"),
    *(pytest.param([sends(b"", late)], Bill(3, 3 * MOST.tokens_in, 30), id=str(late)) for late in (408, 504, 524)),
    *(pytest.param([sends(b"", refused)], Bill(3), id=str(refused)) for refused in (409, 429, 502, 503, 525)),
    pytest.param([sends(b"<html>")], Bill(3, 3 * MOST.tokens_in, 30), id="html_may_hide_an_answer"),
    pytest.param([resets], Bill(3, 3 * MOST.tokens_in, 30), id="so_may_a_broken_connection"),
    pytest.param([hangs], Bill(1, MOST.tokens_in, 10), id="and_silence"),
    pytest.param([sends(completion("ok"))], Bill(1, MOST.tokens_in, 10), id="nobody_counted"),
    pytest.param([sends(completion("ok", usage={"prompt_tokens": 7}))], Bill(1, 7, 10), id="half_counted"),
    pytest.param([sends(b"", 503), COUNTED], Bill(2, 40, 10), id="tried_again"),
]


@pytest.mark.parametrize(("replies", "bill"), CHARGED)
def test_what_nobody_has_counted_is_charged_at_its_most(
    params: RewriteParams, replies: Sequence[Reply], bill: Bill
) -> None:
    """A budget is an upper bound, so what may have been billed counts; a refusal counts as a request."""
    with serving({"row": replies}) as server:
        rewriter: Any = load(at(params, deadline=1), server.base_url, requests=100)
        rewriter.complete(["row 10."], lambda _: None)
    assert rewriter._model._client._budget._spent == bill


@pytest.mark.parametrize("text", ["", "a cat", '\n\t\\ "quotes"', "Ünï 😀 漢字", "x" * 5000])
def test_the_most_that_a_request_costs(text: str) -> None:
    """No token is shorter than a byte; what a template puts around the text has its allowance."""
    request = {"messages": [{"role": "user", "content": text}], "max_tokens": 7, "temperature": 0.0}
    most = dearest(request)
    assert (most.requests, most.tokens_out) == (1, 7)
    assert most.tokens_in >= len(text.encode()) + TEMPLATE_TOKENS
    assert actual(Answer("ok", "stop", 3, 4), most) == Bill(1, 4, 3)


def test_a_limit_on_cost_needs_prices(root: Path) -> None:
    """Said when the profile is read."""
    rewrite = load_params("paper", root).rewrite.model_dump()
    budget = {"requests": None, "tokens": None, "cost": 5.0}
    with pytest.raises(ValueError, match=r"rewrite\.budget\.cost needs rewrite\.prices"):
        RewriteParams.model_validate({**rewrite, "budget": budget})
    RewriteParams.model_validate({**rewrite, "budget": budget, "prices": {"input": 0.15, "output": 0.6}})


def test_a_budget_needs_a_cache(root: Path) -> None:
    """Said when the profile is read: a run that the budget ends would lose what it has paid for."""
    rewrite = load_params("paper", root).rewrite.model_dump()
    budget = {"requests": 5, "tokens": None, "cost": None}
    with pytest.raises(ValueError, match=r"rewrite\.budget needs rewrite\.cache: what is paid for must be kept"):
        RewriteParams.model_validate({**rewrite, "budget": budget, "cache": None})
    RewriteParams.model_validate({**rewrite, "budget": budget})
    RewriteParams.model_validate({**rewrite, "cache": None})


def test_the_account(params: RewriteParams, tmp_path: Path) -> None:
    """Requests, retries, tokens by the server's count, cost; the same on the screen and in the file."""
    script = {"row 3.": [sends(b"", 500), COUNTED], "row 4.": [sends(b"", 400)], "row 5.": [sends(completion("ok"))]}
    with serving(script, default=COUNTED) as server:
        rewriter = load(params, server.base_url)
        rewriter.complete([*TEXTS, "row 1."], lambda _: None)
        rewriter.complete(["row 1.", "row 2."], lambda _: None)
    rewriter.write_account(tmp_path / "account/rewrite.json")
    account = json.loads((tmp_path / "account/rewrite.json").read_text())
    slow, fast = account.pop("latency_p95"), account.pop("latency_p50")
    assert slow >= fast > 0.0
    assert account == {
        "model": "m",
        "revision": server.base_url,
        "requests": 13,
        "retries": 1,
        "answers": 11,
        "uncounted_answers": 1,
        "tokens_in": 400,
        "tokens_out": 100,
        "cost": 14.0,
        "prices": {"input": 10_000.0, "output": 100_000.0},
        "cached_rows": 2,
        "cached_tokens_in": 80,
        "cached_tokens_out": 20,
    }
    assert rewriter.usage.brief == "11 answers, 2 cached, 500 tokens, cost 14"
    line = str(rewriter.usage)
    assert line.startswith("13 requests (1 retries), 11 answers in ")
    assert line.endswith("2 rows from the cache, 400 tokens in and 100 out, 1 answers uncounted, cost 14")


@pytest.mark.parametrize(
    ("seconds", "latency"),
    [([], (0.0, 0.0)), ([2.0], (2.0, 2.0)), ([1.0, 3.0], (2.0, 2.9)), (list(range(101)), (50.0, 95.0))],
)
def test_latency(seconds: list[float], latency: tuple[float, float]) -> None:
    """Percentiles of what was measured, from the first answer on."""
    assert Usage(seconds=seconds).latency == pytest.approx(latency)


def test_money_that_nobody_knows_is_not_shown() -> None:
    """Without prices, no cost."""
    usage = Usage()
    usage.answered(5, 6, 0.1)
    assert usage.report()["cost"] is None
    assert "cost" not in f"{usage} {usage.brief}"


def test_a_budget_needs_a_server(params: RewriteParams) -> None:
    """A model in this process sends no bill."""
    budget = BudgetParams(requests=1, tokens=None, cost=None)
    with pytest.raises(UsageError, match=r"^rewrite\.budget means nothing to backend local"):
        load_language_model(params.model_copy(update={"backend": "local", "budget": budget}))
