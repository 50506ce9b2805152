"""The two passes over pictures, for every captioner that answers conversations.

The second pass is a further turn of the same conversation, as in MiniGPT-4 (arXiv 2304.10592, section 3.2).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import cycle
from typing import Protocol

from PIL import Image

from pipeline.captioners.description import Description, Undescribed
from pipeline.generate import Answer
from pipeline.params import DescribeParams


@dataclass(frozen=True)
class Conversation:
    """A picture and what has been said of it, turn by turn: the user first, then the model, the user last."""

    picture: Image.Image
    seed: int
    turns: tuple[str, ...]


def to_messages(contents: Iterable[object]) -> list[dict[str, object]]:
    """Chat messages that hold the turns of a conversation, each in the form that the model takes."""
    return [{"role": role, "content": content} for role, content in zip(cycle(("user", "assistant")), contents)]


class ChatModel(Protocol):
    """A model that answers conversations about pictures."""

    def answer(
        self, conversations: Sequence[Conversation], params: DescribeParams, advance: Callable[[int], None]
    ) -> list[Answer | Undescribed]:
        """Answer each conversation, in their order; `advance` is told how many have ended."""
        ...


def describe_in_two_passes(
    model: ChatModel,
    pictures: Sequence[Image.Image],
    seeds: Sequence[int],
    params: DescribeParams,
    advance: Callable[[int], None],
) -> list[Description | Undescribed]:
    """Ask `model` about each picture, and go on where its answer does not exceed `continue_up_to` tokens.

    A row counts as done when both of its passes are; one whose second pass fails has failed.
    """
    conversations = [Conversation(*row, (params.prompt,)) for row in zip(pictures, seeds, strict=True)]
    first = model.answer(conversations, params, lambda _: None)
    further = {
        i: replace(conversation, turns=(*conversation.turns, answer.text, params.continue_prompt))
        for i, (conversation, answer) in enumerate(zip(conversations, first, strict=True))
        if isinstance(answer, Answer) and answer.tokens <= params.continue_up_to
    }
    advance(len(conversations) - len(further))
    second = dict(zip(further, model.answer(list(further.values()), params, advance), strict=True))
    return [_join(answer, second.get(i)) for i, answer in enumerate(first)]


def _join(first: Answer | Undescribed, second: Answer | Undescribed | None) -> Description | Undescribed:
    if isinstance(first, Undescribed):
        return first
    if isinstance(second, Undescribed):
        return Undescribed(f"in the continue pass: {second.reason}")
    return Description(first, second)
