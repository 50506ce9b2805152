"""python -m stages.ground --profile embedded

Measure how well each description belongs to its picture, which no rule on texts can see: by what the model that
describes finds likelier beside the own picture than beside others, or by CLIP or SigLIP (ground.model). This stage
rejects no row; `verify` does, by verify.min_grounding. Reads outputs/<profile>/rewrite and download/curate, writes
outputs/<profile>/ground, and to grounding.json what the scores are worth: the area under the ROC curve by which they
tell own pictures from wrong ones.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

import pyarrow as pa

from pipeline.command import run_command, stage_params
from pipeline.evidence import load_scorer
from pipeline.evidence.matching import Scorer, choose_pictures, weigh
from pipeline.evidence.worth import SHOWN, worth_of
from pipeline.files import write_text
from pipeline.parquet import list_shards, read_table
from pipeline.runner import code_version, run_map_stage
from pipeline.stored import StoredPictures
from pipeline.tables import add_columns, alive_rows, values_at

GROUNDED = pa.schema(
    [
        # Null where nothing was scored: ground.model is none, the text is empty, or there was no other picture.
        pa.field("grounding_score", pa.float64()),  # nats per token over the other pictures, or a cosine
        pa.field("grounding_rank", pa.int32()),  # of the own picture among ...
        pa.field("grounding_of", pa.int32()),  # ... so many
        pa.field("grounding_gain_blank", pa.float64()),  # nats per token over no picture at all; null for a cosine
        pa.field("grounding_shuffled", pa.float64()),  # the score of a wrong picture in place of the own
        pa.field("grounding_model", pa.string()),
        pa.field("grounding_revision", pa.string()),
    ]
)


def ground_rows(
    rows: pa.Table, pictures: StoredPictures, scorer: Scorer | None, others: int, advance: Callable[[int], None]
) -> pa.Table:
    """Add the scores to the rows that are alive, each compared with up to `others` pictures of the same table.

    Which ones follows from the keys alone: they are digests, so that their order says nothing of the pictures, and
    rows are compared in it.
    """
    keys = rows["key"].to_pylist()
    alive = sorted(alive_rows(rows), key=keys.__getitem__)
    if scorer is None:
        return add_columns(rows, GROUNDED, alive, [dict.fromkeys(GROUNDED.names)] * len(alive))
    found = pictures.find([keys[row] for row in alive], values_at(rows, "sha256", alive))
    chosen = choose_pictures(len(alive), others)
    matches = scorer.match(found, values_at(rows, "final_text", alive), chosen, advance)
    named = {"grounding_model": scorer.name, "grounding_revision": scorer.revision}
    values: list[dict[str, object]] = []
    for match in matches:
        scores = asdict(weigh(match, absolute=scorer.absolute)) if match else {}
        measured = {f"grounding_{name}": value for name, value in scores.items()}
        values.append({**dict.fromkeys(GROUNDED.names), **measured, **named})
    return add_columns(rows, GROUNDED, alive, values)


def _run(argv: Sequence[str] | None) -> None:
    params = stage_params(__doc__, argv)
    scorer = load_scorer(params)
    outputs = Path("outputs", params.profile)
    pictures = StoredPictures(outputs / "download/curate")
    run_map_stage(
        stage="ground",
        source=outputs / "rewrite",
        out=outputs / "ground",
        work=Path(".work", params.profile, "ground"),
        identity={
            "params": params.ground.model_dump(mode="json"),
            "scorer": [scorer.name, scorer.revision] if scorer else None,
            "prompt": params.describe.prompt,
            "precision": params.model.model_dump(mode="json", include={"dtype", "attention"}),
            "code": code_version(Path("pipeline"), Path("stages/ground.py")),
        },
        transform=lambda rows, advance: ground_rows(rows, pictures, scorer, params.ground.others, advance),
    )
    worth = worth_of(pa.concat_tables([read_table(shard, SHOWN) for shard in list_shards(outputs / "ground")]))
    write_text(worth.model_dump_json(indent=1) + "\n", outputs / "grounding.json")
    print(f"ground: {worth.headline}", flush=True)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the stage; returns the exit code."""
    return run_command(_run, argv)


if __name__ == "__main__":
    raise SystemExit(main())
