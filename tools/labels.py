"""Labelled captions: what people said of a text, one JSON object a line, and which rule looks for which fault."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from pipeline.errors import UsageError, listed
from pipeline.files import explain
from tools.lines import json_object, numbered_lines

Kind = Literal[
    "stutter",
    "loop",
    "duplication",
    "repetition",
    "restart",
    "ending",
    "apology",
    "refusal",
    "self_reference",
    "role",
    "echo",
    "commentary",
    "language",
    "mixed_script",
    "mixed_language",
    "characters",
    "address",
    "too_short",
    "too_long",
    "flagged",
]
KINDS: tuple[Kind, ...] = get_args(Kind)

_SAID_AGAIN: tuple[Kind, ...] = ("loop", "duplication", "repetition")
RULE_KINDS: Mapping[str, tuple[Kind, ...]] = {  # what each rule looks for; other faults it may find by chance
    "too_short": ("too_short",),
    "too_long": ("too_long",),
    "language": ("language",),
    "language_fast": ("language",),
    "mixed_script": ("mixed_script",),
    "mixed_language": ("mixed_language",),
    "meaningless_characters": ("characters",),
    "special_characters": ("characters",),
    "alphanumeric": ("characters",),
    "stopwords": ("language",),
    "flagged_words": ("flagged",),
    "address": ("address",),
    "apology": ("apology",),
    "refusal": ("refusal",),
    "self_reference": ("self_reference",),
    "role_leakage": ("role",),
    "instruction_echo": ("echo",),
    "rewriter_commentary": ("commentary",),
    "word_stutter": ("stutter",),
    "repeated_conjunct": ("stutter", "repetition"),
    "phrase_loop": ("loop",),
    "refrain": _SAID_AGAIN,
    "restart": ("restart",),
    "sentence_duplication": ("duplication",),
    "dangling_ending": ("ending",),
    "terminal_punctuation": ("ending",),
    "word_repetition": _SAID_AGAIN,
    "character_repetition": _SAID_AGAIN,
    "top_ngram": _SAID_AGAIN,
    "duplicate_ngrams": _SAID_AGAIN,
    "monotony": _SAID_AGAIN,
}


class LabelledRow(BaseModel):
    """A text and what its reader found; `repairable`: a repair that adds no word can make it clean."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    id: str
    text: str
    verdict: Literal["clean", "faulty"]
    faults: list[Kind]
    repairable: bool = False
    note: str = ""

    @model_validator(mode="after")
    def _one_story(self) -> LabelledRow:
        if self.faulty != bool(self.faults):
            raise ValueError("a faulty row names its faults, and a clean one has none")
        if self.repairable and not self.faulty:
            raise ValueError("a clean row has nothing to repair")
        return self

    @property
    def faulty(self) -> bool:
        """Whether its reader found a fault."""
        return self.verdict == "faulty"


def is_labelled(path: Path) -> bool:
    """Whether the first line of a file is a JSON object with a text and a verdict."""
    if path.suffix != ".jsonl" or not path.is_file():
        return False
    with path.open("rb") as file:
        line = file.readline()
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):  # whoever reads the file will say it
        return False
    return isinstance(found, dict) and {"text", "verdict"} <= found.keys()


def read_labels(path: Path) -> list[LabelledRow]:
    """The rows of a labelled file. Raises UsageError that names file, line and what is wrong with it."""
    rows: dict[str, LabelledRow] = {}
    try:
        with path.open("rb") as file:
            for number, line in numbered_lines(file, str(path)):
                row = _row(line, f"{path}:{number}")
                if row.id in rows:
                    raise UsageError(f"{path}:{number}: the id {row.id!r} is there twice")
                rows[row.id] = row
    except OSError as error:
        raise UsageError(f"cannot read {explain(error, path)}") from error
    return list(rows.values())


def _row(line: str, place: str) -> LabelledRow:
    try:
        return LabelledRow.model_validate(json_object(line, place))
    except ValidationError as error:
        raise UsageError(f"{place}: {'; '.join(_explain(each) for each in error.errors())}") from None


def _explain(error: Mapping[str, object]) -> str:
    where = error["loc"]
    place = ".".join(str(part) for part in where) if isinstance(where, tuple) else ""
    if error["type"] == "literal_error" and place.startswith("faults"):
        return f"{place}: there is no kind of fault {error['input']!r}, but {listed(KINDS, len(KINDS))}"
    return f"{place}: {error['msg']}".removeprefix(": ").replace("Value error, ", "")
