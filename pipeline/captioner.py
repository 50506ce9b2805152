"""What `describe` asks for descriptions: the local vision-language model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from PIL import Image

from pipeline.checkpoint import identity_of, load_stage1
from pipeline.generate import Answer, answer, first_turn, further_turn
from pipeline.params import DescribeParams, ModelParams
from pipeline.vlm import VisionLanguageModel


class Captioner(Protocol):
    """A model that describes pictures in two passes; name and revision go into every row."""

    name: str
    revision: str

    def describe(
        self, pictures: Sequence[Image.Image], params: DescribeParams, advance: Callable[[int], None]
    ) -> tuple[list[Answer], list[Answer | None]]:
        """Both passes for each picture, the second None where the first was long enough."""
        ...


class LocalCaptioner:
    """A vision-language model in this process. Image embeddings are computed once and serve both passes."""

    def __init__(self, vlm: VisionLanguageModel, name: str, revision: str) -> None:
        self.vlm = vlm
        self.name = name
        self.revision = revision

    def describe(
        self, pictures: Sequence[Image.Image], params: DescribeParams, advance: Callable[[int], None]
    ) -> tuple[list[Answer], list[Answer | None]]:
        """See Captioner. A row counts as done when both of its passes are."""
        if not pictures:
            return [], []
        prompt = self.vlm.chat.picture_prompt(params.prompt)
        conversations = first_turn(self.vlm, self.vlm.encode_images(self.vlm.preprocess(pictures)), prompt)
        first = answer(self.vlm, conversations, params, seed=params.seed)
        short = [i for i, found in enumerate(first) if found.tokens <= params.continue_up_to]
        advance(len(first) - len(short))
        turn = self.vlm.chat.next_turn(params.continue_prompt)
        further = [further_turn(self.vlm, conversations[i], first[i].text, turn) for i in short]
        continued = answer(self.vlm, further, params, seed=params.seed + 1, advance=advance)
        second = dict(zip(short, continued, strict=True))
        return first, [second.get(i) for i in range(len(first))]


def load_captioner(params: ModelParams) -> LocalCaptioner:
    """The stage-1 model of the params' checkpoint, named by its parts; its revision is their digests."""
    return LocalCaptioner(load_stage1(params), *identity_of(params.checkpoint))
