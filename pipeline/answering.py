"""What models answer about held-out pictures: every prompt, every seed."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from torch import Tensor
from tqdm import tqdm

from pipeline.errors import JobError
from pipeline.features import picture_features
from pipeline.files import write_text
from pipeline.generate import Answer, answer, first_turn
from pipeline.identity import fingerprint
from pipeline.params import DecodingParams, EvaluateParams
from pipeline.parquet import list_shards, read_table
from pipeline.pictures import open_picture
from pipeline.runner import code_version
from pipeline.seeds import row_seed
from pipeline.vlm import VisionLanguageModel

Answers = list[list[Answer]]
"""[picture][seed]"""

# The code that decides what is answered
_HERE = Path(__file__).parent
CODE = [_HERE / name for name in ("answering.py", "generate.py", "generation", "prompts.py", "seeds.py", "vlm.py")]


@dataclass(frozen=True)
class Heldout:
    """Pictures that no training has seen: their rows, and their features [N, tokens, width]."""

    rows: pa.Table  # key, caption, keywords, image
    features: Tensor

    @property
    def keys(self) -> list[str]:
        """The keys of the rows."""
        keys: list[str] = self.rows["key"].to_pylist()
        return keys

    def first(self, pictures: int) -> Heldout:
        """The first so many of them."""
        return Heldout(self.rows.slice(0, pictures), self.features[:pictures])


def load_heldout(folder: Path, vlm: VisionLanguageModel) -> Heldout:
    """The held-out pictures that were downloaded, seen by the model's frozen tower.

    Raises JobError where there is none.
    """
    rows = pa.concat_tables([read_table(path) for path in list_shards(folder)])
    rows = rows.filter(pc.is_null(rows["outcome"])).select(["key", "caption", "keywords", "image"])
    if not rows.num_rows:
        raise JobError(f"{folder} holds no picture: see the reasons in its column `reason`")
    pictures = (open_picture(image["bytes"]) for image in rows["image"].to_pylist())
    return Heldout(rows, picture_features(vlm, pictures, rows.num_rows, "evaluate: features"))


def answer_all(vlm: VisionLanguageModel, heldout: Heldout, prompt: str, params: EvaluateParams, label: str) -> Answers:
    """One answer for each picture and seed.

    What is drawn for an answer depends on its picture's key and its seed alone, so that two models draw alike.
    """
    conversations = first_turn(vlm, vlm.project(heldout.features), vlm.chat.picture_prompt(prompt))
    found: Answers = [[] for _ in conversations]
    with tqdm(total=len(conversations) * len(params.seeds), desc=label, unit="answer", mininterval=1.0) as bar:
        for seed in params.seeds:
            seeds = [row_seed(seed, key) for key in heldout.keys]
            for row, each in enumerate(answer(vlm, conversations, params, seeds=seeds, advance=bar.update)):
                found[row].append(each)
    return found


def kept_answers(
    work: Path, model: str, heldout: Heldout, prompt: str, params: EvaluateParams, make: Callable[[], Answers]
) -> Answers:
    """The answers of `make`, or those that an interrupted run has left in `work` for the same question.

    `model` tells one model from another: digests of what it is made of.
    """
    decoding = params.model_dump(mode="json", include={*DecodingParams.model_fields, "seeds"})
    name = fingerprint(model, prompt, decoding, heldout.keys, code_version(*CODE))
    place = work / f"answers-{name}.json"
    if place.is_file():
        found = json.loads(place.read_text(encoding="utf-8"))
        return [[Answer(**answer) for answer in each] for each in found]
    answers = make()
    write_text(json.dumps([[asdict(answer) for answer in each] for each in answers]), place)
    return answers


def records_of(
    answers: Answers,
    failures: Sequence[Sequence[Sequence[str]]],
    heldout: Heldout,
    seeds: Sequence[int],
    columns: Mapping[str, str],
) -> list[dict[str, object]]:
    """A row of ANSWERS for each answer; `failures` are the rules that reject it, `columns` what all rows share."""
    return [
        {
            "key": key,
            "seed": seed,
            **columns,
            "text": found.text,
            "finish": found.finish,
            "tokens": found.tokens,
            "failed": bool(rules),
            "rules": rules,
        }
        for key, each, failed in zip(heldout.keys, answers, failures, strict=True)
        for seed, found, rules in zip(seeds, each, failed, strict=True)
    ]


ANSWERS = pa.schema(
    [
        pa.field("key", pa.string()),
        pa.field("prompt", pa.string()),  # its name in evaluate.prompts, or in evaluate.abilities.prompts
        pa.field("seed", pa.int64()),
        pa.field("model", pa.string()),  # stage1 | finetuned
        pa.field("text", pa.string()),
        pa.field("finish", pa.string()),
        pa.field("tokens", pa.int64()),
        pa.field("failed", pa.bool_()),
        pa.field("rules", pa.list_(pa.string())),  # those that reject the text
    ]
)
