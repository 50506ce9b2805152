"""The vision-language model's own evidence: how likely it finds a text beside a picture."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence

import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from pipeline.checkpoint import identity_of, load_stage1
from pipeline.evidence.matching import Match
from pipeline.generate import first_turn
from pipeline.params import Params
from pipeline.prompts import Prompt
from pipeline.vlm import VisionLanguageModel

PICTURES_AT_ONCE = 16
TOKENS_AT_ONCE = 1024  # whose logits over the whole vocabulary are in memory together

Pair = tuple[int, int]
"""A text and a picture (or whatever stands in its place), by their numbers."""


class OwnEvidence:
    """A match is the mean log-likelihood of a text's tokens, in nats, after the prompt that asks for it."""

    absolute = False

    def __init__(self, vlm: VisionLanguageModel, identity: tuple[str, str], instruction: str, batch_size: int) -> None:
        self.name, self.revision = identity
        self._vlm = vlm
        self._prompt = vlm.chat.picture_prompt(instruction)
        self._batch_size = batch_size

    @torch.inference_mode()
    def match(
        self,
        pictures: Sequence[Image.Image],
        texts: Sequence[str],
        chosen: Sequence[Sequence[int]],
        advance: Callable[[int], None],
    ) -> list[Match | None]:
        """See Scorer. A picture and its prompt are read once, and serve all texts that were chosen for it."""
        ids = [self._vlm.chat.said(text) if text.strip() else [] for text in texts]
        said = [text for text, tokens in enumerate(ids) if tokens]
        blank = self._read([self._blank()], [(text, 0) for text in said], ids)
        found: dict[Pair, float] = {}
        for start in range(0, len(pictures), PICTURES_AT_ONCE):
            block = pictures[start : start + PICTURES_AT_ONCE]
            numbers = range(start, start + len(block))
            embeds = self._vlm.encode_images(self._vlm.preprocess(block))
            pairs = [(text, picture - start) for text in said for picture in chosen[text] if picture in numbers]
            read = self._read(first_turn(self._vlm, embeds, self._prompt), pairs, ids)
            found |= {(text, start + place): value for (text, place), value in read.items()}
            advance(len(block))
        return [
            Match([found[text, picture] for picture in chosen[text]], blank[text, 0]) if tokens else None
            for text, tokens in enumerate(ids)
        ]

    def _blank(self) -> Tensor:
        """The prompt without a picture, [T, llm_dim]."""
        words = Prompt((*self._prompt.before_image, *self._prompt.after_image), ())
        return first_turn(self._vlm, self._vlm.embed_tokens(torch.empty(1, 0, dtype=torch.long)), words)[0]

    def _read(
        self, prefixes: Sequence[Tensor], pairs: Sequence[Pair], ids: Sequence[Sequence[int]]
    ) -> dict[Pair, float]:
        """Mean log-likelihood of texts after prefixes [T, llm_dim] of one length; texts of like length together."""
        if not pairs:
            return {}
        read = self._vlm.llm.get_decoder()(inputs_embeds=torch.stack(list(prefixes)), use_cache=True)
        order = sorted(pairs, key=lambda pair: len(ids[pair[0]]))
        found: dict[Pair, float] = {}
        for start in range(0, len(order), self._batch_size):
            batch = order[start : start + self._batch_size]
            rows = torch.tensor([place for _, place in batch], device=read[0].device)
            cache = copy.deepcopy(read.past_key_values)  # a pass writes into it
            cache.batch_select_indices(rows)
            values = self._continue(cache, read[0][rows, -1:], [ids[text] for text, _ in batch])
            found |= zip(batch, values, strict=True)
        return found

    def _continue(self, cache: object, last: Tensor, texts: Sequence[Sequence[int]]) -> list[float]:
        """Mean log-likelihood of each text after the prefix in its row of the cache, whose last state is [B, 1, dim].

        Padding stands on the right, where no token that counts can see it: no mask is needed.
        """
        width = max(map(len, texts))
        ids = torch.tensor([[*text, *[0] * (width - len(text))] for text in texts], device=last.device)
        counts = torch.tensor([list(map(len, texts))], device=last.device).T
        labelled = torch.arange(width, device=last.device) < counts  # [B, width]
        states = self._vlm.llm.get_decoder()(inputs_embeds=self._vlm.embed_tokens(ids), past_key_values=cache)[0]
        states = torch.cat([last, states[:, :-1]], dim=1)[labelled]  # each predicts the token behind it
        head = self._vlm.llm.get_output_embeddings()
        parts = zip(states.split(TOKENS_AT_ONCE), ids[labelled].split(TOKENS_AT_ONCE), strict=True)
        losses = [F.cross_entropy(head(part).float(), targets, reduction="none") for part, targets in parts]
        return [-float(each.mean()) for each in torch.cat(losses).split([len(text) for text in texts])]


def load_own_evidence(params: Params) -> OwnEvidence:
    """The stage-1 model of the params' checkpoint, asked as `describe` asks."""
    vlm, identity = load_stage1(params.model), identity_of(params.model.checkpoint)
    return OwnEvidence(vlm, identity, params.describe.prompt, params.ground.batch_size)
