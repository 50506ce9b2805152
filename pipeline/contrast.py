"""The contrastive end of stage 1: what the language-model loss learnt by heart gives way to what pictures share.

Trained by the loss of its captions alone, a projection of 737,000 weights remembers a few thousand pictures better
than it learns to see. A contrastive loss over the same pictures (CLIP's, arXiv 2103.00020) carries over to unseen
ones far better, and the frozen language model can be its text tower: to first order, a caption gains from moving
the image tokens by `d` what its log-likelihood's gradient says, `gradient . d`. Gradients are computed once, so
contrast over hundreds of captions at a time costs seconds.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from tqdm import tqdm

from pipeline.params import ContrastParams
from pipeline.prompts import Prompt
from pipeline.training import Example, FeatureDropout, collate
from pipeline.vlm import VisionLanguageModel

_DEAD = 1e-6  # spread of a feature channel that says nothing: what is learnt of it would be noise, much magnified


def caption_gradients(
    vlm: VisionLanguageModel, picture: Tensor, prompt: Prompt, captions: Sequence[Sequence[int]], batch_size: int
) -> Tensor:
    """Gradient of each caption's log-likelihood with respect to the image tokens of one picture.

    Features [tokens, 1280] and N captions in token ids -> [N, tokens, llm_dim].
    """
    at, order = len(prompt.before_image), sorted(range(len(captions)), key=lambda i: len(captions[i]))
    image = vlm.project(picture[None]).detach()  # [1, tokens, llm_dim]
    found = torch.zeros(len(captions), *image.shape[1:])
    with tqdm(total=len(captions), desc="pretrain: gradients", unit="caption", mininterval=1.0) as bar:
        for start in range(0, len(order), batch_size):
            rows = order[start : start + batch_size]
            batch = collate([Example(picture, prompt, captions[i]) for i in rows], vlm.image_tokens)
            images = image.expand(len(rows), -1, -1).clone().requires_grad_()
            embeds = vlm.join(batch["input_ids"], images, at)
            losses = vlm.token_losses(embeds, batch["attention_mask"], batch["labels"])
            (gradient,) = torch.autograd.grad(-losses.sum(), images)
            found[rows] = gradient.float().cpu()
            bar.update(len(rows))
    return found


def learn_contrast(views: Sequence[Tensor], gradients: Tensor, params: ContrastParams, seed: int) -> Tensor:
    """A linear map [llm_dim, 1280] that moves a picture's tokens to where its own caption gains most.

    views: features [N, tokens, 1280] of the same N pictures, standardised; one view is drawn for each picture and
    batch. gradients [N, tokens, llm_dim]. The score of picture i and caption j is `sum_v (map f_iv) . g_jv`, and
    the loss CLIP's over batches. The map is learnt as a product of two matrices, the text side after whitening:
    a few directions hold most of the gradients' length, and say the least.
    """
    generator = torch.Generator().manual_seed(seed)
    centred = gradients - gradients.mean(0)
    whitening = _whitening(centred.flatten(0, 1), params.shrinkage)
    texts = centred @ whitening  # [N, tokens, llm_dim]
    n, width = len(texts), texts.shape[-1]
    texts = texts * width**0.5 / texts.sum(1).norm(dim=-1).mean()
    pictures = torch.stack(list(views))  # [views, N, tokens, 1280]
    dropout = FeatureDropout(torch.zeros(1), params.dropout)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        see, read = nn.Linear(views[0].shape[-1], width, bias=False), nn.Linear(width, width, bias=False)
        temperature = nn.Parameter(torch.tensor(0.0))  # logarithm of the scores' scale
        optimizer = torch.optim.AdamW(
            [*see.parameters(), *read.parameters(), temperature], lr=params.lr, weight_decay=params.weight_decay
        )
        for _ in tqdm(range(params.epochs), desc="pretrain: contrast", unit="epoch"):
            for rows in torch.randperm(n, generator=generator).split(params.batch_size):
                view = torch.randint(len(views), (len(rows),), generator=generator)
                seen = see(dropout(pictures[view, rows])).flatten(1)
                scores = temperature.exp() * F.normalize(seen, dim=1) @ read(texts[rows]).flatten(1).T  # [B, B]
                own = torch.arange(len(rows))
                loss = F.cross_entropy(scores, own) + F.cross_entropy(scores.T, own)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
    return (whitening @ read.weight.T @ see.weight).detach()


def _whitening(rows: Tensor, shrinkage: float) -> Tensor:
    """ZCA whitening of rows [N, D] -> [D, D]; `shrinkage` (of the mean variance) tempers the smallest directions."""
    variances, directions = torch.linalg.eigh(rows.T @ rows / len(rows))
    scales = (variances.clamp_min(0) / variances.mean() + shrinkage).rsqrt()
    whitening: Tensor = directions @ torch.diag(scales) @ directions.T
    return whitening


def add_contrast(
    projection: nn.Linear, views: Sequence[Tensor], gradients: Tensor, params: ContrastParams, seed: int
) -> None:
    """Shrink what the projection has learnt so far, and add what contrast teaches, in place.

    views: features [N, tokens, 1280] of the same N pictures; gradients [N, tokens, llm_dim], taken at the mean
    picture, whose mean token therefore stays where it is.
    """
    centre = views[0].mean((0, 1))  # [1280]
    spread = views[0].flatten(0, 1).std(0)
    scale = (spread > _DEAD) / (spread + _DEAD)
    standardised = [(view - centre) * scale for view in views]
    learnt = learn_contrast(standardised, gradients, params, seed) * scale
    length = ((views[0] - centre) @ learnt.T).norm(dim=-1).mean()
    if not length:
        return  # all pictures look alike to the tower
    with torch.no_grad():
        centre, learnt = centre.to(projection.weight.device), learnt.to(projection.weight.device)
        middle = projection(centre)
        projection.weight.mul_(params.kept).add_(params.added * learnt / length)
        projection.bias.copy_(middle - projection.weight @ centre)
