"""Batched answers of the model: two passes, a stop per row, the reason why each row ended."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

import torch
from torch import Tensor
from transformers import StoppingCriteria, StoppingCriteriaList

from pipeline.backends.completion import LENGTH, STOP
from pipeline.params import DecodingParams
from pipeline.prompts import Chat, Prompt
from pipeline.vlm import VisionLanguageModel

_TAIL = 4  # tokens that can hold an end mark and what it was merged with


@dataclass(frozen=True)
class Answer:
    """One row's text without its end mark, its length in tokens (the mark not counted), why it ended."""

    text: str
    tokens: int
    finish: str


class EndMark(StoppingCriteria):
    """Each row stops at its own end mark, not when the whole batch has one."""

    def __init__(self, chat: Chat) -> None:
        self.chat = chat

    def __call__(self, input_ids: Tensor, scores: Tensor, **kwargs: Any) -> Tensor:  # noqa: ARG002 - its signature
        """[B, T] -> [B], true where the last tokens hold the end mark."""
        tails = self.chat.tokenizer.batch_decode(input_ids[:, -_TAIL:])
        return torch.tensor([self.chat.template.end_mark in tail for tail in tails], device=input_ids.device)


def first_turn(vlm: VisionLanguageModel, image_embeds: Tensor, prompt: Prompt) -> list[Tensor]:
    """Embeddings of a prompt about each picture: image_embeds [B, tokens, llm_dim] -> B of [T, llm_dim]."""
    before, after = (vlm.embed_tokens(_ids(ids)) for ids in (prompt.before_image, prompt.after_image))
    return [torch.cat([before, image, after]) for image in image_embeds]


def further_turn(vlm: VisionLanguageModel, conversation: Tensor, answer: str, turn: Sequence[int]) -> Tensor:
    """A conversation [T, llm_dim] with the model's answer and a further turn behind it."""
    ids = [*vlm.chat.said(answer), *turn]
    return torch.cat([conversation, vlm.embed_tokens(_ids(ids))])


def _ids(ids: Sequence[int]) -> Tensor:
    return torch.tensor(ids, dtype=torch.long)  # said, because an empty tensor would be of floats


@torch.no_grad()
def answer(
    vlm: VisionLanguageModel,
    conversations: Sequence[Tensor],
    decoding: DecodingParams,
    *,
    seed: int,
    advance: Callable[[int], object] = id,  # told how many rows each batch finished; by default nobody listens
) -> list[Answer]:
    """Answer each conversation ([T, llm_dim], lengths may differ), in their order.

    Rows are batched by length and padded on the left. `seed` sets the sampling of the whole call; with
    `do_sample` off it changes nothing.
    """
    torch.manual_seed(seed)
    answers: list[Answer | None] = [None] * len(conversations)
    order = sorted(range(len(conversations)), key=lambda i: conversations[i].shape[0])
    for start in range(0, len(order), decoding.batch_size):
        rows = order[start : start + decoding.batch_size]
        for row, found in zip(rows, _answer_batch(vlm, [conversations[i] for i in rows], decoding), strict=True):
            answers[row] = found
        advance(len(rows))
    return [found for found in answers if found is not None]


def _answer_batch(vlm: VisionLanguageModel, conversations: Sequence[Tensor], decoding: DecodingParams) -> list[Answer]:
    width = max(c.shape[0] for c in conversations)
    embeds = conversations[0].new_zeros(len(conversations), width, conversations[0].shape[1])
    mask = torch.zeros(len(conversations), width, dtype=torch.long)
    for row, conversation in enumerate(conversations):
        embeds[row, width - conversation.shape[0] :] = conversation
        mask[row, width - conversation.shape[0] :] = 1
    # top_k=0: transformers would otherwise cut at 50, which no param says.
    warm = {"temperature": decoding.temperature, "top_p": decoding.top_p, "top_k": 0}
    sampling = warm if decoding.do_sample else {}
    out: Tensor = vlm.llm.generate(
        inputs_embeds=embeds,
        attention_mask=mask,
        max_new_tokens=decoding.max_new_tokens,
        num_beams=decoding.num_beams,
        do_sample=decoding.do_sample,
        repetition_penalty=decoding.repetition_penalty,
        stopping_criteria=StoppingCriteriaList([EndMark(vlm.chat)]),
        pad_token_id=vlm.tokenizer.pad_token_id,
        **sampling,
    )
    ends = _end_tokens(vlm)
    return [_read_row(vlm.chat, row.tolist(), decoding.max_new_tokens, ends) for row in out]


def _end_tokens(vlm: VisionLanguageModel) -> set[int | None]:
    """EOS and padding; some models have several ends, and name them in the generation config alone."""
    named = vlm.llm.generation_config.eos_token_id
    return {vlm.tokenizer.eos_token_id, vlm.tokenizer.pad_token_id, *(named if isinstance(named, list) else [named])}


def _read_row(chat: Chat, ids: list[int], limit: int, ends: set[int | None]) -> Answer:
    """Decode a row up to its end mark or the first token of `ends`."""
    own = list(takewhile(lambda token: token not in ends, ids))
    text, marked = chat.until_end_mark(str(chat.tokenizer.decode(own, skip_special_tokens=True)))
    said = own if not marked else chat.said(text) if text else []
    return Answer(text, len(said), STOP if marked or len(own) < limit else LENGTH)
