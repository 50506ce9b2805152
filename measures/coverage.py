"""Does a description cover what a person said of the picture? A language model is asked (MiniGPT-4, arXiv 2304.10592).

The paper's wording, in its "Details of Caption Evaluation": "There is one image caption1 '{ground-truth caption}', and
there is another image caption2 '{comparison caption}'. Does image caption2 cover all the objects and visual relations
shown in image caption1? Only answer yes or no without any explanation." ChatGPT was asked that about one of the COCO
captions of each picture; the share of yes was 27.5 % for BLIP-2 and 66.2 % for MiniGPT-4.

Ours: the texts stand above the question between marks that they cannot forge, in place of the quotes; each pair is
asked about twice, once with either text first, and counts as covered when both answers are yes, so that a judge
which goes by the order gains nothing by it. The share of yes in the paper's order alone stands beside that.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from measures.verdicts import UNCLEAR, YES, agreement_of, read_verdict
from pipeline.backends import load_language_model
from pipeline.backends.completion import LanguageModel
from pipeline.backends.message import CHAT_MARKS, mark_off
from pipeline.comparison import compare_failures, mean_with_interval
from pipeline.params import EvaluateParams, JudgeParams
from pipeline.progress import Progress, row_bar

CAPTION, DESCRIPTION = "caption1", "caption2"  # by the words of the paper's question
CAPTION_FIRST, DESCRIPTION_FIRST = "caption_first", "description_first"
ORDERS = {CAPTION_FIRST: (CAPTION, DESCRIPTION), DESCRIPTION_FIRST: (DESCRIPTION, CAPTION)}

COVERAGE = pa.schema(
    [
        pa.field("key", pa.string()),  # of the picture
        pa.field("model", pa.string()),  # whose description is judged
        pa.field("order", pa.string()),  # caption_first (the paper's) | description_first
        pa.field("caption", pa.string()),
        pa.field("description", pa.string()),
        pa.field("prompt", pa.string()),  # evaluate.judge.prompt
        pa.field("question_version", pa.string()),  # of all in the question that is not one of the two texts
        pa.field("answer", pa.string()),  # as the judge gave it; null where it gave none
        pa.field("finish", pa.string()),  # why it ended, as the server says
        pa.field("verdict", pa.string()),  # yes | no | unclear; null where there is no answer
        pa.field("error", pa.string()),  # why there is no answer, else null
        pa.field("judge", pa.string()),
        pa.field("judge_revision", pa.string()),
    ]
)


def write_question(prompt: str, caption: str, description: str, order: str) -> str:
    """The two texts between their marks, in one of ORDERS, and the prompt behind them."""
    texts = {CAPTION: caption, DESCRIPTION: description}
    return f"{mark_off({name: texts[name] for name in ORDERS[order]})}\n\n{prompt}"


def question_version(prompt: str) -> str:
    """12 hex digits over everything in a question that is not one of the two texts."""
    questions = [write_question(prompt, "{caption}", "{description}", order) for order in ORDERS]
    return sha256("\n".join([*questions, CHAT_MARKS.pattern]).encode()).hexdigest()[:12]


def ask_judge(answers: pa.Table, params: JudgeParams, judge: LanguageModel, advance: Callable[[int], None]) -> pa.Table:
    """Two rows of COVERAGE for each answer to one of the first `params.pictures` pictures.

    `answers` has the columns key, caption, model and text, and one row for a picture and model (else ValueError). A
    question that the judge did not answer keeps its row, with the error.
    """
    version = question_version(params.prompt)
    asked = [(row, order) for row in _first_pictures(answers, params.pictures) for order in ORDERS]
    questions = [write_question(params.prompt, row["caption"], row["text"], order) for row, order in asked]
    rows = [
        {
            "key": row["key"],
            "model": row["model"],
            "order": order,
            "caption": row["caption"],
            "description": row["text"],
            "prompt": params.prompt,
            "question_version": version,
            "answer": completion.text,
            "finish": completion.finish,
            "verdict": None if completion.text is None else read_verdict(completion.text),
            "error": completion.error,
            "judge": judge.name,
            "judge_revision": judge.revision,
        }
        for (row, order), completion in zip(asked, judge.complete(questions, advance), strict=True)
    ]
    return pa.Table.from_pylist(rows, schema=COVERAGE)


def measure_coverage(answers: pa.Table, params: EvaluateParams, account: Path) -> pa.Table | None:
    """Have the judge of the params asked about `answers` (see ask_judge); None where the params name none.

    What the judge has cost is printed and written to `account`, however that ends. Raises UsageError or JobError in
    one line; with a cache, the answers that had come by then are not asked for again.
    """
    if params.judge is None:
        return None
    judge = load_language_model(params.judge)
    try:
        questions = len(ORDERS) * len(_first_pictures(answers, params.judge.pictures))
        with row_bar("evaluate: judge", questions, 0) as bar:
            progress = Progress(bar)

            def advance(rows: int) -> None:
                progress.note(judge.usage.brief)
                progress(rows)

            return ask_judge(answers, params.judge, judge, advance)
    finally:
        print(f"evaluate: judge: {judge.usage}", flush=True)
        judge.write_account(account)
        judge.close()


def coverage_of(rows: pa.Table, params: EvaluateParams) -> dict[str, object]:
    """The figures of one model's rows of COVERAGE; a share of nothing is None.

    `covered` is the share of the pairs with both answers that both call covered, with its 95 % bootstrap interval;
    `yes_caption_first` and `yes_description_first` the share of yes in each order; `unclear` the share of answers that
    are neither yes nor no; `failed` the share of questions without an answer; `agreement` compares the two orders where
    both verdicts are clear.
    """
    verdicts: list[str | None] = rows["verdict"].to_pylist()
    answered = [verdict for verdict in verdicts if verdict is not None]
    covered = list(covered_pictures(rows).values())
    clear = [pair for pair in _paired(rows).values() if None not in pair and UNCLEAR not in pair]
    return {
        "pairs": len(_paired(rows)),
        **mean_with_interval(covered, params.bootstrap, params.seed).as_dict("covered"),
        **{f"yes_{order}": _share(rows.filter(pc.equal(rows["order"], order)), YES) for order in ORDERS},
        "unclear": _share(rows, UNCLEAR),
        "failed": 1 - len(answered) / len(verdicts) if verdicts else None,
        "agreement": asdict(agreement_of([str(first) for first, _ in clear], [str(second) for _, second in clear])),
    }


def coverage_change(before: pa.Table, after: pa.Table, params: EvaluateParams) -> dict[str, float | None]:
    """The change of `covered` over the pictures that both models have, with its paired interval, and its exact p."""
    first, last = covered_pictures(before), covered_pictures(after)
    common = [key for key in first if key in last]
    pairs = [first[key] for key in common], [last[key] for key in common]
    return compare_failures(*pairs, params.bootstrap, params.seed).as_dict()


def covered_pictures(rows: pa.Table) -> dict[str, bool]:
    """By key, of one model's rows of COVERAGE: whether both answers are yes. Pictures that lack one are not there."""
    return {key: set(pair) == {YES} for key, pair in _paired(rows).items() if None not in pair}


def _paired(rows: pa.Table) -> dict[str, tuple[str | None, str | None]]:
    """The verdicts of both orders by key."""
    by_key: dict[str, dict[str, str | None]] = {}
    for row in rows.select(["key", "order", "verdict"]).to_pylist():
        by_key.setdefault(row["key"], {})[row["order"]] = row["verdict"]
    return {key: (both[CAPTION_FIRST], both[DESCRIPTION_FIRST]) for key, both in by_key.items()}


def _share(rows: pa.Table, verdict: str) -> float | None:
    """Of the answers among `rows`."""
    answered = rows["verdict"].drop_null().to_pylist()
    return answered.count(verdict) / len(answered) if answered else None


def _first_pictures(answers: pa.Table, pictures: int) -> list[dict[str, Any]]:
    """The answers to the first so many pictures, in their order."""
    rows: list[dict[str, Any]] = answers.select(["key", "caption", "model", "text"]).to_pylist()
    if len({(row["key"], row["model"]) for row in rows}) < len(rows):
        raise ValueError("a model has two answers to one picture: no row could say which was judged")
    chosen = set(list(dict.fromkeys(row["key"] for row in rows))[:pictures])
    return [row for row in rows if row["key"] in chosen]
