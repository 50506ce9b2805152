"""How a model of the Hub is named."""

from __future__ import annotations

import pytest

from pipeline.references import hub_reference


@pytest.mark.parametrize(
    ("text", "repository", "revision"),
    [
        ("org/name@main", "org/name", "main"),
        ("Org-1/a_model.v2@refs/pr/3", "Org-1/a_model.v2", "refs/pr/3"),
        ("org/name@1f2e3d", "org/name", "1f2e3d"),
    ],
)
def test_owner_name_and_revision(text: str, repository: str, revision: str) -> None:
    """A branch, a tag, a pull request or a commit."""
    assert hub_reference(text) == {"repository": repository, "revision": revision}


@pytest.mark.parametrize(
    "text",
    ["", "org/name", "org/name@", "@main", "name@main", "a/b/c@main", "org/@main", "/name@main", "org/name@main x",
     "org/na me@main", "org/name@main@v2", "https://huggingface.co/org/name@main"],
)  # fmt: skip
def test_what_names_no_revision_of_a_model(text: str) -> None:
    """Nothing is guessed."""
    assert hub_reference(text) is None
