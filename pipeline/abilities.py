"""The page of advanced abilities: what both models make of requests that no pair of the set has taught them.

MiniGPT-4 (arXiv 2304.10592, "Advanced Abilities") asks for a meme explained, a recipe, an advertisement and a poem, of
25 pictures each, and has people say whether the answer satisfies. Here the answers stand side by side for whoever
reads the page; what can be counted (did it end, does a rule reject it) stands beside them, and says nothing of wit.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from pipeline.backends.completion import LENGTH, STOP
from pipeline.page import page_environment
from pipeline.schema import IMAGE

ABILITIES = pa.schema(
    [
        pa.field("key", pa.string()),  # of the picture
        pa.field("image", IMAGE),
        pa.field("ability", pa.string()),  # meme | recipe | advertisement | poem, or whatever was asked for
        pa.field("prompt", pa.string()),
        pa.field("model", pa.string()),  # stage1 | finetuned
        pa.field("text", pa.string()),
        pa.field("finish", pa.string()),  # stop: it ended by itself | length: it was cut off
        pa.field("rules", pa.list_(pa.string())),  # those that reject the text
    ]
)
MODELS = {"stage1": "Stage 1", "finetuned": "Fine-tuned"}
ENDS = {STOP: "ended by itself", LENGTH: "cut off"}
Row = Mapping[str, Any]  # of ABILITIES, as Python values


@dataclass(frozen=True)
class Count:
    """One model's answers to one request: how many, how many ended by themselves, how many no rule rejects."""

    title: str
    answers: int
    ended: int
    passed: int


@dataclass(frozen=True)
class Shown:
    """A picture, and the answers of MODELS in their order; None where a model was not asked."""

    key: str
    image: Mapping[str, Any] | None
    answers: tuple[Row | None, ...]


@dataclass(frozen=True)
class Request:
    """One ability as it was asked for, with everything that was answered."""

    ability: str
    prompt: str
    counts: tuple[Count, ...]
    pictures: tuple[Shown, ...]


def group_requests(rows: Sequence[Row]) -> list[Request]:
    """Rows of ABILITIES by ability and prompt, then by picture, each in the order in which it first appears.

    Raises ValueError for a model that is none of MODELS, and for two answers of one model to the same request.
    """
    requests: dict[tuple[str, str], dict[str, dict[str, Row]]] = {}
    for row in rows:
        answers = requests.setdefault((row["ability"], row["prompt"]), {}).setdefault(row["key"], {})
        if row["model"] not in MODELS or row["model"] in answers:
            problem = "answers twice" if row["model"] in answers else "is not known"
            raise ValueError(f"{row['ability']}, picture {row['key']}: the model {row['model']} {problem}")
        answers[row["model"]] = row
    return [
        Request(ability, prompt, _counts(by_key.values()), tuple(map(_shown, by_key, by_key.values())))
        for (ability, prompt), by_key in requests.items()
    ]


def _counts(pictures: Collection[Mapping[str, Row]]) -> tuple[Count, ...]:
    counts = []
    for model, title in MODELS.items():
        answers = [by_model[model] for by_model in pictures if model in by_model]
        ended = sum(row["finish"] == STOP for row in answers)
        counts.append(Count(title, len(answers), ended, sum(not row["rules"] for row in answers)))
    return tuple(counts)


def _shown(key: str, answers: Mapping[str, Row]) -> Shown:
    image = next(iter(answers.values()))["image"]
    return Shown(key, image, tuple(answers.get(model) for model in MODELS))


def render_abilities(rows: pa.Table, profile: str) -> str:
    """The page, from a table of ABILITIES: a section for each request, a row for each picture."""
    template = page_environment().get_template("abilities.html")
    return template.render(profile=profile, requests=group_requests(rows.to_pylist()), models=MODELS, ends=ENDS)
