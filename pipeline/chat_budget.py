"""A limit on what a run may spend on a server, held before a request is sent rather than noticed after it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.chat_answer import Reply
from pipeline.chat_usage import cost
from pipeline.errors import JobError
from pipeline.params import BudgetParams, PricesParams

TEMPLATE_TOKENS = 200  # that a server may put around a conversation: marks, and a system prompt of its own


@dataclass(frozen=True)
class Bill:
    """What requests cost."""

    requests: int = 0
    tokens_in: int = 0
    tokens_out: int = 0

    def __add__(self, other: Bill) -> Bill:
        tokens_in, tokens_out = self.tokens_in + other.tokens_in, self.tokens_out + other.tokens_out
        return Bill(self.requests + other.requests, tokens_in, tokens_out)


def dearest(request: Mapping[str, Any]) -> Bill:
    """The most that a request (the JSON of a chat completion that has `max_tokens`) can cost.

    No tokenizer in use makes more tokens of a text than it has bytes.
    """
    said = len(json.dumps(request["messages"], ensure_ascii=False).encode())
    return Bill(1, said + TEMPLATE_TOKENS, request["max_tokens"])


def actual(reply: Reply, most: Bill) -> Bill:
    """What an answer has cost by the server's count; where it does not count, the most that it can have been."""
    tokens_in = most.tokens_in if reply.tokens_in is None else reply.tokens_in
    return Bill(1, tokens_in, most.tokens_out if reply.tokens is None else reply.tokens)


class Budget:
    """What is spent, and what the requests under way may spend, stay below the limits together.

    `section` of the params is what its errors name.
    """

    def __init__(self, limits: BudgetParams, prices: PricesParams | None, section: str) -> None:
        self._limits = limits
        self._prices = prices
        self._section = section
        self._spent = Bill()
        self._under_way: list[Bill] = []
        self._waiting: list[asyncio.Future[None]] = []

    async def reserve(self, most: Bill) -> None:
        """Wait until `most` fits; each needs its `settle`. Raises JobError when nothing under way can make room."""
        while over := self._exceeded_by(most):
            if not self._under_way:
                raise JobError(self._explain(over))
            change = asyncio.get_running_loop().create_future()
            self._waiting.append(change)
            await change
        self._under_way.append(most)

    def settle(self, most: Bill, spent: Bill) -> None:
        """Put in place of what was set aside for a request what it has cost."""
        self._under_way.remove(most)
        self._spent += spent
        for change in self._waiting:
            if not change.done():  # its task may have been cancelled
                change.set_result(None)
        self._waiting.clear()

    def _exceeded_by(self, most: Bill) -> str:
        """The limit that one more request could exceed, or ""."""
        total = self._amounts(sum(self._under_way, self._spent) + most)
        over = (name for name, limit in self._limits if limit is not None and total[name] > limit)
        return next(over, "")

    def _amounts(self, bill: Bill) -> dict[str, float]:
        """A bill in the terms of the limits."""
        price = 0.0 if self._prices is None else cost(bill.tokens_in, bill.tokens_out, self._prices)
        return {"requests": bill.requests, "tokens": bill.tokens_in + bill.tokens_out, "cost": price}

    def _explain(self, over: str) -> str:
        key, limit = f"{self._section}.budget.{over}", getattr(self._limits, over)
        spent = ", ".join(f"{name} {value:.6g}" for name, value in self._amounts(self._spent).items())
        done = f"{key} is {limit:.6g}, and the next request could exceed it (spent: {spent})"
        mend = f"run the same command again to spend as much once more, or raise {key} first"
        return f"{done}; what is finished is kept: {mend}"
