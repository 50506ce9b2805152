"""Texts that shuffle a few words."""

import pytest

from filters.rules.monotony import RULE
from pipeline.schema import Passage

LIMIT = 0.45

FAILING = [
    pytest.param(
        "The sunset is orange. Its orange colour gives an orange glow, and the orange glow gives the sunset its orange colour.",
        id="one_colour",
    ),
    pytest.param(
        "The red car is next to the red car and the blue car is next to the blue car and the red car is a blue car with a red car.",
        id="same_coloured",
    ),
    pytest.param(
        "The wall is covered with old posters, old maps, old letters, old stamps, old menus, old tickets, old coins, old keys and old clocks.",
        id="one_adjective",
    ),
    pytest.param(
        "It might be a farm or perhaps a mill, perhaps a school, or perhaps a barn, perhaps a chapel or perhaps a shed, perhaps even a prison, or perhaps the town hall.",
        id="one_hedge",
    ),
    pytest.param(
        "The color is blue. The other color is blue and white. The other is white and blue. The stripes are blue, and the white is between the blue. The color is white.",
        id="colours",
    ),
    pytest.param(
        "The flower is pink and the petals of the flower are pink. The flower has pink petals. The pink of the petals is a light pink, and the flower is a pink one. It is pink.",
        id="flower",
    ),
    pytest.param(
        "There are people in the room. Some people stand in the room with other people. The people in the room stand near people, and other people stand near the people in the room.",
        id="people",
    ),
]

PASSING = [
    pytest.param(
        "The blanket runs red stripe, orange stripe, yellow stripe, green stripe, blue stripe, violet stripe, then starts over with a red stripe.",
        id="stripes",
    ),
    pytest.param(
        "The team on the left wears white shirts, white shorts and white socks; the team on the right wears maroon shirts, maroon shorts and maroon socks.",
        id="teams",
    ),
    pytest.param(
        "A white dog with a white collar sits by a white fence, and a white cat looks down at it from the white roof of a shed that leans against an apple tree.",
        id="five_times",
    ),
    pytest.param(
        "The first bird is brown. The second bird is grey. The third bird is nearly black and has its head under its wing. A cat watches the birds from a roof.",
        id="birds",
    ),
    pytest.param(
        "The man on the left is wearing a blue shirt, the man in the middle is wearing a white shirt, and the man on the right is wearing a black coat and boots.",
        id="shirts",
    ),
    pytest.param(
        'A banner reads "Ho ho ho ho ho ho ho ho ho ho ho ho ho ho ho ho" over the door of the shop.', id="song"
    ),
    pytest.param("A cat, a cat, a cat and a cat.", id="short"),
    pytest.param(
        "White fields, white roofs, white sky: only the black line of a fence and a single red mailbox interrupt the snow on the road to the farm.",
        id="white",
    ),
    pytest.param("", id="empty"),
    pytest.param("The image shows a cat sitting on a mat. It is about animals and pets.", id="clean"),
]


@pytest.mark.parametrize("text", FAILING)
def test_fails(text: str) -> None:
    """A few words said over and over in changing order are no description."""
    verdict = RULE.judge(Passage(text), LIMIT)
    assert verdict.failed
    assert verdict.reason.startswith("monotony ")


@pytest.mark.parametrize("text", PASSING)
def test_passes(text: str) -> None:
    """Parallel sentences bring new words, and what is quoted may be sung."""
    verdict = RULE.judge(Passage(text), LIMIT)
    assert not verdict.failed, verdict.reason
    assert verdict.reason == ""


def test_value_is_of_the_worst_window() -> None:
    """16 different words, then 16 times one."""
    varied = " ".join(f"w{chr(97 + n)}x" for n in range(16))
    assert RULE.measure(Passage(varied)).value == 0.0
    assert RULE.measure(Passage(f"{varied} " + "dog " * 16)).value == 1 - 1 / 16
