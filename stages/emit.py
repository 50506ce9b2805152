"""python -m stages.emit --profile embedded

Write the fine-tuning set. Joins outputs/<profile>/verify with the pictures of download/curate, one shard at a
time, and writes to outputs/<profile>: pairs.parquet (the kept rows, in the order of the sample), rejected.parquet
(all others, with the reason), ledger.parquet (what became of every candidate that was drawn, which must balance,
and behind them the rows of the source that could not be read),
metrics.json, rules.csv, funnel.png, and cc_sbu_align, MiniGPT-4's own layout (an empty folder unless
emit.align_layout is set).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.command import run_command, stage_params
from pipeline.errors import JobError
from pipeline.files import remove, replacing_folder, write_text
from pipeline.instructions import instruction_of
from pipeline.joined import Shard, join, pair_shards
from pipeline.ledger import LEDGER, Funnel, check_balance, funnel, ledger_of
from pipeline.lock import exclusive
from pipeline.params import EmitParams, Params
from pipeline.parquet import count_rows, read_table, write_table, write_tables
from pipeline.plots import plot_funnel
from pipeline.schema import OUTCOME
from pipeline.tally import TALLIED, tally_rules, to_csv

PAIR = ("key", "image", "description", "instruction", "caption")  # the columns that come first
REJECT = ("key", *OUTCOME.names, "image")
# How `datasets` learns that a column holds pictures; it reads the types of all others off the Arrow schema.
FEATURES = {"huggingface": json.dumps({"info": {"features": {"image": {"_type": "Image"}}}})}
NAMED = 5  # rules that an error names


def pairs_of(rows: pa.Table, params: EmitParams) -> pa.Table:
    """The kept rows: picture, description, instruction and caption, then all that says where they come from."""
    kept = rows.filter(pc.is_null(rows["outcome"])).drop_columns(OUTCOME.names)
    instructions = pa.array([instruction_of(key, params) for key in kept["key"].to_pylist()], pa.string())
    kept = kept.rename_columns({"final_text": "description"}).append_column("instruction", instructions)
    return _leading(kept, PAIR)


def rejected_of(rows: pa.Table) -> pa.Table:
    """The rejected and failed rows: the reason first, then the picture if there is one, and every text."""
    return _leading(rows.filter(pc.is_valid(rows["outcome"])), REJECT)


def _leading(rows: pa.Table, names: Sequence[str]) -> pa.Table:
    others = [name for name in rows.column_names if name not in names]
    return rows.select([*names, *others]).replace_schema_metadata(FEATURES)


def ledger_of_shards(shards: Sequence[Shard], sample: Path) -> pa.Table:
    """The ledger of the candidates that download drew, which are the first of the sample.

    Raises JobError that lists keys when it does not balance.
    """
    sampled = read_table(sample, ["key"])["key"].to_pylist()
    drawn = sampled[: sum(count_rows(shard.pictures) for shard in shards)]
    ledger = ledger_of(pa.concat_tables([read_table(shard.texts, LEDGER.names) for shard in shards]).combine_chunks())
    check_balance(drawn, ledger)
    if ledger["key"].to_pylist() != drawn:
        raise JobError(f"the shards of verify are not in the order of {sample}; delete the outputs and run `dvc repro`")
    return ledger


def metrics_of(found: Funnel) -> dict[str, object]:
    """The funnel as nested numbers: rows by stage, and for what is gone by outcome, stage and rule.

    `yield` is the share of the pictures, not of the candidates: dead links say nothing of the curation.
    """
    left = found.left_after
    gone: dict[str, dict[str, dict[str, int]]] = {"rejected": {}, "failed": {}}
    for leaving in found.exits:
        gone[leaving.outcome].setdefault(leaving.stage, {})[leaving.rule] = leaving.rows
    counts = {"sampled": found.sampled, "downloaded": left["download"], "described": left["describe"]}
    return {**counts, "kept": found.kept, "yield": found.kept / found.pictures, **gone}


def write_align_layout(tables: Iterable[pa.Table], folder: Path) -> None:
    """MiniGPT-4's cc_sbu_align: filter_cap.json, and the stored JPEG bytes as image/<key>.jpg."""
    annotations = []
    (folder / "image").mkdir()
    for pairs in tables:
        for row in pairs.select(["key", "image", "description"]).to_pylist():
            (folder / "image" / f"{row['key']}.jpg").write_bytes(row["image"]["bytes"])
            annotations.append({"image_id": row["key"], "caption": row["description"]})
    content = json.dumps({"annotations": annotations}, ensure_ascii=False, indent=1)
    (folder / "filter_cap.json").write_text(content + "\n", encoding="utf-8")


def emit(shards: Sequence[Shard], ledger: pa.Table, params: Params, out: Path) -> Funnel:
    """Write everything to `out`; pairs.parquet goes first and comes last, so that it never outlives its ledger.

    Raises JobError, after the rejects are written, when no row is kept.
    """
    found = funnel(ledger)
    remove(out / "pairs.parquet")
    write_table(ledger, out / "ledger.parquet")
    rejected = (rejected_of(join(shard)) for shard in shards)
    write_tables(rejected, rejected_of(join(shards[0])).schema, out / "rejected.parquet")
    write_text(to_csv(tally_rules(read_table(shard.texts, TALLIED) for shard in shards)), out / "rules.csv")
    write_text(json.dumps(metrics_of(found), indent=1) + "\n", out / "metrics.json")
    plot_funnel(found, out / "funnel.png")

    def pairs() -> Iterator[pa.Table]:
        return (pairs_of(join(shard), params.emit) for shard in shards)

    with replacing_folder(out / "cc_sbu_align") as fresh:  # made in any case: DVC wants every output to exist
        if params.emit.align_layout:
            write_align_layout(pairs(), fresh)
    if not found.kept:
        raise _nothing_kept(found, params.profile, out)
    write_tables(pairs(), next(pairs()).schema, out / "pairs.parquet")
    return found


def _nothing_kept(found: Funnel, profile: str, out: Path) -> JobError:
    most = sorted(found.exits, key=lambda leaving: -leaving.rows)
    named = ", ".join(f"{leaving.rule} in {leaving.stage} {leaving.rows}" for leaving in most[:NAMED])
    return JobError(
        f"not one of {found.sampled} candidates was kept: {named}{', ...' if len(most) > NAMED else ''}; "
        f"every text stands with its reason in {out / 'rejected.parquet'}; "
        f"the limits are in profiles/{profile}.yaml under filter and verify"
    )


def _run(argv: Sequence[str] | None) -> None:
    params = stage_params(__doc__, argv)
    out = Path("outputs", params.profile)
    with exclusive(Path(".work", params.profile, "emit.lock"), str(out / "pairs.parquet")):
        shards = pair_shards(out / "download/curate", out / "verify")
        ledger = ledger_of_shards(shards, out / "sample/curate.parquet")
        unreadable = read_table(out / "bad_rows.parquet", LEDGER.names).cast(LEDGER)
        found = emit(shards, pa.concat_tables([ledger, unreadable]), params, out)
    rejected, failed = (sum(e.rows for e in found.exits if e.outcome == outcome) for outcome in ("rejected", "failed"))
    print(f"emit: {found.sampled} drawn, {found.kept} kept, {rejected} rejected, {failed} failed")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the stage; returns the exit code."""
    return run_command(_run, argv)


if __name__ == "__main__":
    raise SystemExit(main())
