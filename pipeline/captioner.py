"""What `describe` asks for descriptions: the local vision-language model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from PIL import Image

from pipeline.files import sha256_file
from pipeline.generate import Answer, describe_rows, first_turn
from pipeline.params import DescribeParams, ModelParams
from pipeline.prompts import picture_prompt
from pipeline.vlm import VisionLanguageModel, load_model


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
        prompt = picture_prompt(self.vlm.tokenizer, params.prompt)
        conversations = first_turn(self.vlm, self.vlm.encode_images(pictures), prompt)
        seeds = [params.seed + row for row in range(len(pictures))]
        both = describe_rows(self.vlm, conversations, params, seeds=seeds, advance=advance)
        return [first for first, _ in both], [second for _, second in both]


def load_captioner(params: ModelParams) -> LocalCaptioner:
    """The stage-1 model that the params name. Its revision is the projection's and the language model's digest."""
    vlm = load_model(params, projection=params.projection)
    weights = sorted(params.llm.glob("*.safetensors"))
    digests = [sha256_file(path)[:12] for path in (params.projection, *weights)]
    return LocalCaptioner(vlm, f"{params.vision.name} + {params.llm.name}", "-".join(digests))
