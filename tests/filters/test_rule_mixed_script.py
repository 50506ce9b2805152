"""Letters of other scripts inside English."""

import pytest

from filters.rules.mixed_script import RULE
from pipeline.schema import Passage

LIMIT = 0.0

FAILING = [
    pytest.param("The image shows 一只猫 on a mat.", id="chinese"),
    pytest.param("The image shows a 猫 on a mat.", id="one_letter"),
    pytest.param("The image shows a кот on a mat.", id="cyrillic"),
    pytest.param("The man drinks a καφές at a blue table.", id="greek_word"),
    pytest.param("A cat sits. 猫が座っている。", id="sentence_of_its_own"),
    pytest.param("The imаge shows a cat.", id="look_alike"),
]

PASSING = [
    pytest.param("Bibimbap, 비빔밥 in Korean, is served in a bowl.", id="in_korean"),
    pytest.param("A salad, χωριάτικη on the menu, stands there.", id="menu"),
    pytest.param("A stamp with the seal 印 is in the corner.", id="seal"),
    pytest.param('A sign that reads "出口" hangs there.', id="quoted"),
    pytest.param("The sign says καφές in blue.", id="says"),
    pytest.param("A scroll with the kanji 水 hangs there.", id="kanji"),
    pytest.param("On the van is painted хлеб in yellow.", id="painted"),
    pytest.param("The equation Δx = λ₀ is on the board.", id="equation"),
    pytest.param("A café in Zürich, by Søren Kierkegård.", id="accents"),
    pytest.param("The board shows the sign π and the letter Ω.", id="pi"),
    pytest.param("A cat 🐱 sits.", id="emoji"),
    pytest.param("A grain of 5 µm.", id="micro"),
    pytest.param("12345", id="digits"),
    pytest.param("", id="empty"),
    pytest.param("The image shows a cat sitting on a mat. It is about animals and pets.", id="clean"),
]


@pytest.mark.parametrize("text", FAILING)
def test_fails(text: str) -> None:
    """One letter of another script is one too many."""
    verdict = RULE.judge(Passage(text), LIMIT)
    assert verdict.failed
    assert verdict.reason.startswith("mixed_script ")


@pytest.mark.parametrize("text", PASSING)
def test_passes(text: str) -> None:
    """Accents, single Greek symbols and emoji are not another script."""
    verdict = RULE.judge(Passage(text), LIMIT)
    assert not verdict.failed, verdict.reason
    assert verdict.reason == ""


def test_value_is_a_share_of_letters() -> None:
    """One letter of four, marks and digits left out."""
    assert RULE.measure(Passage("cat, 12 猫")).value == 0.25
