"""python -m stages.rewrite --profile embedded

Ask a language model to mend the repaired descriptions, and keep of its answers what the guard lets pass. A row
whose answer is refused, or that gets none, keeps its repaired text: this stage rejects and fails no row. Reads
outputs/<profile>/filter, writes outputs/<profile>/rewrite.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import pyarrow as pa

from filters import rule_set_version
from filters.guards.rewrite_guard import judge_rewrite
from pipeline.backends import load_rewriter
from pipeline.backends.completion import CUT_OFF, Completion, Rewriter
from pipeline.command import run_command, stage_params
from pipeline.params import SPEED_ONLY, RewriteParams
from pipeline.parquet import list_shards, read_table
from pipeline.runner import code_version, run_map_stage
from pipeline.tables import add_columns, alive_rows, values_at

REWRITTEN = pa.schema(
    [
        pa.field("rewrite_prompt", pa.string()),  # null where no rewriter was asked, as the two columns below it
        pa.field("rewritten_text", pa.string()),  # the raw answer, whatever the verdict
        pa.field("rewrite_verdict", pa.string()),
        pa.field("rewrite_reason", pa.string()),  # null for accepted and unchanged
        pa.field("rewriter", pa.string()),
        pa.field("rewriter_revision", pa.string()),
        pa.field("final_text", pa.string()),
    ]
)
ACCEPTED, UNCHANGED, REFUSED, SKIPPED, FAILED = "accepted", "unchanged", "refused", "skipped", "failed"


def rewrite_rows(
    rows: pa.Table, params: RewriteParams, rewriter: Rewriter | None, advance: Callable[[int], None]
) -> pa.Table:
    """Add the rewriter's answers, the guard's verdicts and the final texts to the rows that are alive."""
    alive = alive_rows(rows)
    texts, flags = (values_at(rows, name, alive) for name in ("repaired_text", "flags"))
    values = [_skipped(text, params) for text in texts]
    if rewriter is not None:
        wanted = [i for i, failed in enumerate(flags) if failed or params.when == "always"]
        advance(len(alive) - len(wanted))
        answers = rewriter.complete([ask(params.prompt, texts[i]) for i in wanted], advance)
        for i, answer in zip(wanted, answers, strict=True):
            values[i] = _rewritten(texts[i], answer, params, rewriter)
    return add_columns(rows, REWRITTEN, alive, values)


def ask(prompt: str, paragraph: str) -> str:
    """The message to the rewriter: the instruction, then the paragraph, marked as what it speaks of."""
    return f"{prompt}\n\n<paragraph>\n{paragraph}\n</paragraph>"


def judge(source: str, answer: Completion, min_kept: float) -> tuple[str, str | None]:
    """The verdict on an answer to `source`, and the reason where the answer is not used."""
    if answer.text is None:
        return FAILED, answer.error
    text = one_line(answer.text)
    if text == one_line(source):
        return UNCHANGED, None
    if answer.finish in CUT_OFF:
        return REFUSED, f"rewrite_cut_off: the answer was cut off ({answer.finish})"
    verdict = judge_rewrite(source, text, min_kept)
    return (REFUSED, f"{verdict.rule}: {verdict.reason}") if verdict.failed else (ACCEPTED, None)


def one_line(text: str) -> str:
    """A description is one paragraph: all white space becomes single blanks."""
    return " ".join(text.split())


def _rewritten(source: str, answer: Completion, params: RewriteParams, rewriter: Rewriter) -> dict[str, str | None]:
    verdict, reason = judge(source, answer, params.min_kept)
    return {
        "rewrite_prompt": params.prompt,
        "rewritten_text": answer.text,
        "rewrite_verdict": verdict,
        "rewrite_reason": reason,
        "rewriter": rewriter.name,
        "rewriter_revision": rewriter.revision,
        "final_text": one_line(answer.text) if answer.text is not None and verdict == ACCEPTED else source,
    }


def _skipped(source: str, params: RewriteParams) -> dict[str, str | None]:
    reason = "rewrite.backend is none" if params.backend == "none" else "no rule has flagged the text"
    kept = {"rewrite_verdict": SKIPPED, "rewrite_reason": reason, "final_text": source}
    return {**dict.fromkeys(REWRITTEN.names), **kept}


def _count_verdicts(folder: Path) -> str:
    """What became of the living rows of the whole stage, reused shards included."""
    verdicts = Counter(
        verdict
        for shard in list_shards(folder)
        for verdict in read_table(shard, columns=["rewrite_verdict"])["rewrite_verdict"].to_pylist()
    )
    return ", ".join(f"{verdicts[name]} {name}" for name in (ACCEPTED, UNCHANGED, REFUSED, SKIPPED, FAILED))


def _run(argv: Sequence[str] | None) -> None:
    params = stage_params(__doc__, argv)
    rewriter = load_rewriter(params.rewrite)
    outputs = Path("outputs", params.profile)
    run_map_stage(
        stage="rewrite",
        source=outputs / "filter",
        out=outputs / "rewrite",
        work=Path(".work", params.profile, "rewrite"),
        identity={
            "params": params.rewrite.model_dump(mode="json", exclude=SPEED_ONLY),
            "rewriter": [rewriter.name, rewriter.revision] if rewriter else None,
            "rules": rule_set_version(),
            "code": code_version(Path("pipeline"), Path("stages/rewrite.py")),
        },
        transform=lambda rows, advance: rewrite_rows(rows, params.rewrite, rewriter, advance),
    )
    print(f"rewrite: {_count_verdicts(outputs / 'rewrite')}", flush=True)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the stage; returns the exit code."""
    return run_command(_run, argv)


if __name__ == "__main__":
    raise SystemExit(main())
