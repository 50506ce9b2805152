"""Sentences that repeat an earlier one."""

import pytest

from filters.rules.sentence_duplication import RULE
from pipeline.schema import Passage

LIMIT = 0.0

FAILING = [
    pytest.param(
        "This is a flower. It is about flowers and plants. The color is blue. It is about flowers and plants.",
        id="about",
    ),
    pytest.param(
        "The barn is green and the horses are brown. The horses are brown and the barn is green.", id="swapped_clauses"
    ),
    pytest.param(
        "A farmer leads two horses out of a barn. Two horses are being led out of a barn by a farmer.",
        id="led",
    ),
    pytest.param(
        "The cat is sitting on the windowsill. It is looking out at the rain. Sitting on the windowsill, the cat looks out at the rain.",
        id="sum_with_pronoun",
    ),
    pytest.param(
        "A small white church stands on a hill. A path leads up to it through a meadow. To sum up, there is a little white church on a hill with a path leading up through a meadow.",
        id="to_sum_up",
    ),
    pytest.param(
        "A man is pouring tea into a glass. Steam rises from the glass. The man pours some tea in a glass.",
        id="some_tea",
    ),
    pytest.param(
        "The woman is wearing sunglasses and a scarf. She has sunglasses on and is wearing a scarf. Her bag is brown.",
        id="has_on",
    ),
    pytest.param(
        "The ceiling is decorated with paintings of angels. Chandeliers hang from it. There are paintings of angels decorating the ceiling.",
        id="fronted_participle",
    ),
    pytest.param(
        "A woman in a shawl sells eggs. The sun is low. She sells eggs.",
        id="nearest_woman",
    ),
    pytest.param(
        "A man in a straw hat is feeding ducks by a pond. The water is green. By the pond there is a man wearing a straw hat who feeds the ducks.",
        id="summary_at_end",
    ),
    pytest.param(
        "Her necklace has large amber beads. She is smiling. The beads of her necklace are large and made of amber.",
        id="made_of",
    ),
    pytest.param(
        "A sofa with velvet cushions stands under the window. A rug covers the floor. Below the window there is a couch that has velvet cushions.",
        id="below",
    ),
    pytest.param(
        "Several jars of honey are lined up on a shelf. A bee sits on one of them. On the shelf, a number of honey jars are lined up.",
        id="number_of",
    ),
    pytest.param(
        "A tiny frog sits on a leaf. Rain is falling. A small frog is sitting on the leaf.",
        id="tiny",
    ),
    pytest.param(
        "A girl with red hair is painting a fence. She wears dungarees with paint stains. The girl with the red hair, who wears dungarees with stains of paint, is painting a fence.",
        id="relative_clauses",
    ),
    pytest.param(
        "A dog is lying on a striped rug before the fireplace. A log is burning in the fireplace. In summary, a dog lies on a striped rug before a fireplace in which a log burns.",
        id="sum_of_two",
    ),
    pytest.param(
        "Ivy covers the walls of an old cottage. A cat sits on the step. The walls of the old cottage are covered by ivy, and on the step there is a cat.",
        id="passive_sum",
    ),
    pytest.param(
        "The market hall has an iron roof. Pigeons sit on the beams. The roof of the market hall is made of iron.",
        id="roof_of",
    ),
    pytest.param(
        "A black van is parked beside a bakery. It has a dented door. Next to the bakery, a black van is parked.",
        id="beside",
    ),
    pytest.param(
        "The potter shapes a tall vase on the wheel. Her hands are wet with clay. She is shaping a tall vase on her wheel.",
        id="pronoun",
    ),
    pytest.param(
        "The clown has balloons in his left hand. The balloons are purple. In his left hand the clown is holding balloons.",
        id="left_hand",
    ),
    pytest.param(
        "The tower has a clock with golden hands. Doves circle around it. There is a clock with hands of gold on the tower.",
        id="hands_of_gold",
    ),
    pytest.param("The subject is flowers. The main subject is flowers.", id="main"),
    pytest.param("The image shows two dogs on a lawn. There are two dogs on a lawn in the image.", id="frame_last"),
    pytest.param(
        "A mechanic has raised the van on a lift. The van has been raised on a lift by a mechanic.", id="passive"
    ),
    pytest.param(
        "The atmosphere is romantic and dreamy. The mood of the scene is dreamy and romantic.", id="statement"
    ),
    pytest.param("The sky is blue with a few clouds. There are a few clouds in the blue sky.", id="predicate"),
    pytest.param("The man is wearing a hat. He is wearing a hat.", id="he"),
    pytest.param(
        "An old woman in a scarf is weighing grapes on a hand-held scale. The old woman in a scarf weighs grapes on a scale held in her hand.",
        id="compound",
    ),
    pytest.param("A boat lies on the beach. Overall, the image shows a boat on the beach lying there.", id="overall"),
    pytest.param("The main colors are blue and red. The main color is blue.", id="same_head"),
    pytest.param("A woman is eating a sandwich at a table. On the table, a woman is eating a sandwich.", id="inverted"),
    pytest.param("This is a cat. The sky is blue. This is a cat.", id="exact"),
    pytest.param("This is a map of a country. It is a map of a country.", id="pronoun"),
    pytest.param("The cat is black! The CAT is BLACK.", id="case_and_stop"),
    pytest.param("The image shows many flowers. The picture shows many flower.", id="plural"),
    pytest.param("the cat is black. the cat is black.", id="lower_case"),
    pytest.param("The image shows a man in a blue shirt at a table. The man is in a blue shirt.", id="contained"),
    pytest.param(
        "The person is wearing a blue shirt. The person is wearing a blue hat. The person is wearing a blue shirt and a blue hat.",
        id="from_two",
    ),
    pytest.param("The cat sleeps. It is a picture.", id="no_content"),
    pytest.param(
        "A tall man in a grey coat walks two small brown dogs along the sandy beach. A tall man in a grey coat walks two small brown dogs along the sandy shore beach.",
        id="long_with_one_new_word",
    ),
]

PASSING = [
    pytest.param("The car is parked by the kerb. It is red. A bus waits behind it. It is red.", id="it_of_another"),
    pytest.param(
        "The man stands in the shade. He wears a hat. A boy sits on a bench. He wears a hat.", id="he_of_another"
    ),
    pytest.param(
        "The man in the river holds a brown fish. The bear in the river holds a brown fish.",
        id="bear",
    ),
    pytest.param(
        "A man in a red hat sits on a bench. Some people in red hats sit on the bench.",
        id="people",
    ),
    pytest.param(
        "A man in a green jacket feeds a squirrel on a bench. A woman takes a photo of the squirrel. The squirrel on the bench holds a nut. The man holds a bag of nuts.",
        id="squirrel",
    ),
    pytest.param(
        "The castle stands on a rock above the river. A bridge over the river leads to the castle. Boats are tied up below the bridge.",
        id="castle",
    ),
    pytest.param(
        "Two dogs are playing with a ball on the beach. A boy throws the ball into the sea. One of the dogs swims after the ball, and the other waits on the beach with the boy.",
        id="ball_on_beach",
    ),
    pytest.param(
        "The poster shows a robot with a flower. The robot is made of tin cans. The flower grows out of a tin can. A child's hand reaches for the flower.",
        id="robot",
    ),
    pytest.param(
        "A lamp stands on the desk. A cat is asleep under the lamp. The lamp has a green shade, the cat a green collar.",
        id="collar",
    ),
    pytest.param(
        "The teacher is writing on the board. The pupils are writing in their books. A boy at the back is looking at the teacher instead of his book.",
        id="pupils",
    ),
    pytest.param(
        "A snowman with a carrot nose stands in the garden. A rabbit is looking up at the carrot. The garden is covered with snow.",
        id="snowman",
    ),
    pytest.param(
        "A red kite and a yellow kite are flying over the field. The string of the red kite has got caught in a tree. A boy in a yellow jumper is climbing the tree.",
        id="kites",
    ),
    pytest.param(
        "The shelves on the left hold books. The shelves on the right hold records. A record player stands between the shelves.",
        id="shelves",
    ),
    pytest.param(
        "A farmer leads a cow across a bridge. A second farmer leads a horse. The horse and the cow meet on the bridge.",
        id="farmers",
    ),
    pytest.param(
        "A baker puts a tray of rolls into the oven. The oven is built of brick. A boy takes a roll from the tray.",
        id="baker",
    ),
    pytest.param(
        "The bed is covered with a patchwork quilt. The patches of the quilt are cut from old shirts. A shirt without sleeves lies on the bed.",
        id="quilt",
    ),
    pytest.param(
        "A duck swims on the pond. Its reflection swims below it. A child throws bread to the duck on the pond, but a fish gets it.",
        id="duck",
    ),
    pytest.param(
        "The girl in the first row plays the flute. The girl in the second row plays the horn. The boy in the second row has fallen asleep.",
        id="rows",
    ),
    pytest.param(
        "The tram is yellow and white. A yellow bus stands behind the tram. The driver of the tram is talking to the driver of the bus.",
        id="trams",
    ),
    pytest.param(
        "A map of the island hangs on the wall. A red pin on the map marks the harbour. A ship in a bottle stands under the map.",
        id="map_and_pin",
    ),
    pytest.param(
        "A mother and her daughter are baking cookies. The mother is rolling out the dough, and the daughter is cutting out stars. Flour covers the table and the nose of the daughter.",
        id="bakers",
    ),
    pytest.param(
        "The blue team is attacking. A player of the blue team has the ball, and two players of the white team are trying to take the ball from him. The goalkeeper of the white team is shouting.",
        id="teams",
    ),
    pytest.param(
        "A cup of tea and a plate with a croissant stand on a table by the window. A newspaper lies next to the cup. Outside the window, people with umbrellas are passing by.",
        id="cup_and_plate",
    ),
    pytest.param(
        "A black cat sits on a white piano. A white cat sits on a black stool in front of the piano. The black cat has its paw on a key.",
        id="cats_and_piano",
    ),
    pytest.param(
        "A woman in a red coat is walking a small dog along the river. A man in a blue coat is sitting on a bench by the river. The small dog is sniffing at the bench.",
        id="bench",
    ),
    pytest.param(
        "A boy and a girl are sitting at a table. The boy is eating an apple. The girl is eating an apple. The table has a white cloth.",
        id="apples_each",
    ),
    pytest.param(
        "Two cats are lying on a sofa. The cat on the left is licking its paw. The cat on the right is asleep with its head on its paw.",
        id="cat_on_each_side",
    ),
    pytest.param(
        "The kitchen has a wooden table and four chairs. A bowl of fruit stands on the table. A cat is under the table. There is a chair next to the window.",
        id="kitchen_chairs",
    ),
    pytest.param(
        "A man is riding a horse on the beach. The horse is brown with a white mane. The man wears a brown hat. A dog runs behind the horse.",
        id="horse",
    ),
    pytest.param(
        "A train is standing at the platform. People are waiting on the platform with suitcases. The train has its doors open. A man with a suitcase gets on the train.",
        id="train_doors",
    ),
    pytest.param(
        "A little girl holds a doll. The doll wears a yellow dress. The little girl wears a blue dress with yellow buttons.",
        id="doll",
    ),
    pytest.param(
        "A red boat and a blue boat are tied to a pier. The red boat has a white sail. The blue boat has a red sail. The pier has a lamp at its end.",
        id="boats",
    ),
    pytest.param(
        "There are three vases on the shelf. The first vase is tall and white. The second vase is short and blue. The third vase is white and short.",
        id="vases",
    ),
    pytest.param(
        "A chef in a white hat is cutting onions on a wooden board. A second chef in a white hat is stirring a pot. The onions on the wooden board are for the pot.",
        id="two_chefs",
    ),
    pytest.param(
        "The man in the grey suit is shaking hands with the woman in the black dress. A woman in a grey suit watches them. The man in the black suit stands behind her.",
        id="suits",
    ),
    pytest.param(
        "A bird sits on a branch. Another bird sits on the branch above it. The branch is bare.",
        id="branch_above",
    ),
    pytest.param(
        "The door of the house is green and the roof is red. The house stands on a hill. A green car is parked in front of the red door.",
        id="doors",
    ),
    pytest.param(
        "A girl is reading a book under a tree. A boy climbs the tree. The book lies in the grass now, and the girl looks up at the boy.",
        id="book",
    ),
    pytest.param(
        "A cyclist in a yellow jersey leads the race. A cyclist in a green jersey follows him. The cyclist in the yellow jersey has a bandage on his knee.",
        id="jerseys",
    ),
    pytest.param(
        "The mother is holding a baby. The father is holding an umbrella over the mother and the baby. The baby is holding the mother's finger.",
        id="mother_and_baby",
    ),
    pytest.param(
        "The cup on the left is full of coffee. The cup on the right is empty. Between the cups lies a spoon on a napkin. The spoon is from the cup of coffee.",
        id="cups",
    ),
    pytest.param(
        "The large bowl on the wooden table in the bright kitchen by the open window is filled with ripe apples. The large basket on the wooden table in the bright kitchen by the open window is filled with ripe apples.",
        id="basket_for_bowl",
    ),
    pytest.param(
        "The woman looks at the man, and the man looks at the dog. The dog looks at the woman.",
        id="looks",
    ),
    pytest.param(
        "On the upper deck of the ship stand passengers with cameras. On the lower deck of the ship stand passengers with suitcases.",
        id="decks",
    ),
    pytest.param(
        "The image shows a bedroom with a bed, a desk and a lamp. The bed has a blue blanket. The lamp stands on the desk. On the bed lies a book.",
        id="bed_and_desk",
    ),
    pytest.param(
        "A cat sleeps on a red cushion. A dog sleeps on a blue cushion. The red cushion has tassels. The blue cushion is torn.",
        id="cushions",
    ),
    pytest.param(
        "Three men in helmets are building a wall. One of the men is carrying bricks. The wall is as high as the helmet of the tallest man.",
        id="helmets",
    ),
    pytest.param(
        "A waiter carries a tray with four glasses. Two of the glasses are full of red wine. The other two glasses are full of white wine.",
        id="glasses",
    ),
    pytest.param(
        "The left bank of the river is covered with trees. The right bank of the river is covered with houses. A bridge links the two banks of the river.",
        id="banks",
    ),
    pytest.param(
        "The bottle is made of green glass. The glass next to the bottle is full of water. A slice of lemon floats in the water of the glass.",
        id="water",
    ),
    pytest.param(
        "A lion is lying in the shade of a tree. Two cubs are playing with its tail. The tree is the only tree far and wide, and its shade is small.",
        id="shade",
    ),
    pytest.param(
        "The woman wears a hat with a feather. Her dog wears a hat with a feather, too.",
        id="hats",
    ),
    pytest.param(
        "A man plays the violin, and a woman plays the piano. The man looks at the woman at the piano.",
        id="piano",
    ),
    pytest.param(
        "A sailboat glides past a lighthouse. The lighthouse is white with a red lantern room. A second sailboat, white with a red sail, is moored near the lighthouse.",
        id="sailboats",
    ),
    pytest.param("The cat is on the left. It is black. The dog is on the right. It is black.", id="it"),
    pytest.param("He holds a ball. She holds a ball.", id="she"),
    pytest.param("The boy looks at the girl. The girl looks at the boy.", id="swapped"),
    pytest.param("A blue car is parked under the sky. The sky is blue.", id="other_thing"),
    pytest.param(
        "On the left of the old wooden table by the window stands a small white cup. On the right of the old wooden table by the window stands a small white cup.",
        id="side_in_long",
    ),
    pytest.param("One boy is holding a bat. The other boy is holding a bat.", id="other"),
    pytest.param("The first bird is brown. The second bird is brown.", id="ordinals"),
    pytest.param("It is about architecture and engineering. The subject is architecture.", id="narrower"),
    pytest.param("This is a picture of a person in a blue shirt. The subject is a person.", id="mere_subject"),
    pytest.param(
        "A man on a horse rides past a house on the left while a dog runs after a red ball. The man is on the left.",
        id="far_apart",
    ),
    pytest.param("On the left there is a red car. On the right there is a red car.", id="left_right"),
    pytest.param("The image shows a red bus. The image shows a blue bus.", id="colour"),
    pytest.param("There are two dogs. There are three dogs.", id="number"),
    pytest.param("There are people. There are no people.", id="negation"),
    pytest.param("The cat is on the mat. The cat is under the mat.", id="place"),
    pytest.param("The image shows a flower. The car is red. The flower is red.", id="apart"),
    pytest.param("It is a picture.", id="first_sentence_only"),
    pytest.param("", id="empty"),
    pytest.param("The image shows a cat sitting on a mat. It is about animals and pets.", id="clean"),
]


@pytest.mark.parametrize("text", FAILING)
def test_fails(text: str) -> None:
    """A sentence that says nothing new is a duplicate, in whatever words it is framed."""
    verdict = RULE.judge(Passage(text), LIMIT)
    assert verdict.failed
    assert verdict.reason.startswith("sentence_duplication ")


@pytest.mark.parametrize("text", PASSING)
def test_passes(text: str) -> None:
    """A new place, colour, number or negation is something new."""
    verdict = RULE.judge(Passage(text), LIMIT)
    assert not verdict.failed, verdict.reason
    assert verdict.reason == ""


def test_value_is_a_share_of_sentences() -> None:
    """Two repeats among four sentences are a half."""
    assert RULE.measure(Passage("A cat sits. A dog runs. A cat sits. A cat sits.")).value == 0.5
