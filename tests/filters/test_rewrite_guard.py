"""What a rewriter's answer may and may not do."""

import pytest

from filters.guards.rewrite_guard import judge_rewrite

SOURCE = "The image shows two mans sitting on a red mat. They sits on a mat near a dog. The dog is"

ACCEPTED = [
    pytest.param(SOURCE, "The image shows two men sitting on a red mat. They sit near a dog.", id="mended"),
    pytest.param(SOURCE, "Two men sit on a red mat, and a dog is near them.", id="reordered"),
    pytest.param(SOURCE, "The image shows 2 men who are sitting on a red mat near a dog.", id="number_word_as_digit"),
    pytest.param("A cat sits on the mat.", "A cat sits on the mat.", id="unchanged"),
    pytest.param("A cat at the field.", "There is a cat in the field.", id="function_words"),
    pytest.param('A sign says "Sorry".', 'There is a sign that says "Sorry".', id="quotation"),
]

REFUSED = [
    pytest.param(SOURCE, "", "rewrite_empty", id="empty"),
    pytest.param(SOURCE, "...", "rewrite_empty", id="only_marks"),
    pytest.param(SOURCE, "The paragraph is already correct.", "rewrite_comments", id="already_correct"),
    pytest.param(SOURCE, f"Here is the corrected paragraph: {SOURCE}.", "rewrite_comments", id="here_is"),
    pytest.param(SOURCE, "I'm sorry, two men sit on a red mat.", "rewrite_comments", id="apology"),
    pytest.param(SOURCE, "As an AI language model, I cannot see the image.", "rewrite_comments", id="itself"),
    pytest.param(SOURCE, "Two men sit on a red mat near a dog.###", "rewrite_comments", id="template_mark"),
    pytest.param(SOURCE, "Fix the error in the given paragraph.", "rewrite_comments", id="instruction"),
    pytest.param(SOURCE, "Two men sit on a red mat near a brown dog.", "rewrite_adds", id="new_word"),
    pytest.param(SOURCE, "Three men sit on a red mat near a dog.", "rewrite_adds", id="new_number_word"),
    pytest.param(SOURCE, "2 men sit on 5 red mats near a dog.", "rewrite_adds", id="new_number"),
    pytest.param(SOURCE, "Two men sit under a red mat near a dog.", "rewrite_adds", id="new_place"),
    pytest.param(SOURCE, "Two men do not sit on a red mat near a dog.", "rewrite_adds", id="negation"),
    pytest.param(SOURCE, " ".join(["Two men sit on a red mat."] * 3), "rewrite_repeats", id="repeats"),
    pytest.param(SOURCE, "Two men sit on a mat and a mat and a mat near a dog.", "rewrite_repeats", id="loops"),
    pytest.param(SOURCE, "Two men sit on a red mat near a", "rewrite_unfinished", id="unfinished"),
    pytest.param(SOURCE, "Two men sit.", "rewrite_shorter", id="shorter"),
]


@pytest.mark.parametrize(("source", "answer"), ACCEPTED)
def test_accepts(source: str, answer: str) -> None:
    """An answer that leaves out, reorders or mends is accepted."""
    verdict = judge_rewrite(source, answer)
    assert (verdict.rule, verdict.failed, verdict.reason) == ("rewrite_guard", False, "")


@pytest.mark.parametrize(("source", "answer", "rule"), REFUSED)
def test_refuses(source: str, answer: str, rule: str) -> None:
    """An answer that invents, comments, repeats, breaks off or forgets is refused by the check that says so."""
    verdict = judge_rewrite(source, answer)
    assert verdict.failed
    assert verdict.rule == rule
    assert verdict.reason


def test_reason_names_what_was_added() -> None:
    """The reason lists the words that the source lacks."""
    reason = judge_rewrite("A cat sits on a mat.", "A cat and a brown dog sit on a mat.").reason
    assert reason == "the source does not say: brown, dog"


def test_repetition_of_the_source_may_stay() -> None:
    """A rewriter that leaves a repetition in has not made it worse; the rules judge the text itself."""
    source = "A cat sits. A cat sits. A dog is"
    assert not judge_rewrite(source, "A cat sits. A cat sits.").failed


@pytest.mark.parametrize(("shortest", "failed"), [(0.5, False), (0.51, True)])
def test_share_that_must_stay_is_given(shortest: float, failed: bool) -> None:
    """Half of the source's words are enough for 0.5 and too few for 0.51."""
    assert judge_rewrite("A cat sits on a big red mat.", "A cat sits red.", shortest).failed is failed
