"""The choice of the next token: transformers' penalty and nucleus, one number to one token."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from transformers import RepetitionPenaltyLogitsProcessor, TopPLogitsWarper

from pipeline.generation.sampling import choose, draw, draw_numbers, penalise
from pipeline.params import DecodingParams

DRAWN = DecodingParams(
    max_new_tokens=8, num_beams=1, do_sample=True, temperature=1.0, top_p=1.0, repetition_penalty=1.0, batch_size=3
)
EVENLY = (torch.arange(2000, dtype=torch.float64) + 0.5) / 2000  # numbers spread over [0, 1)


def logits(rows: int, vocabulary: int, spread: float) -> Tensor:
    """Random logits [rows, vocabulary]."""
    return torch.randn(rows, vocabulary, generator=torch.Generator().manual_seed(rows)) * spread


@pytest.mark.parametrize("penalty", [0.5, 1.3])
def test_the_penalty_is_that_of_transformers(penalty: float) -> None:
    """Said once or often, of either sign; rows of different lengths; a row that has said nothing yet."""
    scores = logits(3, 50, 2.0)
    said = [[4, 9, 4, 4], [], [49, 0, 7, 11, 9]]
    found = penalise(scores, said, penalty)
    processor = RepetitionPenaltyLogitsProcessor(penalty)
    for row, ids in enumerate(said):
        assert torch.equal(found[row], processor(torch.tensor([ids], dtype=torch.long), scores[row : row + 1])[0])


# Flat distributions over more tokens than are looked at first, and steep ones whose nucleus is one token.
@pytest.mark.parametrize("top_p", [1.0, 0.95, 0.6, 0.01])
@pytest.mark.parametrize(("vocabulary", "spread"), [(20, 1.0), (20, 8.0), (900, 0.1), (900, 3.0)])
def test_the_nucleus_is_that_of_transformers(vocabulary: int, spread: float, top_p: float) -> None:
    """Every token that transformers keeps is drawn as often as its share says, and no other."""
    scores = logits(1, vocabulary, spread)
    kept = TopPLogitsWarper(top_p)(None, scores).softmax(dim=1)[0]
    drawn = draw(scores.softmax(dim=1).expand(len(EVENLY), -1), EVENLY, top_p)
    counts = torch.bincount(drawn, minlength=vocabulary)
    assert not counts[kept == 0].any()
    assert (counts - kept * len(EVENLY)).abs().max() <= 1.5  # an interval of [0, 1) holds its share, give or take one


def test_a_number_gives_a_token_whatever_is_beside_it() -> None:
    """The same rows one by one and together: what is settled at first glance, and what needs the whole vocabulary."""
    probabilities = torch.cat([logits(40, 900, spread).softmax(dim=1) for spread in (0.1, 4.0)])
    numbers = torch.rand(80, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    for top_p in (1.0, 0.9):
        together = draw(probabilities, numbers, top_p)
        alone = [int(draw(probabilities[[row]], numbers[[row]], top_p)) for row in range(80)]
        assert together.tolist() == alone


def test_temperature_comes_before_the_nucleus() -> None:
    """As in transformers: a hot distribution keeps more tokens."""
    scores = torch.tensor([[4.0, 2.0, 0.0]]).expand(len(EVENLY), -1)
    warm = DRAWN.model_copy(update={"top_p": 0.7})
    drawn = [
        choose(scores, [[]] * len(EVENLY), EVENLY.tolist(), warm.model_copy(update={"temperature": temperature}))
        for temperature in (1.0, 8.0)
    ]
    assert [sorted(set(ids.tolist())) for ids in drawn] == [[0], [0, 1]]


def test_greedy_takes_the_likeliest_after_the_penalty() -> None:
    """Numbers say nothing then."""
    greedy = DRAWN.model_copy(update={"do_sample": False})
    scores = torch.tensor([[1.0, 3.0, 2.0], [1.0, 3.0, 2.0]])
    assert choose(scores, [[1], []], [0.9, 0.9], greedy).tolist() == [1, 1]
    assert choose(scores, [[1], []], [0.9, 0.9], greedy.model_copy(update={"repetition_penalty": 2.0})).tolist() == [
        2,
        1,
    ]


def test_a_generator_goes_on_where_it_stopped() -> None:
    """Two passes draw what one long pass would."""
    whole, parts = (torch.Generator().manual_seed(5) for _ in range(2))
    assert draw_numbers(whole, 7) == draw_numbers(parts, 3) + draw_numbers(parts, 4)
