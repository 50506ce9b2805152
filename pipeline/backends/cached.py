"""A language model that is asked nothing twice."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from pipeline.backends.cache import AnswerCache, is_finished, key_of
from pipeline.backends.completion import Completion
from pipeline.chat_usage import Usage
from pipeline.files import write_text


class Model(Protocol):
    """The model behind the cache. Its revision and a request decide the answer, as far as anything does."""

    name: str
    revision: str
    usage: Usage

    def request(self, text: str) -> Mapping[str, object]:
        """A user message with all params that bear on its answer, as JSON values."""
        ...

    def answer(self, requests: Sequence[Mapping[str, object]], take: Callable[[int, Completion], None]) -> None:
        """Answer the requests; each answer goes to `take` with its request's number as soon as it is there.

        A request that brings no answer ends in a Completion with an error. Raises JobError when none is to blame.
        """
        ...


class CachedModel:
    """A model behind a cache of its answers; `version` is that of the prompt. Without a cache it is asked each time."""

    def __init__(self, model: Model, cache: AnswerCache | None, version: str) -> None:
        self.name = model.name
        self.revision = model.revision
        self.usage = model.usage
        self._model = model
        self._cache = cache
        self._version = version

    def complete(self, texts: Sequence[str], advance: Callable[[int], None]) -> list[Completion]:
        """See LanguageModel. Equal texts are asked about once; each answer is on disk before its rows count as done."""
        requests = {}
        keys = []
        for text in texts:
            request = self._model.request(text)
            keys.append(key_of(self.revision, request, self._version))
            requests[keys[-1]] = request
        rows = Counter(keys)
        answers = self._recall(rows)
        advance(sum(rows[key] for key in answers))
        missing = [key for key in requests if key not in answers]

        def take(number: int, completion: Completion) -> None:
            key = missing[number]
            answers[key] = completion
            if self._cache and is_finished(completion):
                self._cache.put(key, completion)
            advance(rows[key])

        self._model.answer([requests[key] for key in missing], take)
        return [answers[key] for key in keys]

    def write_account(self, path: Path) -> None:
        """Write what the run has cost so far as JSON."""
        account = {"model": self.name, "revision": self.revision, **self.usage.report()}
        write_text(json.dumps(account, indent=1) + "\n", path)

    def close(self) -> None:
        """Leave the cache as one file; nothing can be asked afterwards."""
        if self._cache:
            self._cache.close()

    def _recall(self, rows: Counter[bytes]) -> dict[bytes, Completion]:
        answers = self._cache.find(list(rows)) if self._cache else {}
        for key, completion in answers.items():
            self.usage.recalled(rows[key], completion.tokens_in, completion.tokens_out)
        return answers
