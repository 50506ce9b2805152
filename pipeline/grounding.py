"""Does the model see the picture? Captions ranked by what the picture adds, and right against shuffled."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import chain

import pyarrow as pa
import torch
from scipy import stats
from torch import Tensor
from torch.nn import functional
from tqdm import tqdm
from transformers import PreTrainedTokenizerBase

from pipeline.captions import sentences_of
from pipeline.errors import JobError
from pipeline.generate import first_turn
from pipeline.prompts import Prompt, tokenize
from pipeline.vlm import VisionLanguageModel

ROWS_AT_ONCE = 64  # captions read in one call of the language model


@dataclass(frozen=True)
class Margin:
    """The right picture against a shuffled one."""

    loss_right: float  # mean loss of a caption token, with its own picture
    loss_shuffled: float  # the same, with another picture
    margin: float  # shuffled - right, mean over pictures
    margin_p: float  # one-sided Wilcoxon signed-rank test of the pairs


@dataclass(frozen=True)
class Grounding:
    """Figures of one model over a set of pictures that it never saw."""

    pictures: int
    distractors: int
    ranked_first: float  # share of pictures whose own caption gains most from them
    ranked_first_low: float  # Wilson's 95 % interval
    ranked_first_high: float
    loss_right: float  # as in Margin
    loss_shuffled: float
    margin: float
    margin_p: float

    def as_dict(self) -> dict[str, float]:
        """For metrics files."""
        return asdict(self)


def human_captions(tokenizer: PreTrainedTokenizerBase, rows: pa.Table) -> list[list[int]]:
    """Token ids of what people wrote about each picture, `caption` and `keywords`, as sentences."""
    pairs = rows.select(["caption", "keywords"]).to_pylist()
    return [tokenize(tokenizer, " " + sentences_of("", row["caption"], row["keywords"] or [], [])) for row in pairs]


MORE_PICTURES = "raise the share of evaluate in corpus.splits and pretrain.judged_pictures"


def check_distractors(captions: Sequence[Sequence[object]], distractors: int, more: str = MORE_PICTURES) -> None:
    """Raise JobError where a caption has fewer than `distractors` that differ from it; `more` says how to get more."""
    n = len(captions)
    fewest = n - max(Counter(map(tuple, captions)).values(), default=0)
    if fewest < distractors:
        raise JobError(
            f"{n} unseen pictures give only {fewest} wrong captions to rank against, and {distractors} are wanted:"
            f" {more}, or set pretrain.distractors lower"
        )


@torch.no_grad()
def caption_losses(
    vlm: VisionLanguageModel, features: Tensor, prompt: Prompt, choices: Sequence[Sequence[Sequence[int]]]
) -> Tensor:
    """Mean loss per token of captions after pictures: features [B, tokens, width], B times n captions -> [B, n].

    Picture and prompt are read once; the picture's captions continue from their cache.
    """
    decoder, head = vlm.llm.get_decoder(), vlm.llm.get_output_embeddings()
    each, captions = len(choices[0]), list(chain.from_iterable(choices))
    prefixes = torch.stack(first_turn(vlm, vlm.project(features), prompt))  # [B, P, llm_dim]
    read = decoder(inputs_embeds=prefixes, use_cache=True)
    cache = read.past_key_values
    cache.batch_repeat_interleave(each)
    width = max(map(len, captions))
    ids = torch.zeros(len(captions), width, dtype=torch.long)
    mask = torch.zeros(len(captions), width, dtype=torch.bool)
    for row, caption in enumerate(captions):
        ids[row, : len(caption)] = torch.tensor(caption)
        mask[row, : len(caption)] = True
    ids, mask = ids.to(prefixes.device), mask.to(prefixes.device)
    seen = torch.cat([torch.ones(len(captions), prefixes.shape[1]).to(mask), mask], dim=1).long()
    states = decoder(inputs_embeds=vlm.embed_tokens(ids), attention_mask=seen, past_key_values=cache)[0]
    start = read[0][:, -1:].repeat_interleave(each, dim=0)  # the prompt's last state predicts the first token
    states = torch.cat([start, states[:, :-1]], dim=1)[mask]  # [labelled tokens, llm_dim]
    losses = functional.cross_entropy(head(states).float(), ids[mask], reduction="none")
    return torch.stack([part.mean() for part in losses.split(mask.sum(1).tolist())]).view(-1, each).cpu()


def chosen_losses(
    vlm: VisionLanguageModel,
    features: Tensor,
    prompt: Prompt,
    captions: Sequence[Sequence[int]],
    chosen: Sequence[Sequence[int]],
) -> Tensor:
    """Losses [N, n] of the n captions that `chosen` names for each of N pictures, as many at once as fit."""
    step = max(1, ROWS_AT_ONCE // len(chosen[0]))
    found = []
    with tqdm(total=len(chosen), desc="grounding", unit="picture", mininterval=1.0) as bar:
        for at in range(0, len(chosen), step):
            choices = [[captions[j] for j in row] for row in chosen[at : at + step]]
            found.append(caption_losses(vlm, features[at : at + step], prompt, choices))
            bar.update(len(choices))
    return torch.cat(found)


def next_in_cycle(n: int, seed: int) -> list[int]:
    """For each of `n` items another one: the next in a random cycle, so that none meets itself."""
    order = list(range(n))
    random.Random(seed).shuffle(order)
    follows = {order[i]: order[i - 1] for i in range(n)}
    return [follows[i] for i in range(n)]


def right_and_shuffled(
    vlm: VisionLanguageModel, features: Tensor, prompt: Prompt, captions: Sequence[Sequence[int]], seed: int
) -> tuple[Tensor, Tensor]:
    """Mean loss of each caption with its own picture and with another one: [N] both; features [N, tokens, width]."""
    other = next_in_cycle(len(captions), seed)
    return _by_caption(chosen_losses(vlm, features, prompt, captions, list(enumerate(other))), other)


def measure_grounding(
    vlm: VisionLanguageModel,
    features: Tensor,
    prompt: Prompt,
    captions: Sequence[Sequence[int]],
    *,
    distractors: int,
    seed: int,
) -> Grounding:
    """Rank each picture's caption against `distractors` captions of other pictures.

    features [N, tokens, width], captions: N lists of token ids. The score of a caption is its loss without its
    picture minus its loss with it, both summed over its tokens: pointwise mutual information, by which captions
    that are merely likely win nothing. Without its picture means with others: the mean over the pictures that it
    was a distractor of. Raises JobError where a picture has fewer captions that differ from its own.
    """
    check_distractors(captions, distractors)
    rng, n = random.Random(seed), len(captions)
    other = next_in_cycle(n, seed)
    wrong = [rng.sample([j for j in range(n) if captions[j] != captions[i]], distractors) for i in range(n)]
    chosen = [[i, other[i], *wrong[i]] for i in range(n)]
    losses = chosen_losses(vlm, features, prompt, captions, chosen)
    choices = [dict(zip(wrong[i], losses[i, 2:].tolist(), strict=True)) for i in range(n)]
    margin = margin_of(*_by_caption(losses[:, :2], other))
    first = count_first(losses[:, 0].tolist(), choices, [len(caption) for caption in captions])
    interval = stats.binomtest(first, n).proportion_ci(method="wilson")
    return Grounding(n, distractors, first / n, float(interval.low), float(interval.high), **asdict(margin))


def count_first(own: Sequence[float], choices: Sequence[Mapping[int, float]], lengths: Sequence[int]) -> int:
    """How many pictures gain most on their own caption.

    From the mean loss of each picture's own caption, those of its distractors by caption, and the captions'
    lengths in tokens. A caption that was nobody's distractor has gained nothing that could be known.
    """
    elsewhere: dict[int, list[float]] = defaultdict(list)
    for losses in choices:
        for j, loss in losses.items():
            elsewhere[j].append(loss)
    without = {j: sum(losses) / len(losses) for j, losses in elsewhere.items()}
    first = 0
    for i, losses in enumerate(choices):
        gains = [lengths[j] * (without[j] - loss) for j, loss in losses.items()]
        first += i in without and lengths[i] * (without[i] - own[i]) > max(gains)
    return first


def _by_caption(losses: Tensor, other: Sequence[int]) -> tuple[Tensor, Tensor]:
    """From losses [N, 2] of each picture's own and of another's caption: right and shuffled, [N] both, by caption."""
    right = losses[:, 0]
    shuffled = torch.empty_like(right)
    shuffled[list(other)] = losses[:, 1]
    return right, shuffled


def margin_of(right: Tensor, shuffled: Tensor) -> Margin:
    """The figures of losses [N] with the right and with a shuffled picture."""
    gained = (shuffled - right).double()
    p = float(stats.wilcoxon(gained.numpy(), alternative="greater").pvalue) if bool(gained.any()) else 1.0
    return Margin(float(right.mean()), float(shuffled.mean()), float(gained.mean()), p)
