"""Answers by transformers' own `generate`: a batch of rows that waits for its longest.

For beam search, whose tie-breaks and stopping have many cases, and for models whose layers do not see everything.
Rows are batched by length and padded on the left, and each one stops at its own mark and limit. Rows that are drawn
go one at a time, since `generate` draws the numbers of a whole batch from one generator.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence
from transformers import StoppingCriteria, StoppingCriteriaList

from pipeline.generation.decoding import Finished, Turn
from pipeline.generation.memory import fits, halve
from pipeline.generation.stops import Stops
from pipeline.params import DecodingParams
from pipeline.vlm import VisionLanguageModel


class RowStops(StoppingCriteria):
    """Each row stops at its own mark and limit, not when the whole batch has."""

    def __init__(self, stops: Stops, limits: Sequence[int]) -> None:
        self.stops = stops
        self.limits = limits

    def __call__(self, input_ids: Tensor, scores: Tensor, **kwargs: Any) -> Tensor:  # noqa: ARG002 - its signature
        """Generated ids [B * K, T], K candidates of each row -> [B * K], true where one is over."""
        candidates = input_ids.shape[0] // len(self.limits)
        over = [
            len(ids) >= self.limits[place // candidates] or self.stops.marked(ids)
            for place, ids in enumerate(input_ids.tolist())
        ]
        return torch.tensor(over, device=input_ids.device)


class Generator:
    """Answers rows by `generate`, `rows_at_once` of them at a time; running out of memory halves that."""

    def __init__(self, vlm: VisionLanguageModel, decoding: DecodingParams) -> None:
        self.vlm = vlm
        self.decoding = decoding
        self.stops = Stops(vlm)
        self.rows_at_once = 1 if decoding.do_sample else decoding.batch_size

    @torch.no_grad()
    def run(self, turns: Sequence[Turn], seeds: Sequence[int], finished: Finished) -> None:
        """See Decoder.run. A row's n-th further turn draws with its seed + n; what a turn holds is computed again."""
        waiting = dict(enumerate(turns))
        while waiting:
            waiting = self._round(waiting, seeds, finished)
            seeds = [seed + 1 for seed in seeds]

    def _round(self, turns: Mapping[int, Turn], seeds: Sequence[int], finished: Finished) -> dict[int, Turn]:
        """Answer a turn of each row (number -> turn); returns those that follow."""
        further: dict[int, Turn] = {}

        def answer(numbers: Sequence[int]) -> None:
            answers = self._generate([turns[n] for n in numbers], seeds[numbers[0]])
            for number, ids in zip(numbers, answers, strict=True):
                turn = finished(number, ids)
                if turn is not None:
                    further[number] = turn

        waiting = sorted(turns, key=lambda number: len(turns[number].conversation))
        while waiting:
            batch = waiting[: self.rows_at_once]
            if fits(partial(answer, batch), len(batch)):
                del waiting[: len(batch)]
            else:
                self.rows_at_once = halve(len(batch))
        return further

    def _generate(self, turns: Sequence[Turn], seed: int) -> list[list[int]]:
        """One batch: the generated ids of each row, what ended it included."""
        embeds = pad_sequence([t.conversation for t in turns], batch_first=True, padding_side="left")
        mask = pad_sequence([embeds.new_ones(len(t.conversation)) for t in turns], True, 0.0, "left")
        # top_k=0: transformers would otherwise cut at 50, which no param says.
        warm = {"temperature": self.decoding.temperature, "top_p": self.decoding.top_p, "top_k": 0}
        limits = [turn.limit for turn in turns]
        with torch.random.fork_rng(enabled=self.decoding.do_sample):
            if self.decoding.do_sample:
                torch.manual_seed(seed)
            out: Tensor = self.vlm.llm.generate(
                inputs_embeds=embeds,
                attention_mask=mask.long(),
                max_new_tokens=max(limits),
                num_beams=self.decoding.num_beams,
                do_sample=self.decoding.do_sample,
                repetition_penalty=self.decoding.repetition_penalty,
                stopping_criteria=StoppingCriteriaList([RowStops(self.stops, limits)]),
                pad_token_id=self.vlm.tokenizer.pad_token_id,
                **(warm if self.decoding.do_sample else {}),
            )
        return [row[:limit] for row, limit in zip(out.tolist(), limits, strict=True)]
