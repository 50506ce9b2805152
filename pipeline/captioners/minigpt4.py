"""The stage-1 model in this process: vision tower, projection, language model."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PIL import Image

from pipeline.captioners.description import Description, Undescribed
from pipeline.checkpoint import identity_of, load_stage1
from pipeline.generate import describe_rows, first_turn
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
        described = describe_rows(self.vlm, conversations, params, seeds=seeds, advance=advance)
        return [Description(*passes) for passes in described]


def load_local_captioner(params: ModelParams) -> LocalCaptioner:
    """The stage-1 model of the params' checkpoint, named by its parts; its revision is their digests."""
    return LocalCaptioner(load_stage1(params), *identity_of(params.checkpoint))
