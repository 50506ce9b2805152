"""Any server that speaks OpenAI's `/chat/completions`, asked to mend texts."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pipeline.backends.completion import Completion
from pipeline.chat_client import BACKOFF, ChatClient, Lost
from pipeline.params import RewriteParams


class ServerRewriter:
    """A model behind a server."""

    def __init__(self, params: RewriteParams, backoff: float = BACKOFF) -> None:
        self._client = ChatClient(params.server, "rewrite", backoff)
        self._params = params
        self.name = params.model
        self.revision = self._client.url

    def complete(self, texts: Sequence[str], advance: Callable[[int], None]) -> list[Completion]:
        """See Rewriter. Raises JobError when the server cannot be worked with at all."""
        replies = self._client.complete([self._request(text) for text in texts], advance)
        return [
            Completion(None, error=reply.reason) if isinstance(reply, Lost) else Completion(reply.text, reply.finish)
            for reply in replies
        ]

    def _request(self, text: str) -> dict[str, object]:
        return {
            "model": self._params.model,
            "messages": [{"role": "user", "content": text}],
            "max_tokens": self._params.max_new_tokens,
            "temperature": self._params.temperature,
            "seed": self._params.seed,
        }
