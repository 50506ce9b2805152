"""Sentences of another language in Latin script."""

import pytest

from filters.rules.mixed_language import RULE
from pipeline.schema import Passage

LIMIT = 0.0

FAILING = [
    pytest.param("The poster shows a man, il est très content dans la rue.", id="poster"),
    pytest.param("A red bus stands in a street. unk unk unk unk.", id="one_unknown_word"),
    pytest.param("A plate steht auf dem Tisch neben a glass.", id="plate"),
    pytest.param(
        "Two horses graze. Dos caballos pastan delante de un granero verde. A cart stands there.", id="weak_words"
    ),
    pytest.param("A farmer drives cows home. Die Kinder stehen am Rand und winken. A dog barks.", id="german"),
    pytest.param("A woman sews at a table, et la lumière entre par la fenêtre.", id="french_clause"),
    pytest.param("The house is white. Hay dos perros en la calle. The sky is blue.", id="spanish"),
    pytest.param("Nella foto si vede una piazza. Pigeons sit on the rim of the fountain.", id="italian"),
    pytest.param(
        "Boys play ball. As casas coloridas sobem pela encosta até o topo. A dog has joined.", id="portuguese"
    ),
    pytest.param("A boat passes a bridge. Er staan veel fietsen langs het water. The sun shines.", id="dutch"),
    pytest.param("A boat is red. Det finns en hund på stranden och den är svart. The sea is calm.", id="swedish"),
    pytest.param("A boat is red. Na plaży jest pies, który się bawi. The sea is calm.", id="polish"),
    pytest.param("A boat is red. Bu bir köpek ve çok büyük. The sea is calm.", id="turkish"),
    pytest.param("A boat is red. Lorem ipsum dolor sit amet. The sea is calm.", id="lorem"),
    pytest.param("A boat is red. Perahu itu berlayar ke pelabuhan. The sea is calm.", id="indonesian"),
    pytest.param("A boat is red. Naav nadi mein chal rahi hai. The sea is calm.", id="hindi"),
    pytest.param("A boat is red. Fune wa shizuka ni ukande imasu. The sea is calm.", id="japanese"),
    pytest.param("A boat is red. Vene kelluu tyynesti. The sea is calm.", id="finnish"),
    pytest.param("A boat is red. Barca pluteste linistita. The sea is calm.", id="romanian"),
    pytest.param("A boat is red, perahu berlayar menuju pelabuhan kecil, on a calm sea.", id="clause"),
    pytest.param("A boat is red. C'est un chien. The sea is calm.", id="short"),
]

PASSING = [
    pytest.param("The slate offers soupe à l'oignon, moules marinières and tarte Tatin.", id="menu"),
    pytest.param("A poster for Der Himmel über Berlin hangs in the hall.", id="film"),
    pytest.param("Pollen grains rest on a petal: furrowed ellipsoids tinted mauve.", id="science"),
    pytest.param("Rococo putti, acanthus scrolls, gilded volutes.", id="terms"),
    pytest.param("The skyline of Rio de Janeiro can be seen from the Pão de Açúcar.", id="rio"),
    pytest.param('A board says "Die Kinder stehen am Rand und winken" in chalk.', id="quoted"),
    pytest.param("Above the door a sign reads 'Boulangerie de la Gare'.", id="single"),
    pytest.param("Pins stick in Oaxaca, San Cristóbal de las Casas and Mérida.", id="places"),
    pytest.param("They stand before the Museo de las Artes y las Ciencias in Valencia.", id="museum"),
    pytest.param("A portrait of Leonardo da Vinci by Vincent van Gogh and Ludwig von Beethoven.", id="names"),
    pytest.param("A plate of tagliatelle al ragù, a crème brûlée and a pain au chocolat.", id="dishes"),
    pytest.param("A bowl of pho with jalapeño and hoisin sauce.", id="pho"),
    pytest.param("A façade with naïve décor; the fiancé sips café au lait à la carte.", id="loans"),
    pytest.param("The man in the hat was so hot that he had to die.", id="words"),
    pytest.param("They sit vis-à-vis, tête-à-tête, in a cul-de-sac.", id="vis"),
    pytest.param("A tray holds idli, vada, sambar and uttapam.", id="list_of_dishes"),
    pytest.param("The moves are 1. e4 c5 2. Nf3 d6 3. d4 cxd4 4. Nxd4 Nf6.", id="chess"),
    pytest.param("Colourful tyres line grey kerbs in a harbour.", id="british"),
    pytest.param("Hieronymus Bosch, Pieter van der Weyden, Lucas de Heere.", id="painters"),
    pytest.param("Hay bales lie on the field and a con man pours a drink.", id="hay"),
    pytest.param("The Place de la Concorde and the rue du Bac are wet.", id="french_name"),
    pytest.param("", id="empty"),
    pytest.param("The image shows a cat sitting on a mat. It is about animals and pets.", id="clean"),
]


@pytest.mark.parametrize("text", FAILING)
def test_fails(text: str) -> None:
    """A sentence or clause of another language is none of the description's."""
    verdict = RULE.judge(Passage(text), LIMIT)
    assert verdict.failed
    assert verdict.reason.startswith("mixed_language ")


@pytest.mark.parametrize("text", PASSING)
def test_passes(text: str) -> None:
    """Names, dishes, loan words and what a sign says may be foreign."""
    verdict = RULE.judge(Passage(text), LIMIT)
    assert not verdict.failed, verdict.reason
    assert verdict.reason == ""
