"""A small finished run, as the stages before `emit` leave it: a sample, its pictures and its judged texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any

import pyarrow as pa
from PIL import Image

from pipeline.ledger import LEDGER
from pipeline.parquet import write_table
from pipeline.schema import CANDIDATE, FAILED, OUTCOME, PICTURE, REJECTED, VERDICTS

Row = dict[str, Any]
SHARD_ROWS = 3
TEXT_COLUMNS = (
    "prompt first_text first_finish continue_prompt continue_text continue_finish raw_text captioner captioner_revision"
    " decoding repaired_text filter_version rewrite_prompt rewritten_text rewrite_verdict rewrite_reason rewriter"
    " rewriter_revision final_text verify_version"
).split()
JUDGED = pa.schema(
    [
        *CANDIDATE,
        *(field for field in PICTURE if field.name != "image"),
        *OUTCOME,
        *(pa.field(name, pa.string()) for name in TEXT_COLUMNS),
        pa.field("seed", pa.int64()),
        pa.field("repairs", pa.list_(pa.string())),
        pa.field("flags", pa.list_(pa.string())),
        pa.field("filter_verdicts", VERDICTS),
        pa.field("verify_verdicts", VERDICTS),
    ]
)
DOWNLOADED = pa.schema([*CANDIDATE, *PICTURE, *OUTCOME])


def picture(n: int) -> bytes:
    """A small JPEG, another one for every number."""
    stream = BytesIO()
    Image.new("RGB", (24 + n, 16), (40 * n % 256, 90, 200)).save(stream, "JPEG")
    return stream.getvalue()


def verdict(rule: str, value: float = 0.0, limit: float = 0.5, *, failed: bool = False) -> Row:
    """A verdict of a rule that fails above its limit."""
    reason = f"{rule} {value:.3g} is above {limit:.3g}" if failed else ""
    return {"rule": rule, "failed": failed, "value": value, "limit": limit, "reason": reason}


def kept(n: int, **changes: object) -> Row:
    """A row that passed everything; the final text is a repaired and rewritten one."""
    data, key = picture(n), f"{n:016x}"
    passed = [verdict("refrain"), verdict("phrase_loop"), verdict("dangling_ending")]
    return {
        "key": key,
        "url": f"http://pictures.example/{n}.jpg",
        "caption": f"picture number {n}",
        "keywords": ["number"],
        "source": "example",
        "image": {"bytes": data, "path": f"{key}.jpg"},
        "width": 24 + n,
        "height": 16,
        "sha256": sha256(data).hexdigest(),
        "prompt": "Describe this image in detail.",
        "first_text": f"The image shows number {n}.",
        "continue_text": f"It is number {n}. It is number {n}. It is",
        "raw_text": f"The image shows number {n}. It is number {n}. It is number {n}. It is",
        "captioner": "tiny",
        "captioner_revision": "r1",
        "decoding": "{}",
        "seed": 0,
        "repaired_text": f"The image shows number {n}. It is number {n}.",
        "repairs": ["drop_duplicate_sentences", "mend_ending"],
        "flags": [],
        "filter_verdicts": passed,
        "filter_version": "f1",
        "rewritten_text": f"The image shows the number {n}.",
        "rewrite_verdict": "accepted",
        "rewriter": "editor",
        "rewriter_revision": "r2",
        "final_text": f"The image shows the number {n}.",
        "verify_verdicts": passed,
        "verify_version": "v1",
        **changes,
    }


def rejected(n: int, stage: str, rules: Sequence[str], **changes: object) -> Row:
    """A row whose text fails `rules` in `filter` or `verify`."""
    failed = [verdict(rule, 0.75, failed=True) for rule in rules]
    passed = [verdict(rule) for rule in ("refrain", "phrase_loop", "dangling_ending") if rule not in rules]
    why = {"outcome": REJECTED, "stage": stage, "rule": rules[0], "reason": failed[0]["reason"], "value": 0.75}
    unwritten = {"rewritten_text": None, "final_text": None, "verify_verdicts": None}
    later = unwritten if stage == "filter" else {}
    return kept(n, **{**why, **later, f"{stage}_verdicts": failed + passed, **changes})


def failed(n: int, rule: str = "http_404", **changes: object) -> Row:
    """A row whose picture never came."""
    whole = kept(n)
    why = {"outcome": FAILED, "stage": "download", "rule": rule, "reason": f"{rule}: Not Found", "value": None}
    return {**{name: whole[name] for name in CANDIDATE.names}, **why, **changes}


def mixed() -> list[Row]:
    """Seven rows, three shards: three kept, three rejected, one failed."""
    return [
        kept(5),
        failed(1),
        rejected(4, "verify", ["phrase_loop"]),
        kept(2),
        rejected(6, "filter", ["refrain", "phrase_loop"]),
        rejected(3, "verify", ["phrase_loop", "dangling_ending"]),
        kept(7),
    ]


def unreadable(place: str) -> Row:
    """A row of the source that is no candidate, as the stage corpus leaves it."""
    why = {"outcome": FAILED, "stage": "corpus", "rule": "missing_tab", "reason": f"{place}: wanted caption<TAB>url"}
    return {"key": sha256(place.encode()).hexdigest()[:16], "url": place, **why}


def write_run(outputs: Path, rows: Sequence[Row], undrawn: Sequence[Row] = (), bad: Sequence[Row] = ()) -> None:
    """Write what `emit` reads for these rows, in their order; `undrawn` are candidates that came too late."""
    write_shards(outputs / "download/curate", rows, DOWNLOADED)
    write_shards(outputs / "verify", rows, JUDGED)
    write_table(table_of([*rows, *undrawn], CANDIDATE), outputs / "sample/curate.parquet")
    write_table(table_of(bad, LEDGER), outputs / "bad_rows.parquet")


def write_shards(folder: Path, rows: Sequence[Row], schema: pa.Schema) -> None:
    """Write the rows, SHARD_ROWS in each shard."""
    for number, first in enumerate(range(0, len(rows), SHARD_ROWS)):
        part = table_of(rows[first : first + SHARD_ROWS], schema)
        write_table(part, folder / f"part-{number:05d}.parquet")


def table_of(rows: Sequence[Mapping[str, Any]], schema: pa.Schema) -> pa.Table:
    """The columns of `schema`; null where a row has none."""
    return pa.Table.from_pylist([{name: row.get(name) for name in schema.names} for row in rows], schema=schema)
