"""Which pictures a description is compared with, and what its place among them says."""

from __future__ import annotations

import pytest

from pipeline.evidence.matching import Grounding, Match, choose_pictures, weigh

CHOICES = [
    pytest.param(1, 4, [[0]], id="alone"),
    pytest.param(2, 4, [[0, 1], [1, 0]], id="nothing to spare for a wrong one"),
    pytest.param(3, 4, [[0, 1, 2], [1, 2, 0], [2, 0, 1]], id="fewer than wanted"),
    pytest.param(4, 2, [[0, 1, 2, 3], [1, 2, 3, 0], [2, 3, 0, 1], [3, 0, 1, 2]], id="just enough"),
    pytest.param(5, 1, [[0, 1, 2], [1, 2, 3], [2, 3, 4], [3, 4, 0], [4, 0, 1]], id="more than wanted"),
    pytest.param(0, 4, [], id="nobody"),
]


@pytest.mark.parametrize(("rows", "others", "expected"), CHOICES)
def test_each_row_gets_its_own_then_others_then_a_wrong_one(rows: int, others: int, expected: list[list[int]]) -> None:
    """All different, and every picture is compared as often as any other."""
    assert choose_pictures(rows, others) == expected


WEIGHED = [
    # own, others, wrong; nats per token: the level is the mean of the others
    pytest.param(Match([-1.0, -2.0, -4.0, -3.5], -5.0), False, Grounding(2.0, 1, 3, 4.0, -0.5), id="likelihoods"),
    pytest.param(Match([-3.0, -2.0, -4.0, -1.0], -5.0), False, Grounding(0.0, 2, 3, 2.0, 2.0), id="second of three"),
    pytest.param(Match([-2.0, -2.0, -1.0], -2.5), False, Grounding(0.0, 2, 2, 0.5, 1.0), id="an equal one goes first"),
    pytest.param(Match([-1.0, -3.0], -4.0), False, Grounding(2.0, 1, 2, 3.0, None), id="no wrong one"),
    pytest.param(Match([-1.0], -4.0), False, Grounding(None, 1, 1, 3.0, None), id="no other"),
    pytest.param(Match([0.25, 0.5, 0.125, 0.0]), True, Grounding(0.25, 2, 3, None, 0.0), id="cosines"),
    pytest.param(Match([0.25, 0.5]), True, Grounding(0.25, 2, 2, None, None), id="cosines, no wrong one"),
    pytest.param(Match([0.25]), True, Grounding(0.25, 1, 1, None, None), id="a cosine alone"),
]


@pytest.mark.parametrize(("match", "absolute", "expected"), WEIGHED)
def test_a_match_is_weighed_against_the_others(match: Match, absolute: bool, expected: Grounding) -> None:
    """The own picture and the wrong one meet the same others; the wrong one is ranked with nobody."""
    assert weigh(match, absolute=absolute) == expected
