"""A description that begins anew."""

import pytest

from filters.rules.restart import RULE
from pipeline.schema import Passage

LIMIT = 0

FAILING = [
    pytest.param(
        "A cook is slicing onions in a narrow galley. Pans swing above his head. This picture shows a chef at work in a ship's kitchen.",
        id="this_picture",
    ),
    pytest.param(
        "Two girls share an umbrella. Rain is falling. The image provided shows two children in the rain.",
        id="provided",
    ),
    pytest.param(
        "A pony stands in a paddock. Its mane is long. What we see is a picture of a pony in a field.",
        id="what_we_see",
    ),
    pytest.param(
        "A tram crosses a square. In this photo, there is a tram and a square.",
        id="in_this_photo",
    ),
    pytest.param(
        "The photo shows a pony. Its mane is braided. The picture depicts a small horse with ribbons.",
        id="other_noun",
    ),
    pytest.param(
        "An owl sits in a barn. It is white. Here is a photo of an owl in a barn.",
        id="here_is",
    ),
    pytest.param(
        "A carpenter planes a board. Shavings cover the floor. The scene shows a carpenter with a plane and shavings.",
        id="scene_known",
    ),
    pytest.param(
        "Three nuns row a boat. The lake is calm. Pictured here are three nuns in a boat.",
        id="pictured_here",
    ),
    pytest.param(
        "A bakery window is full of loaves. You are looking at a bakery with bread in the window.",
        id="looking_at",
    ),
    pytest.param(
        "In the image, a chef is tossing a pancake. He wears a hat. The image features a cook in a kitchen.",
        id="inside_first",
    ),
    pytest.param(
        "The photograph was taken at noon and shows a desert. Dunes roll to the horizon. The photo displays a sandy landscape.",
        id="taken_and_shows",
    ),
    pytest.param(
        "A black dog is swimming in a lake. In the picture, a black dog is swimming in the water of a lake.",
        id="inside_known",
    ),
    pytest.param(
        "A mechanic is fixing a bike. The attached image is a photo of a man at work.",
        id="attached",
    ),
    pytest.param("The image shows a red bus on a street. In this picture, we see a bus and a street.", id="varied"),
    pytest.param(
        "A penguin stands on a rock. Others crowd the shore. This is a photograph of a penguin on a rock.", id="known"
    ),
    pytest.param("A woman waits at a stop with a case.The image shows a woman with a case at a stop.", id="glued"),
    pytest.param(
        "The violinist wears a red dress in the hall. a photo of a woman in a red dress in a hall.", id="caption"
    ),
    pytest.param(
        "The classroom has chairs. It is a friendly room. In the image, we see a classroom with chairs.",
        id="after_summary",
    ),
    pytest.param("The image shows a double decker bus. It is about transport. The image shows a red car.", id="shows"),
    pytest.param("This is a map of a country. The image is a picture of a flower.", id="is_a_picture"),
    pytest.param("This picture depicts some people. It is sunny. The photo shows two dogs.", id="depicts"),
]

PASSING = [
    pytest.param(
        "A woman is practicing yoga on a terrace. In the image, a dog is lying next to the woman on the mat.",
        id="inside_new",
    ),
    pytest.param(
        "The image shows a dog on a lawn. This is a golden retriever with a red collar.",
        id="breed",
    ),
    pytest.param(
        "The image shows a museum hall. Visitors are looking at a large painting. The painting shows a storm at sea.",
        id="painting_shown",
    ),
    pytest.param(
        "The photo shows a girl with a drawing. The drawing depicts a house with a smoking chimney.",
        id="drawing_shown",
    ),
    pytest.param(
        "A man holds up an old photograph. This photograph shows a young soldier in uniform.",
        id="photograph_held",
    ),
    pytest.param(
        "The image is a collage of four pictures. This picture shows a beach.",
        id="collage",
    ),
    pytest.param(
        "The image features a street market. The image captures a lively and colorful moment.",
        id="moment_adjectives",
    ),
    pytest.param(
        "The photo shows a bridge in fog. The photo captures the quiet of the early morning.",
        id="quiet",
    ),
    pytest.param(
        "A red bus stands at a stop. The image is blurry at the edges.",
        id="blurry",
    ),
    pytest.param(
        "A red bus stands at a stop. The image appears to have been taken in the evening.",
        id="taken",
    ),
    pytest.param(
        "The image shows two cats. In the background of the image, there is a bookshelf.",
        id="background",
    ),
    pytest.param(
        "A boy is flying a kite. In the picture, there are also two dogs.",
        id="inside_also",
    ),
    pytest.param(
        "A boy is flying a kite on a beach. Overall, the image shows a fun day at the beach.",
        id="overall_fun",
    ),
    pytest.param(
        "The screen displays a map. The map shows a river.",
        id="map",
    ),
    pytest.param(
        "A card lies on the table. This picture shows a cake with candles.",
        id="card",
    ),
    pytest.param(
        "The first photo shows a seed. The next photo shows a plant. The last photo shows a tree.",
        id="ordinals_of_photos",
    ),
    pytest.param(
        "The comic has two panels. This scene shows a cat asleep. The other scene shows a dog awake.",
        id="panels",
    ),
    pytest.param(
        "A poster hangs on the door. This illustration shows a rocket on its way to the moon.",
        id="poster",
    ),
    pytest.param(
        'The text on the cover says "This is a photo of a ghost". Below it a bat is drawn.',
        id="quoted",
    ),
    pytest.param(
        "This is a beautiful beach with palm trees. This is a place where turtles nest.",
        id="inside_painting",
    ),
    pytest.param(
        "The painting shows a harbour. In the painting, a fisherman in a red cap mends a net.",
        id="place",
    ),
    pytest.param(
        "A street at night is wet with rain. The scene is lit by neon signs. This is a city that never sleeps.",
        id="here_cook",
    ),
    pytest.param(
        "We see a kitchen with blue tiles. Here we see a cook at work.",
        id="taken_from",
    ),
    pytest.param(
        "A sepia picture of a wedding stands on the shelf. The photo shows a stern groom.", id="picture_in_picture"
    ),
    pytest.param("A desk stands by the wall. A photo of a girl hangs on the wall above it.", id="hanging"),
    pytest.param("The image shows a party. The image captures a moment of joy.", id="moment"),
    pytest.param("The left image shows a beach. The right image shows a forest.", id="parts"),
    pytest.param("The image shows a lake. The scene includes a few boats.", id="scene_adds"),
    pytest.param("The image shows a bus. The image also shows a man.", id="also"),
    pytest.param("The image shows a bus. The image is bright and clear.", id="quality"),
    pytest.param("The image shows a man. The image shows the man's hat.", id="definite"),
    pytest.param("The image shows a bus. In the image, the sky is blue.", id="in_the_image"),
    pytest.param("This is a photo of a dog. Overall, the photo gives a calm impression.", id="overall"),
    pytest.param("This is a car. It is a red car with four doors.", id="it_is_red"),
    pytest.param("", id="empty"),
    pytest.param("The image shows a cat sitting on a mat. It is about animals and pets.", id="clean"),
]


@pytest.mark.parametrize("text", FAILING)
def test_fails(text: str) -> None:
    """A second opening sentence is a restart."""
    verdict = RULE.judge(Passage(text), LIMIT)
    assert verdict.failed
    assert verdict.reason.startswith("restart ")


@pytest.mark.parametrize("text", PASSING)
def test_passes(text: str) -> None:
    """Going on about the same picture is none."""
    verdict = RULE.judge(Passage(text), LIMIT)
    assert not verdict.failed, verdict.reason
    assert verdict.reason == ""
