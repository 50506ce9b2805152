"""What counts as yes and as no, and what as neither; how agreement is counted."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from measures.verdicts import NO, UNCLEAR, YES, Agreement, agreement_of, read_verdict

ANSWERS = {
    YES: [
        "yes",
        "Yes.",
        "YES!!!",
        " \n Yes\n",
        "**Yes**",
        "_Yes._",
        '"Yes"',
        "'Yes.'",
        "(yes)",
        "- Yes",
        "Answer: Yes",
        "**Answer:** yes.",
        "The answer is yes.",
        "Final answer: **Yes**",
        "Yes, it does.",
        "Yes it does.",
        "Yes, caption2 covers all the objects and visual relations shown in caption1.",
        "Yes, image caption2 mentions both the dog and the mat that it sits on.",
        "Yes. Both captions speak of a red bus on a street.",
        "Yes\n\nExplanation: the bus and the street are in both.",
        "Yes the description covers both.",
        "Yes \u2014 the red bus is there.",
        "Yes\u3002",
        "Yes, the notebook and the knot are there.",
        "<think>Hmm, no dog? It is there, so yes.</think>\n\nYes",
    ],
    NO: [
        "no",
        "No.",
        "NO",
        "**No**",
        "Answer: no",
        "The answer is: No.",
        "No, it does not.",
        "No it doesn't.",
        "No, caption2 does not mention the dog.",
        "No. Caption2 covers the bus, but not the street.",
        "No, not all of them.",
        "No, only partially.",
        "No: the dog is missing.",
        "No - the dog is missing.",
        "No, nothing in caption2 speaks of a dog.",
        "No\n\nCaption1 has a dog.",
        "No because the dog is missing.",
        "No, the man's eyes are left out.",
        "<think>\nYes or no?\n</think>\nNo.",
    ],
    UNCLEAR: [
        "",
        " \n",
        "...",
        "No doubt, yes",
        "Not all",
        "Not really.",
        "Yes and no",
        "Yes or no",
        "Yes/No",
        "yes no",
        "No, wait, yes.",
        "No, but in part yes.",
        "No object is missing.",
        "No objects are left out.",
        "No, nothing is missing.",
        "No problem!",
        "No-one is mentioned.",
        "Yes-ish",
        "Yesterday",
        "Nope",
        "None",
        "Nothing is missing.",
        "Now",
        "Noah's ark",
        "Yes, but the dog is missing.",
        "Yes, except for the dog.",
        "Yes, it does not cover the dog.",
        "Yes, although it doesn\u2019t name the street.",
        "Yes, mostly.",
        "Yes, some of them.",
        "Partially.",
        "It depends.",
        "I think so.",
        "I would say yes.",
        "Caption2 covers everything, yes.",
        "Caption2 does not cover all objects.",
        "There is one image caption1",
        "As an AI language model, I cannot see images.",
        "Ja",
        "\u0414\u0430",
        "1",
        "True",
        "<think>Yes, the bus is there, and the str",
        "The image shows a red bus on a street.",
    ],
}


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [pytest.param(answer, verdict, id=repr(answer)) for verdict, answers in ANSWERS.items() for answer in answers],
)
def test_verdicts(answer: str, verdict: str) -> None:
    """An answer counts by its first word, unless the rest says otherwise."""
    assert read_verdict(answer) == verdict


@given(st.text(alphabet=st.sampled_from("yesno .,'-\n*<>"), max_size=20))
def test_any_text_has_one_verdict(answer: str) -> None:
    """A verdict never comes from an answer that holds no such word."""
    verdict = read_verdict(answer)
    assert verdict in (YES, NO, UNCLEAR)
    assert verdict == UNCLEAR or verdict in answer.lower()


def rounds(both: int, first: int, second: int, neither: int) -> tuple[list[str], list[str]]:
    """Two rounds of verdicts, from the four cells of their table: who said yes."""
    cells = [(YES, YES)] * both + [(YES, NO)] * first + [(NO, YES)] * second + [(NO, NO)] * neither
    return [a for a, _ in cells], [b for _, b in cells]


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ((20, 5, 10, 15), Agreement(50, 0.7, 0.4)),  # the textbook's: observed 0.7, expected 0.5
        ((45, 15, 25, 15), Agreement(100, 0.6, 0.06 / 0.46)),
        ((25, 35, 5, 35), Agreement(100, 0.6, 0.14 / 0.54)),  # as often equal, by other margins
        ((3, 0, 0, 2), Agreement(5, 1.0, 1.0)),
        ((0, 3, 3, 0), Agreement(6, 0.0, -1.0)),
        ((1, 1, 1, 1), Agreement(4, 0.5, 0.0)),
        ((0, 4, 0, 0), Agreement(4, 0.0, 0.0)),
        ((0, 0, 3, 3), Agreement(6, 0.5, 0.0)),
        ((7, 0, 0, 0), Agreement(7, 1.0, None)),
        ((0, 0, 0, 1), Agreement(1, 1.0, None)),
        ((0, 0, 0, 0), Agreement(0, None, None)),
    ],
    ids=[
        "textbook",
        "by_chance",
        "less_by_chance",
        "always",
        "never",
        "half",
        "one_says_yes_the_other_no",
        "one_says_the_same_to_all",
        "both_say_yes_to_all",
        "one_pair",
        "no_pair",
    ],
)
def test_kappa(cells: tuple[int, int, int, int], expected: Agreement) -> None:
    """Agreement beyond chance; None where chance alone would always agree."""
    found = agreement_of(*rounds(*cells))
    assert (found.pairs, found.equal) == (expected.pairs, expected.equal)
    assert found.kappa == (None if expected.kappa is None else pytest.approx(expected.kappa))


def test_rounds_are_of_the_same_pairs() -> None:
    """Two lists of different lengths are a bug, not an agreement."""
    with pytest.raises(ValueError, match="shorter"):
        agreement_of([YES, NO], [YES])
