"""How the next token is chosen: the likeliest, or one drawn by a random number that belongs to the row alone.

A row's numbers come from its own generator, all of a pass at once, and one number gives one token, by inverting the
cumulative distribution over tokens from the likeliest down. So neither the other rows nor the size of the batch
nor where a run resumed changes what is drawn. The generator lives on the CPU: every device draws the same.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from pipeline.params import DecodingParams

_CANDIDATES = 256  # the likeliest tokens, which nearly always settle a draw; sorting a whole vocabulary is slow


def draw_numbers(generator: torch.Generator, count: int) -> list[float]:
    """The next `count` numbers of a row's generator, uniform in [0, 1)."""
    return torch.rand(count, generator=generator, dtype=torch.float64).tolist()


def choose(logits: Tensor, said: Sequence[Sequence[int]], numbers: Sequence[float], decoding: DecodingParams) -> Tensor:
    """The next token of each row: logits [B, vocabulary] -> ids [B].

    `said` holds the ids that each row has generated so far, which the repetition penalty weighs; `numbers` one
    random number for each row, which greedy decoding does not look at.
    """
    logits = logits.float()  # as transformers does; and a CPU finds the largest of bfloat16 three times slower
    if decoding.repetition_penalty != 1.0:
        logits = penalise(logits, said, decoding.repetition_penalty)
    if not decoding.do_sample:
        return logits.argmax(dim=-1)
    drawn = torch.tensor(numbers, dtype=torch.float64).to(logits.device)
    return draw(F.softmax(logits / decoding.temperature, dim=-1), drawn, decoding.top_p)


def penalise(logits: Tensor, said: Sequence[Sequence[int]], penalty: float) -> Tensor:
    """Weaken the tokens that a row has said: positive logits are divided, negative ones multiplied by `penalty`.

    Keskar et al., arXiv 1909.05858, as transformers has it. A token counts once, however often it was said.
    """
    rows = torch.tensor([row for row, ids in enumerate(said) for _ in ids], dtype=torch.long).to(logits.device)
    tokens = torch.tensor([token for ids in said for token in ids], dtype=torch.long).to(logits.device)
    found = logits[rows, tokens]
    return logits.index_put((rows, tokens), torch.where(found < 0, found * penalty, found / penalty))


def draw(probabilities: Tensor, numbers: Tensor, top_p: float) -> Tensor:
    """One token of each row: probabilities [B, vocabulary], numbers [B] in [0, 1) -> ids [B].

    Nucleus sampling (Holtzman et al., arXiv 1904.09751): the likeliest tokens are kept until their sum is `top_p`.
    """
    likeliest, ids = probabilities.topk(min(_CANDIDATES, probabilities.shape[1]))
    place, settled = _invert(likeliest, numbers, top_p)
    chosen = ids.gather(1, place[:, None])[:, 0]
    open_rows = (~settled).nonzero()[:, 0]
    if len(open_rows):
        likeliest, ids = probabilities[open_rows].sort(dim=1, descending=True, stable=True)
        place, _ = _invert(likeliest, numbers[open_rows], top_p)
        chosen[open_rows] = ids.gather(1, place[:, None])[:, 0]
    return chosen


def _invert(likeliest: Tensor, numbers: Tensor, top_p: float) -> tuple[Tensor, Tensor]:
    """The place [B] of each draw among probabilities in descending order [B, K], and whether K of them settle it."""
    upto = likeliest.double().cumsum(dim=1)
    kept = (upto - likeliest) < top_p
    last = kept.sum(dim=1) - 1
    nucleus = upto[:, -1] >= top_p  # the end of what is kept is among the K
    target = numbers * torch.where(nucleus, upto.gather(1, last[:, None])[:, 0], 1.0)
    place = torch.minimum((upto <= target[:, None]).sum(dim=1), last)
    settled = nucleus | (target < upto[:, -1]) if top_p == 1.0 else nucleus
    return place, settled
