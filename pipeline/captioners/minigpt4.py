"""The stage-1 model in this process: vision tower, projection, language model."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PIL import Image
from torch import Tensor

from pipeline.captioners.description import Description, Undescribed
from pipeline.checkpoint import identity_of, load_stage1
from pipeline.generate import Answer, answer, first_turn, further_turn
from pipeline.params import DescribeParams, ModelParams
from pipeline.vlm import VisionLanguageModel


class LocalCaptioner:
    """A vision-language model in this process. Image embeddings are computed once and serve both passes."""

    def __init__(self, vlm: VisionLanguageModel, name: str, revision: str) -> None:
        self.vlm = vlm
        self.name = name
        self.revision = revision

    def describe(
        self,
        pictures: Sequence[Image.Image],
        seeds: Sequence[int],
        params: DescribeParams,
        advance: Callable[[int], None],
    ) -> list[Description | Undescribed]:
        """See Captioner. A row counts as done when both of its passes are."""
        if not pictures:
            return []
        prompt = self.vlm.chat.picture_prompt(params.prompt)
        conversations = first_turn(self.vlm, self.vlm.encode_images(self.vlm.preprocess(pictures)), prompt)
        first = self._answer(conversations, seeds, params)
        short = [i for i, found in enumerate(first) if found.tokens <= params.continue_up_to]
        advance(len(first) - len(short))
        turn = self.vlm.chat.next_turn(params.continue_prompt)
        further = [further_turn(self.vlm, conversations[i], first[i].text, turn) for i in short]
        continued = self._answer(further, [seeds[i] for i in short], params, advance)
        second = dict(zip(short, continued, strict=True))
        return [Description(found, second.get(i)) for i, found in enumerate(first)]

    def _answer(
        self,
        conversations: Sequence[Tensor],
        seeds: Sequence[int],
        params: DescribeParams,
        advance: Callable[[int], object] = id,  # by default nobody listens
    ) -> list[Answer]:
        """Answer conversations ([T, llm_dim]) in batches, or one by one where each draws from its own seed."""
        if not params.do_sample:
            return answer(self.vlm, conversations, params, seed=params.seed, advance=advance)
        return [
            answer(self.vlm, [conversation], params, seed=seed, advance=advance)[0]
            for conversation, seed in zip(conversations, seeds, strict=True)
        ]


def load_local_captioner(params: ModelParams) -> LocalCaptioner:
    """The stage-1 model of the params' checkpoint, named by its parts; its revision is their digests."""
    return LocalCaptioner(load_stage1(params), *identity_of(params.checkpoint))
