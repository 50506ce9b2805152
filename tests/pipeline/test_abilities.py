"""The page of advanced abilities: both models' answers beside their picture, and no text that is more than text."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from pipeline.abilities import ABILITIES, group_requests, render_abilities
from pipeline.parquet import read_table, write_table
from tests.html_pages import EVIL, Page, check_whole
from tests.stages.emitted import picture

PROMPTS = {  # the paper's
    "meme": "Explain why this meme is funny.",
    "recipe": "How should I make something like this?",
    "advertisement": "Help me draft a professional advertisement for this.",
    "poem": "Can you craft a beautiful poem about this image?",
}
Row = dict[str, Any]


def answer(ability: str, n: int, model: str, **changes: object) -> Row:
    """What a model said of picture n: an answer that ended, and that no rule rejects."""
    return {
        "key": f"{n:016x}",
        "image": {"bytes": picture(n), "path": None},
        "ability": ability,
        "prompt": PROMPTS[ability],
        "model": model,
        "text": f"{ability} {n} by {model}",
        "finish": "stop",
        "rules": [],
        **changes,
    }


def table_of(*rows: Mapping[str, Any]) -> pa.Table:
    """Rows as `evaluate` keeps them."""
    return pa.Table.from_pylist(list(rows), schema=ABILITIES)


def page_of(*rows: Mapping[str, Any]) -> Page:
    """The page, parsed."""
    return Page(render_abilities(table_of(*rows), "embedded"))


def asked(*pictures: int) -> list[Row]:
    """Every ability, of these pictures, by both models: model by model, as they are run."""
    return [answer(a, n, model) for model in ("stage1", "finetuned") for a in PROMPTS for n in pictures]


def test_the_page_shows_every_answer(tmp_path: Path) -> None:
    """A section for each request, with its prompt; each picture once a section, both answers beside it."""
    write_table(table_of(*asked(5, 7)), tmp_path / "abilities.parquet")
    page = Page(render_abilities(read_table(tmp_path / "abilities.parquet"), "embedded"))
    for prompt in PROMPTS.values():
        assert page.words.count(prompt) == 1
    for row in asked(5, 7):
        assert page.words.count(row["text"]) == 1
    shown = [attrs["src"] for tag, attrs in page.tags if tag == "img"]
    data = [f"data:image/jpeg;base64,{base64.b64encode(picture(n)).decode()}" for n in (5, 7)]
    assert shown == data * 4
    order = [
        page.words.index(f"{a} {n} by {model}") for a in PROMPTS for n in (5, 7) for model in ("stage1", "finetuned")
    ]
    assert order == sorted(order)


def test_each_answer_says_how_it_ended_and_which_rules_reject_it() -> None:
    """Beside the answer that it is said of."""
    page = page_of(
        answer("poem", 1, "stage1", finish="length", rules=["refrain", "dangling_ending"]),
        answer("poem", 1, "finetuned"),
        answer("meme", 1, "stage1", finish="content_filter", rules=None),
    )
    words = " ".join(page.words.split())
    assert (
        "Stage 1 poem 1 by stage1 cut off refraindangling_ending "
        "Fine-tuned poem 1 by finetuned ended by itself passes every rule"
    ) in words
    assert "Stage 1 meme 1 by stage1 content_filter passes every rule Fine-tuned not asked" in words
    assert [attrs.get("class") for tag, attrs in page.tags if tag == "li"] == ["bad"] * 3 + [None] * 2 + ["bad", None]


def test_the_counts() -> None:
    """Answers, those that ended, those that no rule rejects: of each model, for each request."""
    rows = [answer("poem", 1, "stage1", finish="length", rules=["refrain"])]
    rows += [answer("poem", n, "stage1", finish="length") for n in (2, 4)]
    rows += [answer("poem", 3, "stage1", rules=["refrain"])]
    rows += [answer("poem", 1, "finetuned"), answer("recipe", 1, "finetuned", finish="length")]
    text = render_abilities(table_of(*rows), "embedded")
    assert re.findall(r'<td class="n(?: zero)?">(\d+)</td>', text) == [*"412111", *"000101"]


def test_line_breaks_of_a_poem_are_kept() -> None:
    """A verse is a line: they are in the page, and the style shows them."""
    text = render_abilities(table_of(answer("poem", 1, "stage1", text="A bus,\nso red,\n\nit fled.")), "embedded")
    assert '<p class="said">A bus,\nso red,\n\nit fled.</p>' in text
    assert re.search(r"\.said \{[^}]*white-space: pre-line", text)


def test_the_page_is_whole_and_runs_nothing() -> None:
    """It opens offline."""
    check_whole(page_of(*asked(1)))
    check_whole(page_of())


def test_texts_stay_texts() -> None:
    """Markup in answers, prompts, names and keys is shown as it is and becomes no element."""
    evil = dict.fromkeys(("key", "ability", "prompt", "text", "finish"), EVIL)
    row = answer("poem", 1, "stage1") | evil | {"rules": [EVIL]}
    page = Page(render_abilities(table_of(row), EVIL))
    check_whole(page)
    assert not [attrs for _, attrs in page.tags if "onerror" in attrs or attrs.get("src") == "x"]
    assert page.words.count(EVIL) == 10  # the profile twice, the ability three times, each other once


def test_a_picture_that_is_gone_is_said() -> None:
    """The answers stand all the same."""
    page = page_of(answer("poem", 1, "stage1", image=None))
    assert "no picture" in page.words
    assert "poem 1 by stage1" in page.words


def test_nothing_asked_is_a_page_too() -> None:
    """It says so."""
    assert "Nothing was asked." in page_of().words


def test_other_words_for_an_ability_are_another_request() -> None:
    """Answers to one prompt are not shown under another."""
    again = answer("poem", 1, "stage1", prompt="Rhyme!", text="rhymed")
    requests = group_requests([answer("poem", 1, "stage1"), again])
    assert [(request.ability, request.prompt, len(request.pictures)) for request in requests] == [
        ("poem", PROMPTS["poem"], 1),
        ("poem", "Rhyme!", 1),
    ]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([answer("poem", 1, "stage1"), answer("poem", 1, "stage1")], "the model stage1 answers twice"),
        ([answer("poem", 1, "base")], "the model base is not known"),
    ],
)
def test_no_answer_is_left_out(rows: list[Row], said: str) -> None:
    """What the page has no place for is a bug of the caller's, and named."""
    with pytest.raises(ValueError, match=rf"^poem, picture {1:016x}: {said}$"):
        group_requests(rows)
