"""Characters that no sentence is written with."""

import pytest

from filters.rules.meaningless_characters import RULE
from pipeline.schema import Passage

LIMIT = 0.0

FAILING = [
    pytest.param("The ◊ cat lies on a mat.", id="before_noun"),
    pytest.param("A barn. #barn #farmlife #horses Two horses graze.", id="hashtags"),
    pytest.param("The bakerâ€™s van is outside.", id="mojibake"),
    pytest.param("A row of cafÃ©s.", id="mojibake_letters"),
    pytest.param("A cobbler&#39;s shop &amp; a bench.", id="entity"),
    pytest.param("<p>A boat has capsized.</p>", id="tag"),
    pytest.param("Two kayaks drift. asdkj lkwqe zzxv. The paddlers rest.", id="mash"),
    pytest.param("A tram. qwertyuiop asdfghjkl.", id="row"),
    pytest.param("A cart. ||||____||||", id="pipes"),
    pytest.param("A tram ♪♪♪ climbs.", id="notes"),
    pytest.param("A bnmvcxzlk dog.", id="consonants"),
    pytest.param("A dooooog runs.", id="stretched"),
    pytest.param("What a cat!!!!!", id="exclamations"),
    pytest.param("The ____ sits.", id="underscores"),
    pytest.param("A caf\ufffd on the corner.", id="replacement"),
    pytest.param("A cat\x07 sits.", id="control"),
    pytest.param("A cat\u200b sits.", id="zero_width"),
    pytest.param("A **bold** cat.", id="bold"),
    pytest.param("# A cat sits.", id="heading"),
    pytest.param("A cat ~ a dog.", id="tilde"),
    pytest.param("A cat 🐱 sits.", id="emoji"),
    pytest.param("A | cat | sits", id="bars"),
    pytest.param("A cat ...... sits.", id="dots"),
    pytest.param("A cat sits. <b>It</b> is black.", id="bold_tag"),
    pytest.param("A cat sits. ♥ ♦ It is black.", id="stray_suits"),
    pytest.param("A cat sits_x000d_on a mat.", id="excel"),
]

PASSING = [
    pytest.param("The shirt has a big ∞ on it.", id="noun"),
    pytest.param("A # is sprayed on the door.", id="hash_noun"),
    pytest.param("The sign says #1 in red.", id="one_hash"),
    pytest.param('An "I ♥ NY" mug stands there.', id="heart"),
    pytest.param("The sign says «Café» − or „Bar“.", id="guillemets"),
    pytest.param("The board says E = mc² and 5 × 3 ≈ 15.", id="formula"),
    pytest.param("A QWERTY keyboard has rhythm.", id="qwerty"),
    pytest.param("It is 5′ 10″ tall, ±1 cm, at -5 °C.", id="units"),
    pytest.param("A catchphrase about Knightsbridge and a sightscreen.", id="long_clusters"),
    pytest.param('He says "Tsk, pfffft, aaaah!"', id="tsk"),
    pytest.param("King Henry VIII, size XXXL, the year MDCCCXXXIII.", id="roman"),
    pytest.param("Iraqi and Qatari flags hang from a qanun.", id="iraq"),
    pytest.param("A cat (a big one); \"Tom\" - it's 50% grey, isn't it?", id="prose"),
    pytest.param("“Tom” isn’t here – he’s out…", id="curly"),
    pytest.param('A slide shows "<b>Menu</b><br>" in green.', id="tag_on_screen"),
    pytest.param("The ace of ♠ lies on the king of ♦.", id="cards"),
    pytest.param("The button marked ▶ is lit, and the ~ key is worn.", id="keys"),
    pytest.param("The marks |||| || are cut into the tree.", id="tally"),
    pytest.param("A theorem with ∀x ∈ S is on the blackboard.", id="theorem"),
    pytest.param("The player wears #7.", id="number_sign"),
    pytest.param("It costs $5, £4 or €6 & tax.", id="price"),
    pytest.param("It is 20° outside.", id="degrees"),
    pytest.param("Hello... world.", id="ellipsis"),
    pytest.param("A café in Zürich.", id="accents"),
    pytest.param("What?!", id="interrobang"),
    pytest.param("", id="empty"),
    pytest.param("The image shows a cat sitting on a mat. It is about animals and pets.", id="clean"),
]


@pytest.mark.parametrize("text", FAILING)
def test_fails(text: str) -> None:
    """Control and replacement characters, odd symbols and runs of one mark are meaningless."""
    verdict = RULE.judge(Passage(text), LIMIT)
    assert verdict.failed
    assert verdict.reason.startswith("meaningless_characters ")


@pytest.mark.parametrize("text", PASSING)
def test_passes(text: str) -> None:
    """The punctuation of prose is not, nor are prices, ordinals and titles."""
    verdict = RULE.judge(Passage(text), LIMIT)
    assert not verdict.failed, verdict.reason
    assert verdict.reason == ""


def test_value_is_a_share_of_characters() -> None:
    """Four of eight characters."""
    assert RULE.measure(Passage("cat ____")).value == 0.5
