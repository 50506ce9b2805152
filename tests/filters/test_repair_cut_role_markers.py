"""Cut what comes after the model's turn."""

import pytest

from filters.repairs.cut_role_markers import REPAIR

MENDED = [
    pytest.param("USER: What is it? ASSISTANT: A cat sits.", "A cat sits.", id="user_turn"),
    pytest.param("[/INST] A cat sits. </s>", "A cat sits.", id="inst"),
    pytest.param("### Response: A cat sits.", "A cat sits.", id="response"),
    pytest.param("It is about transport.###", "It is about transport.", id="end"),
    pytest.param("A cat sits. ###Human: Continue ###Assistant: A dog.", "A cat sits.", id="turn"),
    pytest.param("A cat sits. Human: Continue", "A cat sits.", id="bare"),
    pytest.param("###Assistant: A cat sits.###", "A cat sits.", id="leading"),
    pytest.param("### Assistant: <s> A cat sits.", "A cat sits.", id="leading_twice"),
    pytest.param("###Human:", "", id="only"),
    pytest.param("A cat sits.<|im_end|>", "A cat sits.", id="chatml"),
]

UNTOUCHED = [
    pytest.param('A shirt has "###" printed on it.', id="shirt"),
    pytest.param("A human stands near an assistant.", id="human"),
    pytest.param('The book is titled "Human: A History" in red.', id="title"),
    pytest.param("The sign says #1.", id="one_sign"),
    pytest.param("", id="empty"),
    pytest.param("The image shows a cat sitting on a mat. It is about animals and pets.", id="clean"),
]


@pytest.mark.parametrize(("text", "expected"), MENDED)
def test_mends(text: str, expected: str) -> None:
    """The text before the first mark stays; marks in front of it go."""
    assert REPAIR.apply(text) == expected


@pytest.mark.parametrize("text", UNTOUCHED)
def test_leaves_alone(text: str) -> None:
    """People and titles are no marks."""
    assert REPAIR.apply(text) == text
