"""Answers: each row ends by itself and says why; what it is batched with changes nothing."""

from __future__ import annotations

import copy
import json
import shutil
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from torch import Tensor

from pipeline.backends.completion import LENGTH, STOP
from pipeline.compose import build_model
from pipeline.generate import Answer, answer, first_turn, further_turn
from pipeline.params import DecodingParams, ModelParams
from pipeline.prompts import tokenize
from pipeline.vlm import VisionLanguageModel
from tests.tiny import EOS

GREEDY = DecodingParams(
    max_new_tokens=8, num_beams=1, do_sample=False, temperature=1.0, top_p=1.0, repetition_penalty=1.0, batch_size=3
)
WARM = GREEDY.model_copy(update={"do_sample": True})


def conversations(*lengths: int) -> list[Tensor]:
    """Random embeddings of these lengths."""
    torch.manual_seed(7)
    return [torch.randn(length, 32) for length in lengths]


ROWS = conversations(12, 3, 7, 3, 30, 1, 9)
SEEDS = range(len(ROWS))
OTHERS = range(100, 100 + len(ROWS))


@pytest.mark.parametrize("beams", [1, 2])
def test_a_row_is_answered_as_if_it_were_alone(tiny_vlm: VisionLanguageModel, beams: int) -> None:
    """Neither the other rows nor the padding on the left decide a token; answers stand in the order of the rows."""
    params = GREEDY.model_copy(update={"num_beams": beams})
    alone = [answer(tiny_vlm, [row], params, seeds=[0])[0] for row in ROWS]
    assert len({found.text for found in alone}) == len(ROWS)
    for size in (3, 7):
        assert answer(tiny_vlm, ROWS, params.model_copy(update={"batch_size": size}), seeds=SEEDS) == alone
    assert answer(tiny_vlm, ROWS[::-1], params, seeds=SEEDS) == alone[::-1]


def test_greedy_answers_are_the_likeliest_tokens(tiny_vlm: VisionLanguageModel) -> None:
    """Token after token, as a loop over the language model's logits finds them."""
    row = ROWS[2]
    ids: list[int] = []
    for _ in range(GREEDY.max_new_tokens):
        embeds = torch.cat([row, tiny_vlm.embed_tokens(torch.tensor(ids, dtype=torch.long))])
        ids.append(int(tiny_vlm.llm(inputs_embeds=embeds[None]).logits[0, -1].argmax()))
    (found,) = answer(tiny_vlm, [row], GREEDY, seeds=[0])
    assert found == Answer(str(tiny_vlm.tokenizer.decode(ids)).strip(), GREEDY.max_new_tokens, LENGTH)


def chained(vlm: VisionLanguageModel, *chains: Sequence[str]) -> VisionLanguageModel:
    """A copy of the model in which a token alone decides the next one: within each chain, its right neighbour."""
    vlm = copy.deepcopy(vlm)
    vocabulary = vlm.tokenizer.get_vocab()
    dimension = {token: i for i, token in enumerate(dict.fromkeys(token for chain in chains for token in chain))}
    with torch.no_grad():
        for layer in vlm.llm.model.layers:
            layer.self_attn.o_proj.weight.zero_()
            layer.mlp.down_proj.weight.zero_()
        words, head = vlm.llm.get_input_embeddings().weight, vlm.llm.get_output_embeddings().weight
        head.zero_()
        for token, i in dimension.items():
            words[vocabulary[token]] = torch.eye(32)[i]
        for chain in chains:
            for before, after in pairwise(chain):
                head[vocabulary[after], dimension[before]] = 4.0
    return vlm


# The first token of a chain is the last one of a prompt; every "#" is followed by another.
CHAINS = ["aPQR##", "bS#", "cUVU", ["d", "W", EOS], "e#", "fXYZBK#", "gJX"]
ENDINGS = [
    pytest.param("a", Answer("PQR", 4, STOP), id="mark"),
    pytest.param("b", Answer("S", 2, STOP), id="mark_early"),
    pytest.param("c", Answer("UVUVUVUV", 8, LENGTH), id="never"),
    pytest.param("d", Answer("W", 1, STOP), id="end_token"),
    pytest.param("e", Answer("", 0, STOP), id="mark_at_once"),
    pytest.param("f", Answer("XYZBK", 6, STOP), id="mark_with_the_last_token"),
    pytest.param("g", Answer("JXYZBK##", 8, LENGTH), id="mark_one_token_too_late"),
]


@pytest.fixture(scope="module")
def chain(tiny_vlm: VisionLanguageModel) -> VisionLanguageModel:
    """A model whose every answer is known."""
    return chained(tiny_vlm, *CHAINS)


def prompts(vlm: VisionLanguageModel, *letters: str) -> list[Tensor]:
    """Conversations of different lengths that end with these letters."""
    lines = [f"{'1' * (n % 4)}{letter}" for n, letter in enumerate(letters)]
    return [vlm.embed_tokens(torch.tensor(tokenize(vlm.tokenizer, line))) for line in lines]


@pytest.mark.parametrize("beams", [1, 3])
@pytest.mark.parametrize(("letter", "expected"), ENDINGS)
def test_a_row_says_why_it_ended(chain: VisionLanguageModel, letter: str, expected: Answer, beams: int) -> None:
    """`stop` for the mark and for EOS, `length` otherwise; before a mark, " text" is counted as it tokenises."""
    (found,) = answer(chain, prompts(chain, letter), GREEDY.model_copy(update={"num_beams": beams}), seeds=[0])
    assert found == expected


@pytest.mark.parametrize("size", [2, 7])
def test_each_row_stops_at_its_own_mark(chain: VisionLanguageModel, size: int) -> None:
    """A row that has ended waits for the others without a further word."""
    letters = [str(row.values[0]) for row in ENDINGS]
    found = answer(chain, prompts(chain, *letters), GREEDY.model_copy(update={"batch_size": size}), seeds=SEEDS)
    assert found == [row.values[1] for row in ENDINGS]


def test_any_end_token_that_the_folder_names_ends_a_row(
    tiny_vlm: VisionLanguageModel, model_params: ModelParams, tmp_path: Path
) -> None:
    """Chat models have several, and only one of them is the tokenizer's EOS."""
    folder = opinionated(model_params, tmp_path, eos_token_id=[1, tiny_vlm.tokenizer.get_vocab()["R"]])
    ending = chained(build_model(model_params.model_copy(update={"llm": folder})), *CHAINS)
    found = answer(ending, prompts(ending, "a", "c"), GREEDY, seeds=[0, 0])
    assert found == [Answer("PQ", 2, STOP), Answer("UVUVUVUV", 8, LENGTH)]


def opinionated(model_params: ModelParams, tmp_path: Path, **opinions: object) -> Path:
    """A copy of the language model's folder whose generation config holds `opinions` too."""
    folder = shutil.copytree(model_params.llm, tmp_path / "opinionated")
    path = folder / "generation_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **opinions}))
    return folder


@pytest.mark.parametrize("params", [GREEDY, WARM], ids=["greedy", "warm"])
def test_the_folder_has_no_say_in_decoding(
    tiny_vlm: VisionLanguageModel, model_params: ModelParams, tmp_path: Path, params: DecodingParams
) -> None:
    """Chat models ship sampling defaults; the params decide."""
    opinions = {"do_sample": True, "top_k": 1, "typical_p": 0.5, "no_repeat_ngram_size": 1, "min_new_tokens": 2}
    folder = opinionated(model_params, tmp_path, suppress_tokens=list(range(3, 290)), **opinions)
    loaded = build_model(model_params.model_copy(update={"llm": folder}))
    assert answer(loaded, ROWS, params, seeds=SEEDS) == answer(tiny_vlm, ROWS, params, seeds=SEEDS)


def test_sampling_follows_the_seed(tiny_vlm: VisionLanguageModel) -> None:
    """The same seed gives the same answers, whatever was drawn before; greedy answers know no seed."""
    first = answer(tiny_vlm, ROWS, WARM, seeds=SEEDS)
    torch.rand(5)
    assert answer(tiny_vlm, ROWS, WARM, seeds=SEEDS) == first
    assert answer(tiny_vlm, ROWS, WARM, seeds=OTHERS) != first
    assert answer(tiny_vlm, ROWS, GREEDY, seeds=SEEDS) == answer(tiny_vlm, ROWS, GREEDY, seeds=OTHERS) != first


def test_sampling_draws_from_all_that_the_params_leave(tiny_vlm: VisionLanguageModel) -> None:
    """At a high temperature every token has its chance, unless top_p takes it."""
    same = [ROWS[0]] * 400
    hot = WARM.model_copy(update={"temperature": 50.0, "max_new_tokens": 1, "batch_size": 400})
    assert len({found.text for found in answer(tiny_vlm, same, hot, seeds=range(400))}) > 80
    narrow = hot.model_copy(update={"top_p": 0.01})
    assert len({found.text for found in answer(tiny_vlm, same, narrow, seeds=range(400))}) < 10


@pytest.mark.parametrize("beams", [1, 2])
def test_progress_is_told_row_by_row(tiny_vlm: VisionLanguageModel, beams: int) -> None:
    """Every row once; nothing for nothing."""
    advanced: list[int] = []
    short = GREEDY.model_copy(update={"max_new_tokens": 1, "num_beams": beams})
    answer(tiny_vlm, ROWS, short, seeds=SEEDS, advance=advanced.append)
    assert advanced == [1] * 7
    assert answer(tiny_vlm, [], short, seeds=[], advance=advanced.append) == []
    assert advanced == [1] * 7


def test_turns_follow_each_other(tiny_vlm: VisionLanguageModel) -> None:
    """First the prompt around each picture, then the answer as " answer", then the next turn."""
    prompt = tiny_vlm.chat.picture_prompt("What?")
    images = torch.randn(2, 5, 32)
    first = first_turn(tiny_vlm, images, prompt)
    words = tiny_vlm.llm.get_input_embeddings().weight
    before, after = words[list(prompt.before_image)], words[list(prompt.after_image)]
    assert [torch.equal(row, torch.cat([before, images[i], after])) for i, row in enumerate(first)] == [True, True]
    turn = tiny_vlm.chat.next_turn("Continue")
    ids = tokenize(tiny_vlm.tokenizer, " A dog." + " ###Human: Continue ###Assistant:")
    assert torch.equal(further_turn(tiny_vlm, first[0], "A dog.", turn), torch.cat([first[0], words[ids]]))
