"""A closed-form start for the projection: ridge regression from features to what a caption is made of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import torch
from torch import Tensor

from pipeline.vlm import VisionLanguageModel


def start_from_ridge(
    vlm: VisionLanguageModel, features: Tensor, captions: Sequence[Sequence[int]], strength: float
) -> None:
    """Set the projection so that a picture's mean feature lands near its caption's words.

    features [N, tokens, 1280]; captions: N lists of token ids; `strength` is added to the diagonal. The target
    is the idf-weighted mean of the caption's token embeddings, so common words count little. The result is
    scaled to the length of a token embedding, because that is what the language model expects to read.
    """
    table = vlm.llm.get_input_embeddings().weight.detach().float().cpu()  # [vocabulary, llm_dim]
    found = Counter(token for ids in captions for token in set(ids))
    idf = {token: torch.log(torch.tensor(len(captions) / count)) for token, count in found.items()}
    targets = torch.stack([_weighted_mean(table, ids, idf) for ids in captions])  # [N, llm_dim]
    x = features.float().mean(1)  # [N, 1280]
    x_mean, y_mean = x.mean(0), targets.mean(0)
    centred = (x - x_mean).double()
    gram = centred.T @ centred + strength * torch.eye(x.shape[1], dtype=torch.float64)
    weight = torch.linalg.solve(gram, centred.T @ (targets - y_mean).double()).T.float()  # [llm_dim, 1280]
    bias = y_mean - weight @ x_mean
    predicted = features.float() @ weight.T + bias
    scale = table.norm(dim=1).mean() / predicted.norm(dim=-1).mean()
    with torch.no_grad():
        vlm.projection.weight.copy_(weight * scale)
        vlm.projection.bias.copy_(bias * scale)


def _weighted_mean(table: Tensor, ids: Sequence[int], idf: dict[int, Tensor]) -> Tensor:
    weights = torch.stack([idf[token] for token in ids]) + 1e-6
    return (weights[:, None] * table[list(ids)]).sum(0) / weights.sum()
