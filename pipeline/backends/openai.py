"""Any server that speaks OpenAI's `/chat/completions`, asked about texts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from pipeline.backends.completion import Completion
from pipeline.chat_answer import Reply
from pipeline.chat_budget import Budget
from pipeline.chat_client import ChatClient, Lost
from pipeline.chat_usage import Usage
from pipeline.params import LanguageModelParams


class ServerModel:
    """A model behind a server."""

    def __init__(self, params: LanguageModelParams) -> None:
        self.usage = Usage(params.prices)
        budget = Budget(params.budget, params.prices, params.section) if params.budget else None
        self._client = ChatClient(params.server, params.section, self.usage, budget)
        self._params = params
        self.name = params.model
        self.revision = self._client.url

    def request(self, text: str) -> dict[str, object]:
        """See Model."""
        return {
            "model": self._params.model,
            "messages": [{"role": "user", "content": text}],
            "max_tokens": self._params.max_new_tokens,
            "temperature": self._params.temperature,
            "seed": self._params.seed,
        }

    def answer(self, requests: Sequence[Mapping[str, object]], take: Callable[[int, Completion], None]) -> None:
        """See Model. Raises JobError when the server cannot be worked with, and when the budget is spent."""
        self._client.complete(requests, lambda number, reply: take(number, _completion(reply)))


def _completion(reply: Reply | Lost) -> Completion:
    if isinstance(reply, Lost):
        return Completion(None, error=reply.reason)
    return Completion(reply.text, reply.finish, tokens_in=reply.tokens_in, tokens_out=reply.tokens)
