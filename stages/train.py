"""python -m stages.train --profile embedded

Stage 2: fine-tune on outputs/<profile>/pairs.parquet, or on the set that train.data names, loss on the description and
its end mark alone. Writes outputs/<profile>/train: the trained parameters as safetensors, the loss as JSON and PNG, and
the metrics. Training resumes from its last checkpoint. Several processes: `accelerate launch -m stages.train --profile
NAME`.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

from pipeline.command import run_command, stage_params
from pipeline.devices import this_process
from pipeline.files import write_text
from pipeline.finetuned import save_trained
from pipeline.finetuning import Tuned, finetune
from pipeline.pictures import untrusted_pictures
from pipeline.plots import plot_loss
from pipeline.runner import whole_stage
from pipeline.training_set import read_training_set


def write_run(tuned: Tuned, folder: Path) -> None:
    """Write the trained part, its metrics, and the curve of its loss."""
    curve = [{"step": entry["step"], "loss": float(entry["loss"])} for entry in tuned.log if "loss" in entry]
    save_trained(tuned.part, folder)
    write_text(json.dumps(tuned.metrics, indent=1) + "\n", folder / "metrics.json")
    write_text(json.dumps(curve, indent=1) + "\n", folder / "loss.json")
    plot_loss([(int(point["step"]), point["loss"]) for point in curve], folder / "loss.png")


def told(metrics: dict[str, object]) -> str:
    """The last line of the stage."""
    line = f"train: {metrics['pairs']} pairs, loss {metrics['loss_first']:.2f} -> {metrics['loss_last']:.2f}"
    if metrics["shortened_answers"]:
        line += f"; {metrics['shortened_answers']} long descriptions learnt without their last sentences"
    if metrics["cut_answers"]:
        line += f"; {metrics['cut_answers']} cut within a sentence, and learnt without an end mark"
    return line


def _run(argv: Sequence[str] | None) -> None:
    params = stage_params(__doc__, argv)
    out, work = Path("outputs", params.profile, "train"), Path(".work", params.profile, "train")
    own = Path("outputs", params.profile, "pairs.parquet")

    def tuned() -> Tuned:
        with untrusted_pictures():
            pairs = read_training_set(params.train.data, own, params.emit, params.download.max_pixels)
            found = finetune(params, pairs, work)
        this_process().wait_for_everyone()  # the others still write into the last checkpoint
        return found

    if not this_process().is_main_process:
        tuned()
        return
    with whole_stage(out=out, work=work) as fresh:
        found = tuned()
        write_run(found, fresh)
    shutil.rmtree(work, ignore_errors=True)
    print(f"{told(found.metrics)}; {out}")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the stage; returns the exit code."""
    return run_command(_run, argv)


if __name__ == "__main__":
    raise SystemExit(main())
