"""Pairs of picture and caption as stage 1 at scale learns them: decoded, seen by the tower, in token ids."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice

import torch
from torch import Tensor

from pipeline.fetch.failures import Failure
from pipeline.generate import answer, first_turn
from pipeline.grounding import check_distractors
from pipeline.params import DecodingParams, PretrainParams
from pipeline.pictures import decode
from pipeline.prompts import tokenize
from pipeline.shards import Record, read_shard
from pipeline.stream import Pair, Source
from pipeline.training import Example
from pipeline.vlm import VisionLanguageModel

END = "\n"  # of a caption, and learnt with it
PICTURES_AT_ONCE = 32
PIXELS = 4  # dimensions of a batch of pixel values; features have three


@dataclass(frozen=True)
class Pairs:
    """How records become examples for one model."""

    vlm: VisionLanguageModel
    max_tokens: int  # of a caption
    max_pixels: int  # of a picture that is decoded

    def decode(self, record: Record) -> Tensor | Failure:
        """A record's pixel values [3, H, W], or its stored features [tokens, width]."""
        if record.shape is not None:
            return torch.frombuffer(bytearray(record.picture), dtype=torch.float16).view(record.shape)
        picture = decode(record.picture, self.max_pixels)
        return picture if isinstance(picture, Failure) else self.vlm.preprocess([picture])[0]

    def examples(self, pairs: Sequence[Pair[Tensor]]) -> list[Example]:
        """`[BOS][image tokens][caption, newline]`, as MiniGPT-4's stage 1; a long caption loses its end and newline.

        The frozen parts see those pictures that are not features yet.
        """
        inputs = torch.stack([pair.picture for pair in pairs])  # pixels or features: a run has never both
        features = (self.vlm.features(inputs) if inputs.dim() == PIXELS else inputs).float()
        prompt = self.vlm.chat.bare_prompt()
        answers = [tokenize(self.vlm.tokenizer, pair.caption + END)[: self.max_tokens] for pair in pairs]
        return [Example(feature, prompt, ids) for feature, ids in zip(features, answers, strict=True)]


def hold_out(pairs: Pairs, sources: Sequence[Source], params: PretrainParams) -> tuple[list[Example], list[Source]]:
    """`judged_pictures` examples from the sources' last shards, by weight; and the sources without those shards.

    Raises JobError where they are too few to be judged by.
    """
    drawn: list[Pair[Tensor]] = []
    weights = sum(source.weight for source in sources)
    for source in sources:
        wanted = max(1, round(params.judged_pictures * source.weight / weights))
        records = (item for item in read_shard(source.shards[-1]) if isinstance(item, Record))
        decoded = ((record.caption, pairs.decode(record)) for record in records)
        usable = (Pair(caption, picture) for caption, picture in decoded if not isinstance(picture, Failure))
        drawn += islice(usable, wanted)
    examples: list[Example] = []
    for start in range(0, len(drawn), PICTURES_AT_ONCE):
        found = pairs.examples(drawn[start : start + PICTURES_AT_ONCE])
        examples += [replace(example, features=example.features.cpu()) for example in found]
    more = "set pretrain.judged_pictures higher, or write larger shards (the last one is held out)"
    check_distractors([example.answer for example in examples], params.distractors, more)
    return examples, [replace(source, shards=source.shards[:-1]) for source in sources]


@torch.no_grad()
def sample_captions(vlm: VisionLanguageModel, examples: Sequence[Example], max_tokens: int) -> list[str]:
    """What the model says of some pictures, greedily, behind what people wrote of them.

    The random numbers of the training stay as they were.
    """
    greedy = DecodingParams(
        max_new_tokens=max_tokens,
        num_beams=1,
        do_sample=False,
        temperature=1.0,
        top_p=1.0,
        repetition_penalty=1.0,
        batch_size=len(examples),
    )
    training = vlm.training
    embeds = vlm.eval().project(torch.stack([example.features for example in examples]))
    vlm.train(training)  # a trained Q-Former has dropout
    said = answer(vlm, first_turn(vlm, embeds, examples[0].prompt), greedy, seeds=range(len(examples)))
    own = [str(vlm.tokenizer.decode(list(example.answer))) for example in examples]
    new = [found.text.partition(END)[0] for found in said]
    return [" | ".join(" ".join(text.split()) for text in both) for both in zip(own, new, strict=True)]
