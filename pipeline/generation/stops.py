"""When a row's answer has ended: an end token, the end mark, or its limit."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile

from pipeline.chat_model import end_tokens
from pipeline.vlm import VisionLanguageModel

_TAIL = 4  # tokens that can hold an end mark and what it was merged with


class Stops:
    """What ends a row of one model.

    A mark can be merged with its neighbours into one token, so text is searched, not ids. Decoding the tail of every
    row after every token is slow; only a token that itself holds a part of the mark can complete one.
    """

    def __init__(self, vlm: VisionLanguageModel) -> None:
        self.chat = vlm.chat
        self.mark = vlm.chat.template.end_mark
        self.end_tokens = {*end_tokens(vlm.llm, vlm.tokenizer), vlm.tokenizer.pad_token_id}
        self._touches_mark: dict[int, bool] = {}

    def ended(self, ids: Sequence[int], limit: int) -> bool:
        """Whether an answer is over with its newest token."""
        return len(ids) >= limit or ids[-1] in self.end_tokens or self.marked(ids)

    def marked(self, ids: Sequence[int]) -> bool:
        """Whether the newest token completes an end mark."""
        newest = ids[-1]
        if newest not in self._touches_mark:
            self._touches_mark[newest] = any(sign in self.chat.tokenizer.decode([newest]) for sign in set(self.mark))
        return self._touches_mark[newest] and self.mark in self.chat.tokenizer.decode(list(ids[-_TAIL:]))

    def own(self, ids: Sequence[int]) -> list[int]:
        """The ids before the first end token."""
        return list(takewhile(lambda token: token not in self.end_tokens, ids))
