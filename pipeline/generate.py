"""What a model answers to conversations about pictures: one pass, or two with a "continue" turn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import takewhile

import torch
from torch import Tensor

from pipeline.generation.answers import Answer, read_answer
from pipeline.generation.beams import Generator
from pipeline.generation.decoding import Decoder, Finished, Turn, sees_everything
from pipeline.generation.stops import Stops
from pipeline.params import DecodingParams, DescribeParams
from pipeline.prompts import Prompt
from pipeline.vlm import VisionLanguageModel

__all__ = ["Answer", "TwoPasses", "answer", "describe_rows", "first_turn", "further_turn", "run_turns"]


def first_turn(vlm: VisionLanguageModel, image_embeds: Tensor, prompt: Prompt) -> list[Tensor]:
    """Embeddings of a prompt about each picture: image_embeds [B, tokens, llm_dim] -> B of [T, llm_dim]."""
    before, after = (_embed(vlm, ids) for ids in (prompt.before_image, prompt.after_image))
    return [torch.cat([before, image, after]) for image in image_embeds]


def further_turn(vlm: VisionLanguageModel, conversation: Tensor, answer: str, turn: Sequence[int]) -> Tensor:
    """A conversation [T, llm_dim] with the model's answer and a further turn behind it."""
    return torch.cat([conversation, _embed(vlm, [*vlm.chat.said(answer), *turn])])


def _embed(vlm: VisionLanguageModel, ids: Sequence[int]) -> Tensor:
    # dtype: an empty tensor would otherwise be of floats
    return vlm.embed_tokens(torch.tensor(ids, dtype=torch.long, device=vlm.llm.device))


def answer(
    vlm: VisionLanguageModel,
    conversations: Sequence[Tensor],
    decoding: DecodingParams,
    *,
    seeds: Sequence[int],
    advance: Callable[[int], object] = id,  # told how many rows are done; by default nobody listens
) -> list[Answer]:
    """Answer each conversation ([T, llm_dim], lengths may differ), in their order.

    `seeds` holds one for each row, which sets what is drawn for it and nothing else; with `do_sample` off it
    changes nothing.
    """
    stops = Stops(vlm)
    answers: dict[int, Answer] = {}

    def finished(row: int, ids: list[int]) -> None:
        answers[row] = read_answer(stops, ids, decoding.max_new_tokens)
        advance(1)

    run_turns(vlm, [Turn(c, decoding.max_new_tokens) for c in conversations], seeds, decoding, finished)
    return [answers[row] for row in range(len(conversations))]


def describe_rows(
    vlm: VisionLanguageModel,
    conversations: Sequence[Tensor],
    params: DescribeParams,
    *,
    seeds: Sequence[int],
    advance: Callable[[int], object] = id,
) -> list[tuple[Answer, Answer | None]]:
    """Both passes of each conversation ([T, llm_dim]): the second is None where the first was long enough.

    A row goes on to its second pass by itself, and counts as done when it needs no further one. Its second pass
    draws the numbers that follow those of the first in its generator.
    """
    passes = TwoPasses(vlm, params, conversations)
    turns = [Turn(conversation, params.max_new_tokens) for conversation in conversations]

    def finished(row: int, ids: list[int]) -> Turn | None:
        turn = passes.finished(row, ids)
        if turn is None:
            advance(1)
        return turn

    run_turns(vlm, turns, seeds, params, finished)
    return passes.answers()


def run_turns(
    vlm: VisionLanguageModel, turns: Sequence[Turn], seeds: Sequence[int], decoding: DecodingParams, finished: Finished
) -> None:
    """Answer turns by the decode loop, or by `generate` where there are beams or a model that the loop cannot run."""
    if turns:
        looped = decoding.num_beams == 1 and sees_everything(vlm.llm)
        (Decoder if looped else Generator)(vlm, decoding).run(turns, seeds, finished)


class TwoPasses:
    """Reads each row's answers, and asks for the second where the first was short."""

    def __init__(self, vlm: VisionLanguageModel, params: DescribeParams, conversations: Sequence[Tensor]) -> None:
        self.vlm = vlm
        self.params = params
        self.conversations = conversations
        self.stops = Stops(vlm)
        self.turn = vlm.chat.next_turn(params.continue_prompt)
        self.first: dict[int, Answer] = {}
        self.second: dict[int, Answer] = {}

    def finished(self, row: int, ids: list[int]) -> Turn | None:
        """Take note of an answer's ids; returns the row's second turn, if it gets one and has not had it."""
        found = read_answer(self.stops, ids, self.params.max_new_tokens)
        if row in self.first:
            self.second[row] = found
            return None
        conversation = self.conversations[row]
        turn = self._second_turn(conversation, found, ids)
        self.first[row] = found
        return turn

    def _second_turn(self, conversation: Tensor, found: Answer, ids: Sequence[int]) -> Turn | None:
        """The text is tokenised again, as one reads it; the cache serves as far as that gives the generated ids."""
        if found.tokens > self.params.continue_up_to:
            return None
        said = self.vlm.chat.said(found.text)
        same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(said, ids, strict=False)))
        further = further_turn(self.vlm, conversation, found.text, self.turn)
        return Turn(further, self.params.max_new_tokens, held=len(conversation) + same)

    def answers(self) -> list[tuple[Answer, Answer | None]]:
        """Both passes of each row, in order."""
        return [(self.first[row], self.second.get(row)) for row in range(len(self.conversations))]
