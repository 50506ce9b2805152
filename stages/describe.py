"""python -m stages.describe --profile embedded

Describe every downloaded picture with the stage-1 model: the paper's prompt, then a "continue" turn where the
first answer does not exceed `describe.continue_up_to` tokens, both answers joined. Reads
outputs/<profile>/download/curate, writes outputs/<profile>/describe with both passes kept.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pyarrow as pa

from pipeline.captioners.description import Captioner
from pipeline.captioners.minigpt4 import load_captioner
from pipeline.command import run_command, stage_params
from pipeline.generate import Answer
from pipeline.params import DescribeParams
from pipeline.pictures import open_picture
from pipeline.runner import code_version, run_map_stage
from pipeline.tables import add_columns, alive_rows, values_at

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
        pa.field("seed", pa.int64()),
    ]
)


def describe(rows: pa.Table, params: DescribeParams, captioner: Captioner, advance: Callable[[int], None]) -> pa.Table:
    """Add both passes to the rows that have a picture, and leave the picture out of the result."""
    alive = alive_rows(rows)
    pictures = [open_picture(image["bytes"]) for image in values_at(rows, "image", alive)]
    first, second = captioner.describe(pictures, params, advance)
    described = [_columns(a, b, params, captioner) for a, b in zip(first, second, strict=True)]
    return add_columns(rows.drop_columns(["image"]), DESCRIBED, alive, described)


def _columns(first: Answer, second: Answer | None, params: DescribeParams, captioner: Captioner) -> dict[str, object]:
    """The DESCRIBED columns of one row; `second` is None where no continue pass was asked for."""
    return {
        "prompt": params.prompt,
        "first_text": first.text,
        "first_tokens": first.tokens,
        "first_finish": first.finish,
        "continue_prompt": params.continue_prompt if second else None,
        "continue_text": second.text if second else None,
        "continue_tokens": second.tokens if second else None,
        "continue_finish": second.finish if second else None,
        "raw_text": f"{first.text} {second.text}".strip() if second else first.text,
        "captioner": captioner.name,
        "captioner_revision": captioner.revision,
        "decoding": json.dumps(params.model_dump(exclude={"prompt", "continue_prompt", "seed"}), sort_keys=True),
        "seed": params.seed,
    }


def _run(argv: Sequence[str] | None) -> None:
    params = stage_params(__doc__, argv)
    captioner = load_captioner(params.model)
    outputs = Path("outputs", params.profile)
    run_map_stage(
        stage="describe",
        source=outputs / "download/curate",
        out=outputs / "describe",
        work=Path(".work", params.profile, "describe"),
        identity={
            "params": params.describe.model_dump(mode="json"),
            "captioner": [captioner.name, captioner.revision],
            "code": code_version(Path("pipeline"), Path("stages/describe.py")),
        },
        transform=lambda rows, advance: describe(rows, params.describe, captioner, advance),
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run the stage; returns the exit code."""
    return run_command(_run, argv)


if __name__ == "__main__":
    raise SystemExit(main())
