"""Marks of the chat template."""

import pytest

from filters.rules.role_leakage import RULE
from pipeline.schema import Passage

LIMIT = 0

FAILING = [
    pytest.param("Image: A cat sits on a mat.", id="label"),
    pytest.param("### Response:\nA tunnel is filled with light.", id="response"),
    pytest.param("Question: What is it? Answer: A cat.", id="qa"),
    pytest.param("A cat. <end_of_turn> <start_of_turn>user", id="gemma"),
    pytest.param("A cat.<|endoftext|>", id="endoftext"),
    pytest.param("[/INST] A cat.", id="inst_end"),
    pytest.param("A cat. </s>", id="eos"),
    pytest.param("USER: What is it? ASSISTANT: A cat.", id="user_upper"),
    pytest.param("It is about transport and vehicles.###", id="end_mark"),
    pytest.param("A cat. ###Human: Continue ###Assistant: A dog.", id="human"),
    pytest.param("A cat sits. Human: Continue", id="bare_role"),
    pytest.param("Assistant: The image shows a cat.", id="assistant"),
    pytest.param("<Img><ImageFeature></Img> A cat.", id="img"),
    pytest.param("The ImageFeature shows a cat.", id="feature"),
    pytest.param("A cat.<|im_end|><|im_start|>user", id="chatml"),
    pytest.param("[INST] Describe [/INST] A cat.", id="llama"),
    pytest.param("<s> A cat.", id="bos"),
    pytest.param("A cat.<|im_st", id="cut_mark"),
]

PASSING = [
    pytest.param('A shirt has "###" printed on it.', id="shirt"),
    pytest.param('A label says "A human: note the teeth".', id="label"),
    pytest.param("They compare a gorilla and a human: the teeth differ.", id="prose"),
    pytest.param("A user manual lies open.", id="user_manual"),
    pytest.param("She has the answer: a red key.", id="answer_noun"),
    pytest.param("A human stands near a shop assistant.", id="human"),
    pytest.param('The book is titled "Human: A History" in red.', id="title"),
    pytest.param("The sign says #1 in red.", id="number"),
    pytest.param("The image shows the user of a system.", id="image"),
    pytest.param("The number is < 5.", id="less"),
    pytest.param("", id="empty"),
    pytest.param("The image shows a cat sitting on a mat. It is about animals and pets.", id="clean"),
]


@pytest.mark.parametrize("text", FAILING)
def test_fails(text: str) -> None:
    """Separators, role names and image tags are template, not description."""
    verdict = RULE.judge(Passage(text), LIMIT)
    assert verdict.failed
    assert verdict.reason.startswith("role_leakage ")


@pytest.mark.parametrize("text", PASSING)
def test_passes(text: str) -> None:
    """People, assistants and single marks in prose are none."""
    verdict = RULE.judge(Passage(text), LIMIT)
    assert not verdict.failed, verdict.reason
    assert verdict.reason == ""
