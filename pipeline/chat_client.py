"""A client of any server that speaks OpenAI's `/chat/completions`: llama.cpp, vLLM, SGLang, Ollama, the hosted ones.

Whatever a server does costs the row it does it to and no other. An error that no row can be blamed for ends the job
instead: before a first answer, nobody listens, a wrong key, a wrong address; later, a server that fails everybody.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import httpx

from pipeline.chat_answer import LONGEST_PAUSE, Reply
from pipeline.chat_budget import Bill, Budget, actual, dearest
from pipeline.chat_circuit import Circuit
from pipeline.chat_exchange import Exchange, Failure, Unreachable
from pipeline.chat_usage import Usage
from pipeline.errors import JobError, UsageError
from pipeline.params import ServerParams

CONNECT_TIMEOUT = 10.0  # seconds; the answer itself may take up to the row's deadline


@dataclass(frozen=True)
class Lost:
    """A request without an answer, the reason on one line. `unreachable`: nobody listened, so no row is to blame."""

    reason: str
    unreachable: bool = False


@dataclass
class _Row:
    """A request, the time it has left, and how often it was sent."""

    request: Mapping[str, object]
    deadline: asyncio.Timeout
    tries: int = 0

    @property
    def time_left(self) -> float:
        """Seconds."""
        return (self.deadline.when() or 0.0) - asyncio.get_running_loop().time()

    @asynccontextmanager
    async def waiting(self) -> AsyncIterator[None]:
        """Time that does not count: it is spent on others' account."""
        left = self.time_left
        self.deadline.reschedule(None)
        try:
            yield
        finally:
            self.deadline.reschedule(asyncio.get_running_loop().time() + left)


class ChatClient:
    """A server, asked `concurrency` requests at a time. `section` of the params is what its errors name."""

    def __init__(
        self, server: ServerParams | None, section: str, usage: Usage | None = None, budget: Budget | None = None
    ) -> None:
        if server is None:
            raise UsageError(f"{section}.server is null: backend openai needs its base_url and the keys beside it")
        self._exchange = Exchange(server, section)
        self.url = self._exchange.url
        self._server = server
        self._section = section
        self._usage = usage or Usage()
        self._budget = budget
        self._circuit = Circuit(server.circuit, f"the server at {self.url}")  # what it has learnt outlasts a call
        self._answered = False

    def complete(
        self, requests: Sequence[Mapping[str, object]], ended: Callable[[int, Reply | Lost], None]
    ) -> list[Reply | Lost]:
        """Send each request (the JSON of a chat completion); the answers in their order.

        `ended` is told of every request that has ended: its number, and its answer. Raises JobError when the server
        cannot be worked with, when it was not to be reached at the end, and when the budget is spent.
        """
        with asyncio.Runner() as runner:
            runner.get_loop().set_exception_handler(_unless_interrupted)
            replies = runner.run(self._complete(requests, ended))
        for reply in replies:
            if isinstance(reply, Lost) and reply.unreachable:
                mend = "start it and run the same command again; what is finished is kept"
                raise JobError(f"the server at {self.url} has gone: {reply.reason}; {mend}")
        return replies

    async def _complete(
        self, requests: Sequence[Mapping[str, object]], ended: Callable[[int, Reply | Lost], None]
    ) -> list[Reply | Lost]:
        slots = asyncio.Semaphore(self._server.concurrency)
        self._circuit.begin()

        async def complete_one(client: httpx.AsyncClient, number: int) -> Reply | Lost:
            async with slots:
                reply = await self._complete_row(client, requests[number])
            ended(number, reply)
            return reply

        try:
            async with self._client() as client, asyncio.TaskGroup() as group:
                rows = [group.create_task(complete_one(client, number)) for number in range(len(requests))]
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from None
        return [row.result() for row in rows]

    def _client(self) -> httpx.AsyncClient:
        # No limit on connections: `slots` is one. No timeout but for connecting: a row has its deadline.
        limits = httpx.Limits(max_connections=None)
        timeout = httpx.Timeout(None, connect=CONNECT_TIMEOUT)
        return httpx.AsyncClient(headers=self._exchange.headers, limits=limits, timeout=timeout)

    async def _complete_row(self, client: httpx.AsyncClient, request: Mapping[str, object]) -> Reply | Lost:
        """One row, all tries within its deadline, which begins when its turn has come."""
        try:
            async with asyncio.timeout(self._server.deadline) as deadline:
                return await self._try(client, _Row(request, deadline))
        except TimeoutError:
            return Lost(f"no answer within {self._server.deadline} s")
        except Failure as failure:
            if failure.mend and not self._answered:
                place = f"no model for {self._section} at {self.url}"
                raise JobError(f"{place}: {failure}; {failure.mend}") from None
            return Lost(str(failure), unreachable=isinstance(failure, Unreachable))

    async def _try(self, client: httpx.AsyncClient, row: _Row) -> Reply:
        """Ask until there is an answer, a failure that will not pass, no try or no time.

        A pause that the server asks for is not the row's: LONGEST_PAUSE and the retries bound it.
        """
        while True:
            try:
                reply = await self._send(client, row)
            except Failure as failure:
                widest = min(LONGEST_PAUSE, self._server.backoff * 2 ** (row.tries - 1))
                pause = max(failure.pause, random.uniform(0.0, widest))  # full jitter
                tired = row.tries > self._server.retries and not self._circuit.is_open
                if not failure.passing or tired or (not failure.pause and row.time_left <= pause):
                    raise
                async with row.waiting() if failure.pause else nullcontext():
                    await asyncio.sleep(pause)
            else:
                self._answered = True
                return reply

    async def _send(self, client: httpx.AsyncClient, row: _Row) -> Reply:
        """Send a row's request once, when the circuit lets it, and let the circuit know how that went."""
        async with row.waiting():
            probe = await self._circuit.enter()
        try:
            reply = await self._pay(client, row)
        except Failure as failure:
            # Before a first answer, what the user can mend ends the job by itself; what only this row meets does not.
            counts = self._answered if failure.mend else failure.passing
            self._circuit.leave(str(failure) if counts else None, probe=probe)
            raise
        except BaseException:
            if row.deadline.expired():
                self._circuit.leave(f"no answer within {self._server.deadline} s", probe=probe)
            else:  # the job has ended for a reason of its own
                self._circuit.abandon(probe=probe)
            raise
        self._circuit.leave(None, probe=probe)
        return reply

    async def _pay(self, client: httpx.AsyncClient, row: _Row) -> Reply:
        """Ask when the budget lets it."""
        if self._budget is None:
            return await self._ask(client, row)
        most = dearest(row.request)
        async with row.waiting():
            await self._budget.reserve(most)
        spent = most  # of a request that is cut off
        try:
            reply = await self._ask(client, row)
            spent = actual(reply, most)
        except Failure as failure:
            spent = most if failure.billed else Bill(1)
            raise
        finally:
            self._budget.settle(most, spent)
        return reply

    async def _ask(self, client: httpx.AsyncClient, row: _Row) -> Reply:
        """Ask, and keep the account."""
        began = time.monotonic()
        self._usage.requests += 1
        self._usage.retries += row.tries > 0
        row.tries += 1
        reply = await self._exchange.ask(client, row.request)
        self._usage.answered(reply.tokens_in, reply.tokens, time.monotonic() - began)
        return reply


def _unless_interrupted(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """asyncio's own word on what nobody waited for, but for Ctrl-C: that ends the run, in a line of its own."""
    if not isinstance(context.get("exception"), KeyboardInterrupt):
        loop.default_exception_handler(context)
