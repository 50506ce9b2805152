"""python -m stages.describe --profile embedded

Describe every downloaded picture with the captioner that `describe.backend` names: the paper's prompt, then a
"continue" turn where the first answer does not exceed `describe.continue_up_to` tokens, both answers joined. A
picture that the captioner fails on fails its row. Reads outputs/<profile>/download/curate, writes
outputs/<profile>/describe with both passes kept.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pyarrow as pa

from pipeline.captioners import load_captioner
from pipeline.captioners.description import Captioner, Description, Undescribed
from pipeline.command import run_command, stage_params
from pipeline.params import SPEED_ONLY, DescribeParams
from pipeline.pictures import open_picture
from pipeline.runner import code_version, run_map_stage
from pipeline.seeds import row_seed
from pipeline.tables import add_columns, alive_rows, drop_rows, failure, values_at

DESCRIBED = pa.schema(
    [
        pa.field("prompt", pa.string()),
        pa.field("first_text", pa.string()),
        pa.field("first_tokens", pa.int32()),
        pa.field("first_finish", pa.string()),
        pa.field("continue_prompt", pa.string()),
        pa.field("continue_text", pa.string()),
        pa.field("continue_tokens", pa.int32()),
        pa.field("continue_finish", pa.string()),
        pa.field("raw_text", pa.string()),
        pa.field("captioner", pa.string()),
        pa.field("captioner_revision", pa.string()),
        pa.field("decoding", pa.string()),
        pa.field("seed", pa.int64()),  # of this row alone, for both passes
    ]
)
NOT_DECODING = {"backend", "model", "server", "prompt", "continue_prompt", "seed"}  # in other columns


def describe(rows: pa.Table, params: DescribeParams, captioner: Captioner, advance: Callable[[int], None]) -> pa.Table:
    """Add both passes to the rows that have a picture, and leave the picture out; fail those without a description."""
    alive = alive_rows(rows)
    pictures = [open_picture(image["bytes"]) for image in values_at(rows, "image", alive)]
    seeds = [row_seed(params.seed, key) for key in values_at(rows, "key", alive)]
    described = captioner.describe(pictures, seeds, params, advance)
    values = [
        {**dict.fromkeys(DESCRIBED.names), **_asked(seed, params, captioner), **_said(description, params)}
        for seed, description in zip(seeds, described, strict=True)
    ]
    failed = {
        number: failure("describe", "captioner_failed", description.reason)
        for number, description in zip(alive, described, strict=True)
        if isinstance(description, Undescribed)
    }
    return drop_rows(add_columns(rows.drop_columns(["image"]), DESCRIBED, alive, values), failed)


def _asked(seed: int, params: DescribeParams, captioner: Captioner) -> dict[str, object]:
    """Who was asked, and how."""
    return {
        "prompt": params.prompt,
        "captioner": captioner.name,
        "captioner_revision": captioner.revision,
        "decoding": json.dumps(params.model_dump(exclude=NOT_DECODING), sort_keys=True),
        "seed": seed,
    }


def _said(description: Description | Undescribed, params: DescribeParams) -> dict[str, object]:
    """Both passes and their sum, as far as there are any."""
    if isinstance(description, Undescribed):
        return {}
    first, second = description.first, description.second
    said = {"first_text": first.text, "first_tokens": first.tokens, "first_finish": first.finish}
    if second is None:
        return {**said, "raw_text": first.text}
    return {
        **said,
        "continue_prompt": params.continue_prompt,
        "continue_text": second.text,
        "continue_tokens": second.tokens,
        "continue_finish": second.finish,
        "raw_text": f"{first.text} {second.text}".strip(),
    }


def _run(argv: Sequence[str] | None) -> None:
    params = stage_params(__doc__, argv)
    captioner = load_captioner(params)
    outputs = Path("outputs", params.profile)
    run_map_stage(
        stage="describe",
        source=outputs / "download/curate",
        out=outputs / "describe",
        work=Path(".work", params.profile, "describe"),
        identity={
            "params": params.describe.model_dump(mode="json", exclude=SPEED_ONLY),
            "captioner": [captioner.name, captioner.revision],
            "precision": params.model.model_dump(mode="json", include={"dtype", "attention"}),
            "code": code_version(Path("pipeline"), Path("stages/describe.py")),
        },
        transform=lambda rows, advance: describe(rows, params.describe, captioner, advance),
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run the stage; returns the exit code."""
    return run_command(_run, argv)


if __name__ == "__main__":
    raise SystemExit(main())
