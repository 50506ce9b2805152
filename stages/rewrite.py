"""python -m stages.rewrite --profile embedded

Ask a language model to mend the repaired descriptions, and keep of its answers what the guard lets pass. A row
whose answer is reverted, or that gets none, keeps its repaired text: this stage rejects and fails no row. What was
answered once is not asked again (rewrite.cache). Reads outputs/<profile>/filter; writes outputs/<profile>/rewrite, the
audit rewrites.parquet with its counts rewrites.json, and what the last run has cost to account/rewrite.json.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

import pyarrow as pa

from filters import check_limits, rule_set_version
from filters.guards.rewrite_guard import LONGER, Allowance, Guarded, judge_rewrite
from pipeline.audit import (
    ACCEPTED,
    AUDIT,
    AUDITED,
    FAILED,
    GUARD,
    REVERTED,
    SKIPPED,
    UNCHANGED,
    audit_of,
    summary_of,
    word_diff,
)
from pipeline.backends import load_language_model
from pipeline.backends.cached import CachedModel
from pipeline.backends.completion import Completion, LanguageModel
from pipeline.backends.message import prompt_version, unwrap, write_message
from pipeline.command import run_command, stage_params
from pipeline.files import write_text
from pipeline.params import SPEED_ONLY, Params, RewriteParams
from pipeline.parquet import list_shards, read_table, write_tables
from pipeline.progress import Progress
from pipeline.runner import code_version, run_map_stage
from pipeline.tables import add_columns, alive_rows, values_at

REWRITTEN = pa.schema(
    [
        pa.field("rewrite_prompt", pa.string()),  # null where no rewriter was asked, as the columns of who was
        pa.field("rewrite_prompt_version", pa.string()),  # of the prompt and the marks around the text
        pa.field("rewritten_text", pa.string()),  # the raw answer, whatever the verdict
        pa.field("rewrite_finish", pa.string()),  # why it ended, as the server says
        pa.field("rewrite_verdict", pa.string()),
        pa.field("rewrite_reason", pa.string()),  # null for accepted and unchanged
        pa.field("rewrite_diff", pa.string()),  # null where there is no answer, or the same text
        pa.field("rewrite_guard", GUARD),  # what the guard measured, null likewise
        pa.field("rewriter", pa.string()),
        pa.field("rewriter_revision", pa.string()),
        pa.field("final_text", pa.string()),
    ]
)


def rewrite_rows(
    rows: pa.Table, params: RewriteParams, rewriter: LanguageModel | None, advance: Callable[[int], None]
) -> pa.Table:
    """Add the rewriter's answers, the guard's verdicts and the final texts to the rows that are alive."""
    alive = alive_rows(rows)
    texts, flags = (values_at(rows, name, alive) for name in ("repaired_text", "flags"))
    values = [_skipped(text, params) for text in texts]
    if rewriter is not None:
        wanted = [i for i, failed in enumerate(flags) if failed or params.when == "always"]
        advance(len(alive) - len(wanted))
        answers = rewriter.complete([write_message(params.prompt, texts[i]) for i in wanted], advance)
        for i, answer in zip(wanted, answers, strict=True):
            values[i] = _rewritten(texts[i], answer, params, rewriter)
    return add_columns(rows, REWRITTEN, alive, values)


def judge(source: str, answer: Completion, allowance: Allowance) -> tuple[str, str | None, Guarded | None]:
    """The verdict on an answer to `source`, the reason where it is not used, and what the guard measured."""
    if answer.text is None:
        return FAILED, answer.error, None
    text = one_line(unwrap(answer.text))
    if text == one_line(source):
        return UNCHANGED, None, None
    guarded = judge_rewrite(source, text, answer.finish, allowance)
    return (REVERTED, f"{guarded.check}: {guarded.reason}", guarded) if guarded.check else (ACCEPTED, None, guarded)


def one_line(text: str) -> str:
    """A description is one paragraph: all white space becomes single blanks."""
    return " ".join(text.split())


def _rewritten(source: str, answer: Completion, params: RewriteParams, rewriter: LanguageModel) -> dict[str, object]:
    verdict, reason, guarded = judge(source, answer, Allowance(params.min_kept, params.max_added, params.limits))
    text = one_line(unwrap(answer.text or ""))
    return {
        "rewrite_prompt": params.prompt,
        "rewrite_prompt_version": prompt_version(params.prompt),
        "rewritten_text": answer.text,
        "rewrite_finish": answer.finish,
        "rewrite_verdict": verdict,
        "rewrite_reason": reason,
        "rewrite_diff": word_diff(source, text) if guarded and guarded.check != LONGER else None,
        "rewrite_guard": {name: asdict(guarded)[name] for name in GUARD.names} if guarded else None,
        "rewriter": rewriter.name,
        "rewriter_revision": rewriter.revision,
        "final_text": text if verdict == ACCEPTED else source,
    }


def _skipped(source: str, params: RewriteParams) -> dict[str, object]:
    reason = "rewrite.backend is none" if params.backend == "none" else "no rule has flagged the text"
    kept = {"rewrite_verdict": SKIPPED, "rewrite_reason": reason, "final_text": source}
    return {**dict.fromkeys(REWRITTEN.names), **kept}


def write_audit(folder: Path) -> str:
    """Write the audit of all shards beside `folder`, and its counts; returns them for a person to read."""

    def audits() -> Iterator[pa.Table]:
        return (audit_of(read_table(shard, columns=AUDITED)) for shard in list_shards(folder))

    summary = summary_of(audits())
    write_tables(audits(), AUDIT, folder.with_name("rewrites.parquet"))
    write_text(summary.model_dump_json(indent=1) + "\n", folder.with_name("rewrites.json"))
    return summary.headline + (f"\n  reverted: {summary.reasons}" if summary.reasons else "")


def _rewrite_shards(params: Params, rewriter: CachedModel | None, outputs: Path) -> None:
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
        transform=lambda rows, progress: rewrite_rows(
            rows, params.rewrite, rewriter, _showing_cost(progress, rewriter)
        ),
    )


def _showing_cost(progress: Progress, rewriter: CachedModel | None) -> Callable[[int], None]:
    """Advance the bar, with what the run has cost so far behind it."""

    def advance(rows: int) -> None:
        if rewriter is not None:
            progress.note(rewriter.usage.brief)
        progress(rows)

    return advance


def _run(argv: Sequence[str] | None) -> None:
    params = stage_params(__doc__, argv)
    check_limits(params.rewrite.limits)
    rewriter = load_language_model(params.rewrite)
    outputs = Path("outputs", params.profile)
    try:
        _rewrite_shards(params, rewriter, outputs)
    finally:
        if rewriter is not None:  # what was asked is paid for, however the run ends
            print(f"rewrite: {rewriter.usage}", flush=True)
            rewriter.write_account(outputs / "account/rewrite.json")
            rewriter.close()
    print(f"rewrite: {write_audit(outputs / 'rewrite')}", flush=True)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the stage; returns the exit code."""
    return run_command(_run, argv)


if __name__ == "__main__":
    raise SystemExit(main())
