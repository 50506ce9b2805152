"""What holds for every repair and for all of them in a row, on any text."""

import unicodedata
from collections import Counter

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from filters import REPAIRS, repair
from pipeline.schema import Passage, Repair

# Texts like a small captioner's: sound clauses, loops, stutters, seams, template marks and junk, joined anyhow.
PIECES = st.sampled_from(
    [
        *"""The image shows;This is a map of;It is;a flower;that is a flower;that is;a red;and white;bus;on the left;and;in the
    road and road;a cat on a mat;the the;very very;There is a dog;with a;is a picture of;.;,;...;!;?;(;);";“;”;:;###
    ###Human:;Continue;Assistant:;USER:;[/INST];<s>;Here is the corrected paragraph:;The paragraph is already correct.
    I'm sorry;Sorry for that,;I cannot see the image.;As an AI language model,;I have removed;Sure!;Dr.;U.S.;e.g.;The;the
    A;a;of;of the;3.5;0 0;4.;- a;café;cafe\u0301;一只猫;\u200b;\ufffd;-;–;&amp;;&#39;s;<br>;â€™;asdfgh;@@@@;~;Stop.The
    Describe this image in detail.;image in detail.;www.example.org;me@example.org;Die Kinder sitzen am Tisch und
    says "no no no";, giving the scene a mood.;reads Sorry no no""".replace("\n    ", ";").split(";"),
        "\n",
        "\n\n",
    ]
)
REAL = (
    "USER: What is going on here? ASSISTANT: A plumber lies under a sink. Around him are wrenches, and a child looks on.",
    'Sure, this is the revised version: "A row of hives stands in a field. A keeper lifts one of the frames."',
    "Sorry for the confusion, the image shows a weaver at her loom. The cloth has a pattern of blue diamonds.",
    "The street is full of stalls, giving the scene a lively mood. A girl eats a crêpe, giving the scene a lively mood.",
    "A cobbler&#39;s shop.&nbsp;&nbsp;Lasts &amp; leather cover the bench. The old man sits in the sun, a pipe in his mouth.",
    "The bakerâ€™s van is outside. <p>The tiny bakery has just opened and the first customers are coming in.</p> @@@ ###",
    "Two kayaks drift between the stilts. asdkj lkwqe zzxv. The paddlers are sharing a bar of chocolate.||||____||||",
    "A woman waits at a stop with a case.The image shows a woman with a case at a stop. There is a timetable behind her.",
    "A farmer drives his cows home. Die Leute stehen am Straßenrand und winken. A tourist films it all. Снег падает.",
    "Fix the error in the given paragraph. Corrected version: A fox trots along a wall at night. Its tail is white.",
    "A hut is painted pink. A towel hangs over the rail. Please provide a detailed description of the picture.",
    "Source: bridge_03.html shows five arches. See www.example.org or write to me@example.org. The river is low.",
    "The steps of tying a tie: 1. Lay it around the neck. 2. Cross the long end over. 3. Pull it up. 4.",
    "The man wears a hat and a hat and a hat. The man is wearing a hat. A man in a hat stands there, looking at the",
    'The banner says "Ho ho ho" (in red) and "Stop, stop" while the the crowd, crowd and a dog look on...',
)
CAPTIONS = st.lists(PIECES, max_size=40).map(" ".join)
SPLICED = st.tuples(st.sampled_from(REAL), st.integers(0, 130), st.sampled_from(REAL), st.integers(0, 130)).map(
    lambda parts: parts[0][: parts[1]] + parts[2][parts[3] :]
)
TEXTS = st.one_of(CAPTIONS, st.lists(PIECES, max_size=25).map("".join), SPLICED, st.text(max_size=80))
each_repair = pytest.mark.parametrize("mend", REPAIRS, ids=lambda mend: mend.name)


def words(text: str) -> Counter[str]:
    """Words of a text, each counted, after its characters were written in one way."""
    visible = "".join(character for character in text if unicodedata.category(character) != "Cf")
    return Counter(Passage(unicodedata.normalize("NFC", visible)).words)


@each_repair
@given(text=TEXTS)
@settings(max_examples=120, deadline=None)
def test_a_second_time_changes_nothing(mend: Repair, text: str) -> None:
    """Each repair is idempotent."""
    once = mend.apply(text)
    assert mend.apply(once) == once


@each_repair
@given(text=TEXTS)
@example(text="A\u0300Assistant:")
@example(text="0\u200bAssistant:")
@settings(max_examples=120, deadline=None)
def test_no_word_is_added(mend: Repair, text: str) -> None:
    """A repair leaves words out; it neither adds one nor says one more often. All but the first see normal text."""
    first = REPAIRS[0]
    given_text = text if mend is first else first.apply(text)
    assert words(mend.apply(given_text)) <= words(text)


@given(text=TEXTS)
@example(text="This is a map of a. It is a map.")
@settings(max_examples=600, deadline=None)
def test_all_repairs_in_a_row_are_idempotent(text: str) -> None:
    """A repaired text is repaired: a later repair makes no work for an earlier one."""
    once, _ = repair(text)
    again, applied = repair(once)
    assert (again, applied) == (once, [])


@given(text=TEXTS)
@settings(max_examples=120, deadline=None)
def test_all_repairs_in_a_row_add_no_word(text: str) -> None:
    """What holds for each holds for all."""
    assert words(repair(text)[0]) <= words(text)
