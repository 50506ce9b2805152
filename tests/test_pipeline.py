"""The whole pipeline, for real: DVC, img2dataset, every stage, on generated pictures and tiny models."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import datasets
import pandas as pd
import pytest
from PIL import Image

from experiments.designs import DESIGNS
from pipeline.files import sha256_file
from tests.processes import codes, start
from tests.smoke import make_checkout

KILLED = ("describe", "filter", "rewrite", "ground", "train", "emit")


def in_checkout(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run `python -m COMMAND...` in a checkout, with this interpreter first on PATH for dvc's commands."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = os.environ | {"PATH": path}
    environment.pop("PYTHONPATH", None)
    return subprocess.run(
        [sys.executable, "-m", *command], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout in which `dvc repro` ran the smoke profile."""
    folder = make_checkout(tmp_path_factory.mktemp("checkout"))
    for command in (("init", "--no-scm", "-q"), ("config", "core.analytics", "false"), ("repro", "report")):
        done = in_checkout(folder, "dvc", *command)
        assert done.returncode == 0, done.stdout + done.stderr
    return folder


def digests(folder: Path) -> dict[str, str]:
    """Digests of what the killed stages write."""
    outputs = folder / "outputs/smoke"
    files = [p for name in KILLED[:-1] for p in sorted((outputs / name).iterdir())]  # the trained weights among them
    files += [outputs / f"{name}.parquet" for name in ("pairs", "rejected", "ledger")]
    return {str(path.relative_to(outputs)): sha256_file(path) for path in files}


def test_dvc_runs_every_stage(finished: Path) -> None:
    """One `dvc repro` leaves every output, and a second one finds nothing to do."""
    outputs = finished / "outputs/smoke"
    for name in ("pairs.parquet", "rejected.parquet", "ledger.parquet", "report/gallery.html", "evaluate/metrics.json"):
        assert (outputs / name).is_file()
    again = in_checkout(finished, "dvc", "repro", "report")
    assert again.returncode == 0
    assert "Running stage" not in again.stdout
    assert "up to date" in again.stdout


def test_every_candidate_that_was_drawn_is_accounted_for(finished: Path) -> None:
    """The ledger holds each once, with its outcome; they are the first of the sample."""
    outputs = finished / "outputs/smoke"
    sampled = pd.read_parquet(outputs / "sample/curate.parquet")
    ledger = pd.read_parquet(outputs / "ledger.parquet")
    assert ledger["key"].to_list() == sampled["key"].to_list()[: len(ledger)]
    assert set(ledger["outcome"]) <= {"kept", "rejected", "failed"}
    dropped = ledger[ledger["outcome"] != "kept"]
    assert dropped[["stage", "rule", "reason"]].notna().all(axis=None)


def test_the_set_opens_as_a_data_set(finished: Path) -> None:
    """`datasets` decodes the pictures of pairs.parquet, and every row says where it came from."""
    path = finished / "outputs/smoke/pairs.parquet"
    rows = datasets.load_dataset("parquet", data_files=str(path), split="train", cache_dir=str(finished / ".cache/hf"))
    first = rows[0]
    assert isinstance(first["image"], Image.Image)
    assert first["url"].startswith("folder:")
    assert first["instruction"] in {"Describe this image in detail.", "What is in the picture?"}


def test_nothing_of_this_machine_is_in_the_outputs(finished: Path) -> None:
    """No port and no path of the machine reaches a table that people pass on."""
    for name in ("pairs", "rejected", "ledger"):
        data = (finished / f"outputs/smoke/{name}.parquet").read_bytes()
        rows = pd.read_parquet(finished / f"outputs/smoke/{name}.parquet").drop(columns="image", errors="ignore")
        text = str(rows.to_dict())
        assert b"127.0.0.1" not in data
        assert "127.0.0.1" not in text
        assert str(finished) not in text


@pytest.mark.parametrize("stage", KILLED)
def test_killed_at_any_moment_and_run_again(finished: Path, stage: str) -> None:
    """kill -9 of a stage's whole process group at random moments, then a rerun: the same bytes as without a kill."""
    before = digests(finished)
    rng = random.Random(stage)
    took = time.monotonic()
    assert in_checkout(finished, f"stages.{stage}").returncode == 0
    took = time.monotonic() - took
    for _ in range(2):
        with subprocess.Popen(
            [sys.executable, "-m", f"stages.{stage}"],
            cwd=finished,
            start_new_session=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as process:
            time.sleep(rng.uniform(0.5, 1.0) * took)
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
    done = in_checkout(finished, f"stages.{stage}")
    assert done.returncode == 0, done.stderr
    assert digests(finished) == before


def test_two_processes_train_one_model(finished: Path, tmp_path: Path) -> None:
    """As `accelerate launch` starts them: the first alone writes, and the loss goes as it goes in one process."""
    folder = tmp_path / "checkout"
    shutil.copytree(finished, folder, ignore=shutil.ignore_patterns(".dvc", "sample", "download"))
    alone = json.loads((folder / "outputs/smoke/train/metrics.json").read_text(encoding="utf-8"))
    shutil.rmtree(folder / "outputs/smoke/train")
    assert codes(start(folder, ["--profile", "smoke"], world=2, stage="train")) == [0, 0], _said(folder)
    together = json.loads((folder / "outputs/smoke/train/metrics.json").read_text(encoding="utf-8"))
    assert together["pairs"] == alone["pairs"]
    assert together["loss_last"] == pytest.approx(alone["loss_last"], rel=0.05)
    told = [line for line in _said(folder).splitlines() if line.startswith("train: ") and "loss" in line]
    assert len(told) == 1


def test_the_align_layout_that_emit_writes_trains_to_the_same_weights(finished: Path, tmp_path: Path) -> None:
    """filter_cap.json has no instructions: they are drawn as `emit` drew them."""
    folder = tmp_path / "checkout"
    shutil.copytree(finished, folder, ignore=shutil.ignore_patterns(".dvc", "sample", "download"))
    profile = folder / "profiles/smoke.yaml"
    text = profile.read_text(encoding="utf-8")
    profile.write_text(text.replace("  data: null\n", "  data: outputs/smoke/cc_sbu_align\n"), encoding="utf-8")
    assert len(set(pd.read_parquet(folder / "outputs/smoke/pairs.parquet")["instruction"])) > 1
    (folder / "outputs/smoke/pairs.parquet").unlink()
    done = in_checkout(folder, "stages.train", "--profile", "smoke")
    assert done.returncode == 0, done.stderr
    for name in ("loss.json", "trained.safetensors"):
        found, own = folder / "outputs/smoke/train" / name, finished / "outputs/smoke/train" / name
        assert sha256_file(found) == sha256_file(own)


def _said(folder: Path) -> str:
    return "\n".join(path.read_text(encoding="utf-8") for path in sorted(folder.glob("said-*")))


def test_the_worth_of_curation_is_one_command(finished: Path) -> None:
    """Every set of the finished run, trained and asked, in one table and in files that open in pandas."""
    done = in_checkout(finished, "experiments.curation", "--profile", "smoke", "--seeds", "0")
    assert done.returncode == 0, done.stderr
    folder = finished / "outputs/smoke/curation"
    assert done.stdout.endswith((folder / "table.md").read_text(encoding="utf-8"))
    answers = pd.read_parquet(folder / "answers.parquet")
    figures = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    names = ["stage 1", "raw", "rules", "curated", "random raw"]
    assert list(figures) == list(answers["model"].unique()) == names
    for name, rows in answers.groupby("model"):
        assert figures[name]["failure_rate"] == pytest.approx(rows["failed"].mean())
    assert figures["random raw"]["pairs"] == figures["curated"]["pairs"] <= figures["raw"]["pairs"]


SMALL_ABLATION = """\
bare_steps: 2
prompt_steps: 1
seeds: [0]
qformer: {seed: 0, num_query_tokens: 3, hidden_size: 24, intermediate_size: 32, layers: 2, heads: 3, cross_attention_frequency: 2}
"""


def test_a_design_of_the_ablation_goes_from_stage_1_to_answers(finished: Path) -> None:
    """As a stage of DVC; asked for once more, nothing is trained a second time."""
    (finished / "experiments/ablation.yaml").write_text(SMALL_ABLATION, encoding="utf-8")
    done = in_checkout(finished, "dvc", "repro", "experiments/dvc.yaml:ablation@smoke-trained_qformer")
    assert done.returncode == 0, done.stdout + done.stderr
    folder = finished / "outputs/smoke/ablation/trained_qformer"
    figures = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    assert (figures["image_tokens"], figures["heldout"]) == (3, 4)
    assert figures["grounding"]["pictures"] == 4
    assert set(pd.read_parquet(folder / "answers.parquet")["model"]) == {"stage1", "finetuned"}
    work = finished / ".work/smoke/ablation/trained_qformer"
    trained = [work / "stage1/model.safetensors", work / "stage1/figures.json", *(work / "runs").iterdir()]
    written = [path.stat().st_mtime_ns for path in trained]
    again = in_checkout(finished, "experiments.ablation", "--profile", "smoke", "--design", "trained_qformer")
    assert again.returncode == 0
    assert "train_runtime" in done.stdout
    assert "train_runtime" not in again.stdout
    assert [path.stat().st_mtime_ns for path in trained] == written


def test_dvc_plans_every_design(finished: Path) -> None:
    """The matrix holds what `experiments.designs` names, and the table waits for all of it."""
    planned = in_checkout(finished, "dvc", "repro", "--dry", "--force", "experiments/dvc.yaml:ablation_table")
    assert planned.returncode == 0, planned.stdout + planned.stderr
    for design in DESIGNS:
        assert f"python -m experiments.ablation --profile smoke --design {design}" in planned.stdout
    assert "python -m experiments.ablation_table --profile smoke" in planned.stdout


def test_an_experiment_runs_beside_the_committed_run(finished: Path, tmp_path: Path) -> None:
    """`dvc exp run -S` reruns what the param outdates; its figures stand beside the commit's, which comes back."""
    folder = tmp_path / "checkout"
    shutil.copytree(finished, folder, symlinks=True)
    (folder / ".gitignore").write_text("/outputs/\n/.cache/\n/.work/\n", encoding="utf-8")
    in_checkout(folder, "dvc", "config", "--unset", "core.no_scm")
    for words in ("init -q", "add -A", "-c user.name=t -c user.email=t@localhost commit -qm run"):
        subprocess.run(["git", *words.split()], cwd=folder, check=True)
    done = in_checkout(folder, "dvc", "exp", "run", "train", "-n", "short", "-S", "profiles/smoke.yaml:train.steps=2")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "stages.train" in done.stdout
    assert "stages.emit" not in done.stdout
    changed = json.loads(in_checkout(folder, "dvc", "params", "diff", "--json").stdout)
    steps = changed["profiles/smoke.yaml"]["train.steps"]
    assert (steps["old"], steps["new"]) == (4, 2)
    figures = json.loads(in_checkout(folder, "dvc", "metrics", "diff", "--json").stdout)
    assert "loss_last" in figures["outputs/smoke/train/metrics.json"]
    table = in_checkout(folder, "dvc", "exp", "show", "--csv").stdout
    assert "short" in table
    subprocess.run(["git", "checkout", "-q", "."], cwd=folder, check=True)
    assert in_checkout(folder, "dvc", "checkout").returncode == 0
    own, committed = (where / "outputs/smoke/train/loss.json" for where in (folder, finished))
    assert own.read_bytes() == committed.read_bytes()


def test_the_paper_profile_is_planned(tmp_path: Path) -> None:
    """With `profile: paper`, `dvc repro --dry --force` plans every stage of the paper's run.

    Without --force DVC stops planning at the first stage whose input is not there yet.
    """
    folder = make_checkout(tmp_path)
    (folder / "params.yaml").write_text("profile: paper\n", encoding="utf-8")
    assert in_checkout(folder, "dvc", "init", "--no-scm", "-q").returncode == 0
    planned = in_checkout(folder, "dvc", "repro", "--dry", "--force")
    assert planned.returncode == 0, planned.stdout + planned.stderr
    for stage in ("corpus", "describe", "ground", "emit", "train", "evaluate", "report"):
        assert f"python -m stages.{stage} --profile paper" in planned.stdout


@pytest.mark.parametrize(
    ("command", "message", "code"),
    [
        (("stages.filter", "--profile", "nosuch"), "no profile 'nosuch'", 2),
        (("stages.describe", "--porfile", "smoke"), "--porfile", 2),
        (("stages.verify", "--profile", "embedded"), "outputs/embedded/ground", 1),
    ],
    ids=["unknown profile", "mistyped flag", "stage before it has not run"],
)
def test_bad_input_is_one_line(finished: Path, command: tuple[str, ...], message: str, code: int) -> None:
    """What a user can mend is one line on stderr, with the exit code of its kind."""
    done = in_checkout(finished, *command)
    assert done.returncode == code
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("pairmill: error: ")
    assert message in lines[0]


def test_a_torn_shard_is_named(finished: Path) -> None:
    """A shard that was cut short ends the next stage with its name, and the shard is not used."""
    shard = finished / "outputs/smoke/verify/part-00001.parquet"
    whole = shard.read_bytes()
    shard.write_bytes(whole[: len(whole) // 2])
    try:
        done = in_checkout(finished, "stages.emit")
    finally:
        shard.write_bytes(whole)
    assert done.returncode == 1
    assert "verify/part-00001.parquet" in done.stderr
    assert "Traceback" not in done.stderr
    assert in_checkout(finished, "stages.emit").returncode == 0
