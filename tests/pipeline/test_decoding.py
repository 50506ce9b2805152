"""The decode loop: every row gets what it would get alone, whoever comes and goes beside it."""

from __future__ import annotations

import copy
import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Self

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from transformers import Gemma2Config, LlamaConfig, MistralConfig, PreTrainedConfig, Qwen2Config

from pipeline.errors import JobError
from pipeline.generate import TwoPasses, first_turn
from pipeline.generation.beams import Generator
from pipeline.generation.decoding import Decoder, Turn, sees_everything
from pipeline.params import DescribeParams, load_params
from pipeline.vlm import VisionLanguageModel

Ids = dict[tuple[int, int], list[int]]  # (row, pass) -> ids
ROWS = 24


@pytest.fixture
def params(root: Path) -> DescribeParams:
    """Greedy; the second pass wherever the first has up to twelve tokens."""
    return load_params("smoke", root).describe.model_copy(update={"continue_up_to": 12, "batch_size": 5})


@pytest.fixture(scope="module")
def pictures(tiny_vlm: VisionLanguageModel) -> list[Tensor]:
    """Conversations about random image embeddings, the prompts of two lengths."""
    images = torch.randn(ROWS, 5, 32, generator=torch.Generator().manual_seed(3))
    prompts = [tiny_vlm.chat.picture_prompt(text) for text in ("What is it?", "Describe this image in detail.")]
    return [first_turn(tiny_vlm, image[None], prompts[n % 2])[0] for n, image in enumerate(images)]


def limits_of(row: int) -> tuple[int, int]:
    """Token limits of a row's two passes, from 1 to 20."""
    rng = random.Random(row)
    return rng.randint(1, 20), rng.randint(1, 20)


def both_passes(
    answerer: Decoder | Generator, params: DescribeParams, pictures: Sequence[Tensor], rows: Sequence[int]
) -> Ids:
    """The ids of both passes of these rows up to an end token, by row number; a row's seed is its number."""
    passes = TwoPasses(answerer.vlm, params, [pictures[row] for row in rows])
    found: Ids = {}

    def finished(place: int, ids: list[int]) -> Turn | None:
        key = rows[place], int((rows[place], 0) in found)
        assert key not in found, "a pass that was finished was made again"
        found[key] = answerer.stops.own(ids)
        turn = passes.finished(place, ids)
        return turn and replace(turn, limit=limits_of(rows[place])[1])

    answerer.run([Turn(pictures[row], limits_of(row)[0]) for row in rows], rows, finished)
    return found


@pytest.mark.parametrize("penalty", [1.0, 1.7])
def test_greedy_answers_are_those_of_generate(
    tiny_vlm: VisionLanguageModel, params: DescribeParams, pictures: list[Tensor], penalty: float
) -> None:
    """Token for token those of transformers' `generate`, one picture at a time and each pass from its beginning."""
    params = params.model_copy(update={"repetition_penalty": penalty})
    alone = params.model_copy(update={"batch_size": 1})
    expected = both_passes(Generator(tiny_vlm, alone), params, pictures, range(ROWS))
    lengths = {len(ids) for ids in expected.values()}
    assert len(lengths) > 10
    assert ROWS < len(expected) < 2 * ROWS  # some rows are continued, and some are not
    for size in (1, 3, 16, 64):
        some = params.model_copy(update={"batch_size": size})
        assert both_passes(Decoder(tiny_vlm, some), params, pictures, range(ROWS)) == expected


@pytest.mark.parametrize("top_p", [1.0, 0.8])
def test_a_row_draws_the_same_in_any_company(
    tiny_vlm: VisionLanguageModel, params: DescribeParams, pictures: list[Tensor], top_p: float
) -> None:
    """Alone, among any number of others, in any order: its seed alone decides, in both passes.

    In float64: in float32 the matrix products of some processors round a batch otherwise than a row, and of two tokens
    about equally likely another one comes first.
    """
    vlm, pictures = copy.deepcopy(tiny_vlm).double(), [picture.double() for picture in pictures]
    params = params.model_copy(update={"do_sample": True, "top_p": top_p, "temperature": 1.5})
    alone: Ids = {}
    for row in range(ROWS):
        alone |= both_passes(Decoder(vlm, params), params, pictures, [row])
    assert len({tuple(ids) for ids in alone.values()}) > ROWS
    for size in (1, 4, 64):
        some = params.model_copy(update={"batch_size": size})
        shuffled = random.Random(size).sample(range(ROWS), ROWS)
        assert both_passes(Decoder(vlm, some), params, pictures, shuffled) == alone


def test_the_passes_draw_different_numbers(
    tiny_vlm: VisionLanguageModel, params: DescribeParams, pictures: list[Tensor]
) -> None:
    """The second pass goes on in the row's generator, where the first one's numbers end."""
    params = params.model_copy(update={"do_sample": True})
    decoder = Decoder(tiny_vlm, params)
    answers: list[list[int]] = []

    def again(_: int, ids: list[int]) -> Turn | None:
        answers.append(ids)
        return Turn(pictures[0], 12) if len(answers) < 3 else None

    decoder.run([Turn(pictures[0], 12)], [8], again)
    assert len({tuple(ids) for ids in answers}) == 3


def done(_row: int, _ids: list[int]) -> None:
    """No further turn, and nobody reads the answer."""


class Passes:
    """The shapes [B, T] of what went through the layers of a language model."""

    def __init__(self, vlm: VisionLanguageModel) -> None:
        self.shapes: list[tuple[int, int]] = []
        decoder = vlm.llm.get_decoder()
        self.handle = decoder.register_forward_pre_hook(self._note, with_kwargs=True)

    def _note(self, _: object, _args: object, kwargs: dict[str, Any]) -> None:
        rows, length, _ = kwargs["inputs_embeds"].shape
        self.shapes.append((rows, length))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.handle.remove()


def test_finished_rows_leave_and_new_ones_enter(
    tiny_vlm: VisionLanguageModel, params: DescribeParams, pictures: list[Tensor]
) -> None:
    """One long row does not hold up the short ones: they take turns in the slot beside it."""
    turns = [Turn(pictures[0], 16), *(Turn(picture, 5) for picture in pictures[2:8:2])]
    decoder = Decoder(tiny_vlm, params.model_copy(update={"batch_size": 2}))
    with Passes(tiny_vlm) as passes:
        decoder.run(turns, [0] * 4, done)
    steps = [rows for rows, length in passes.shapes if length == 1]
    assert steps == [2] * 15 + [1]


def test_a_further_turn_goes_on_from_the_cache(
    tiny_vlm: VisionLanguageModel, params: DescribeParams, pictures: list[Tensor]
) -> None:
    """Only what the cache does not hold is computed: the last token of the answer, and what follows it."""
    first, more = pictures[0], pictures[1][:7]

    def once(_: int, ids: list[int]) -> Turn | None:
        if asked:
            return None
        asked.append(len(ids))
        answer = tiny_vlm.embed_tokens(torch.tensor(ids))
        return Turn(torch.cat([first, answer, more]), 3, held=len(first) + len(ids))

    asked: list[int] = []
    with Passes(tiny_vlm) as passes:
        Decoder(tiny_vlm, params).run([Turn(first, 4)], [0], once)
    prompt, again = (shape for shape in passes.shapes if shape[1] > 1)
    assert (prompt, again) == ((1, len(first) - 1), (1, 1 + len(more) - 1))


class Limit(TorchDispatchMode):
    """A device whose memory ends: no tensor of more than `size` numbers can be made."""

    def __init__(self, size: int) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.size = size

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run what torch asks for, and look at what comes out."""
        out = func(*args, **(kwargs or {}))
        if isinstance(out, Tensor) and out.untyped_storage().nbytes() > 4 * self.size:
            raise torch.OutOfMemoryError("device out of memory. Tried to allocate too much.")
        return out


def test_out_of_memory_halves_the_rows_in_flight(
    tiny_vlm: VisionLanguageModel, params: DescribeParams, pictures: list[Tensor], capsys: pytest.CaptureFixture[str]
) -> None:
    """Again and again, until it fits; no pass that was finished is made twice, and no token changes."""
    for drawn in (False, True):
        warm = params.model_copy(update={"do_sample": drawn, "batch_size": 16})
        expected = both_passes(Decoder(tiny_vlm, warm), params, pictures, range(ROWS))
        decoder = Decoder(tiny_vlm, warm)
        with Limit(16000):
            assert both_passes(decoder, params, pictures, range(ROWS)) == expected
        assert decoder.slots == 4
        lines = capsys.readouterr().err.splitlines()
        assert lines == [f"out of memory with {n} rows at once: going on with {n // 2}" for n in (16, 8)]


def test_a_single_row_that_does_not_fit_ends_the_job(
    tiny_vlm: VisionLanguageModel, params: DescribeParams, pictures: list[Tensor]
) -> None:
    """Half of one row is none."""
    with Limit(400), pytest.raises(JobError, match="out of memory with a single row: "):
        both_passes(Decoder(tiny_vlm, params), params, pictures, range(3))


def test_other_errors_are_not_taken_for_a_lack_of_memory(
    tiny_vlm: VisionLanguageModel, params: DescribeParams, pictures: list[Tensor]
) -> None:
    """A bug keeps its own words."""
    with pytest.raises(RuntimeError, match="must match the size"):
        Decoder(tiny_vlm, params).run([Turn(pictures[0][:, :7], 3)], [0], done)


@pytest.mark.parametrize("fails", [False, True])
def test_the_model_is_left_as_it_was(
    tiny_vlm: VisionLanguageModel, params: DescribeParams, pictures: list[Tensor], fails: bool
) -> None:
    """Losses are computed with the attention that the profile names, whatever decoding uses."""
    before = tiny_vlm.llm.config._attn_implementation
    assert before == "eager"
    with Limit(400 if fails else 10**9):
        try:
            both_passes(Decoder(tiny_vlm, params), params, pictures, range(3))
        except JobError:
            assert fails
    assert tiny_vlm.llm.config._attn_implementation == before


@pytest.mark.parametrize(
    ("config", "everything"),
    [
        pytest.param(LlamaConfig(), True, id="llama"),
        pytest.param(MistralConfig(sliding_window=None), True, id="mistral_v0.3"),
        pytest.param(MistralConfig(sliding_window=4096), False, id="mistral_v0.1"),
        pytest.param(Gemma2Config(), False, id="gemma2"),
        pytest.param(Qwen2Config(use_sliding_window=False), True, id="qwen2"),
    ],
)
def test_the_loop_knows_the_models_that_it_cannot_run(config: PreTrainedConfig, everything: bool) -> None:
    """A layer that sees a window alone would see more than it should."""
    assert sees_everything(SimpleNamespace(config=config)) is everything


def test_a_lack_of_memory_between_passes_tells_of_no_pass_twice(
    tiny_vlm: VisionLanguageModel, params: DescribeParams, pictures: list[Tensor]
) -> None:
    """Rows may end in the same step; those that were told of have left when the next one runs out of memory."""
    told: list[int] = []

    def fail_once(row: int, _: list[int]) -> None:
        if row == 1 and not failures:
            failures.append(row)
            raise torch.OutOfMemoryError("device out of memory. Tried to allocate too much.")
        told.append(row)

    failures: list[int] = []
    Decoder(tiny_vlm, params).run([Turn(picture, 2) for picture in pictures[:4]], [0] * 4, fail_once)
    assert sorted(told) == [0, 1, 2, 3]
