"""What a rewriter's answer may and may not do."""

import pytest

from filters import default_limits
from filters.guards.rewrite_guard import Allowance, judge_rewrite

ALLOWANCE = Allowance(min_kept=0.5, max_added=0, limits={**default_limits(), "too_short": None, "language": None})
SOURCE = "The image shows two mans sitting on a red mat. They sits on a mat near a dog. The dog is"

ACCEPTED = [
    pytest.param(SOURCE, "The image shows two men sitting on a red mat. They sit near a dog.", id="mended"),
    pytest.param(SOURCE, "Two men sit on a red mat, and a dog is near them.", id="reordered"),
    pytest.param(SOURCE, "The image shows 2 men who are sitting on a red mat near a dog.", id="number_word_as_digit"),
    pytest.param("A cat sits on the mat.", "A cat sits on the mat.", id="unchanged"),
    pytest.param("A cat at the field.", "There is a cat in the field.", id="function_words"),
    pytest.param('A sign says "Sorry".', 'There is a sign that says "Sorry".', id="quotation"),
    pytest.param("A car stands there. It is red.", "There stands a red car.", id="pronoun_joined"),
    pytest.param("A cat sit on the mat.", "A cat sits on the mat.", id="verb"),
    pytest.param(
        "The cat is not on the mat. A dog is on the mat.",
        "The cat is not there. A dog is on the mat.",
        id="denied_and_affirmed",
    ),
    pytest.param("The cat sit. It look at us.", "The cat sits. It looks at us.", id="verb_of_a_pronoun"),
    pytest.param("A car is red and white.", "A red and white car.", id="two_colours"),
    pytest.param("She live in a old house.", "She lives in an old house.", id="verb_that_looks_like_a_plural"),
    pytest.param("A man holding an umbr", "A man holding an umbrella.", id="cut_word"),
    pytest.param("The colour of the two travellers is grey.", "The color of the 2 travelers is gray.", id="spelling"),
    pytest.param("A man and his dog. It isn't big.", "A man and his dog. It is not big.", id="negation_written_out"),
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
    pytest.param(SOURCE, " ".join(["Two men sit on the red mat."] * 3), "rewrite_worse", id="repeats"),
    pytest.param(SOURCE, "Two men sit on a mat and a mat and a mat near a dog.", "rewrite_changes", id="loops"),
    pytest.param(SOURCE, "Two men sit on a red mat near a", "rewrite_unfinished", id="unfinished"),
    pytest.param(SOURCE, "Two men.", "rewrite_shorter", id="shorter"),
    pytest.param(
        SOURCE, "Zwei Männer sitzen auf einer roten Matte neben einem Hund.", "rewrite_language", id="language"
    ),
    pytest.param(SOURCE, "Two men sit on a mat near a red dog.", "rewrite_changes", id="colour_of_another"),
    pytest.param(
        "A man is not wearing a hat. There is no dog.",
        "A man is wearing a hat. There is no dog.",
        "rewrite_changes",
        id="negation_dropped",
    ),
    pytest.param("The shop isn't open.", "The shop is open.", "rewrite_changes", id="short_negation_dropped"),
    pytest.param(SOURCE, "Two men sit on a red mat near a dog. " * 40, "rewrite_longer", id="longer"),
    pytest.param(SOURCE, "Two men sit on a red mat near dogs.", "rewrite_changes", id="one_made_several"),
    pytest.param(SOURCE, "Two men sit on a red mat near a dog and a dog.", "rewrite_changes", id="one_made_two"),
    pytest.param("Two dogs run on the grass.", "A dog runs on the grass.", "rewrite_changes", id="two_made_one"),
    pytest.param("A person rides a horse.", "A person rides her horse.", "rewrite_changes", id="sex"),
    pytest.param(SOURCE, "Both men sit on a red mat near a dog.", "rewrite_adds", id="both"),
]


@pytest.mark.parametrize(("source", "answer"), ACCEPTED)
def test_accepts(source: str, answer: str) -> None:
    """An answer that leaves out, reorders or mends is accepted."""
    verdict = judge_rewrite(source, answer, "stop", ALLOWANCE)
    assert (verdict.check, verdict.reason) == ("", "")


@pytest.mark.parametrize(("source", "answer", "rule"), REFUSED)
def test_refuses(source: str, answer: str, rule: str) -> None:
    """An answer that invents, comments, repeats, breaks off or forgets is refused by the check that says so."""
    verdict = judge_rewrite(source, answer, "stop", ALLOWANCE)
    assert verdict.check == rule, verdict.reason
    assert verdict.reason


@pytest.mark.parametrize("finish", ["", "length", "content_filter"])
def test_only_an_answer_that_ended_by_itself_is_finished(finish: str) -> None:
    """A sound text may be the first half of one that was cut off; where nobody says how it ended, likewise."""
    verdict = judge_rewrite("A cat sit on a mat.", "A cat sits on a mat.", finish, ALLOWANCE)
    assert verdict.check == "rewrite_unfinished"
    assert f"finish_reason: {finish or 'none'}" in verdict.reason


def test_reason_names_what_was_added() -> None:
    """The reason lists the words that the source lacks, and the audit all of them."""
    verdict = judge_rewrite("A cat sits on a mat.", "A cat and a brown dog sit on a mat.", "stop", ALLOWANCE)
    assert verdict.reason == "the source does not say: brown, dog"
    assert verdict.added == ["brown", "dog"]


def test_repetition_of_the_source_may_stay() -> None:
    """A rewriter that leaves a repetition in has not made it worse; the rules judge the text itself."""
    source = "A cat sits on the mat. A cat sits on a mat. The dog beside it looks at a red ball. It is"
    verdict = judge_rewrite(source, source.removesuffix(" It is"), "stop", ALLOWANCE)
    assert (verdict.check, verdict.failed_after) == ("", ["sentence_duplication"])


@pytest.mark.parametrize(("least", "check"), [(0.5, ""), (0.51, "rewrite_shorter")])
def test_share_of_content_that_must_stay_is_given(least: float, check: str) -> None:
    """Two of four content words are enough for 0.5 and too few for 0.51."""
    allowance = Allowance(least, 0, {})
    verdict = judge_rewrite("A cat sits on a red mat.", "A cat sits.", "stop", allowance)
    assert (verdict.check, verdict.kept) == (check, 0.5)


@pytest.mark.parametrize(("most", "check"), [(0, "rewrite_adds"), (1, "rewrite_adds"), (2, "")])
def test_number_of_words_that_may_come_is_given(most: int, check: str) -> None:
    """The profile may allow a rewriter some words of its own."""
    allowance = Allowance(0.5, most, {})
    verdict = judge_rewrite("A cat sits on a mat.", "A lovely brown cat sits on a mat.", "stop", allowance)
    assert verdict.check == check
