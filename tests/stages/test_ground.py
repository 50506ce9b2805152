"""The ground stage: each living row with its own picture and with others, whatever their order; what a run prints."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from pipeline.checks import check_transformed
from pipeline.errors import UsageError
from pipeline.evidence import load_scorer
from pipeline.evidence.dual_encoder import load_dual_encoder
from pipeline.evidence.likelihood import OwnEvidence, load_own_evidence
from pipeline.evidence.matching import Scorer
from pipeline.params import ModelParams, load_params
from pipeline.parquet import read_table
from pipeline.schema import FAILED, OUTCOME, PICTURE
from pipeline.stored import StoredPictures
from pipeline.vlm import VisionLanguageModel
from stages import ground
from stages.ground import GROUNDED, ground_rows
from tests.stages.commands import link_code, run_changed
from tests.stages.emitted import table_of, write_shards
from tests.tiny_clip import COLORS, plain, save_tiny_clip

Row = dict[str, Any]
WRITTEN = pa.schema([("key", pa.string()), ("sha256", pa.string()), ("final_text", pa.string()), *OUTCOME])
DOWNLOADED = pa.schema([pa.field("key", pa.string()), *PICTURE])
DEAD = {"outcome": FAILED, "stage": "download", "rule": "dns", "reason": "Name or service not known"}
SHADES = (0, 6, 12)


def row(color: str, shade: int, text: str | None = None) -> Row:
    """A picture of one colour, and by default the sentence that says so."""
    r, g, b = COLORS[color]
    stream = BytesIO()
    plain((r + shade, g + shade, b + shade)).save(stream, "PNG")
    data = stream.getvalue()
    picture = {"image": {"bytes": data, "path": None}, "sha256": sha256(data).hexdigest()}
    return {
        "key": sha256(f"{color} {shade}".encode()).hexdigest()[:16],
        "final_text": text or f"It is {color}.",
        **picture,
    }


COLORED = [row(color, shade) for shade in SHADES for color in COLORS]


@pytest.fixture(scope="module")
def learnt(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CLIP that knows three colours."""
    return save_tiny_clip(tmp_path_factory.mktemp("models") / "clip", steps=60)


@pytest.fixture(scope="module")
def own(tiny_vlm: VisionLanguageModel) -> OwnEvidence:
    """The describer's own evidence."""
    return OwnEvidence(tiny_vlm, ("tiny", "r1"), "Describe this image.", 4)


def scored(folder: Path, rows: Sequence[Row], scorer: Scorer | None, others: int = 3) -> list[Row]:
    """The stage's rows of one shard, all columns but its own as they were."""
    write_shards(folder / "curate", rows, DOWNLOADED)
    before, told = table_of(rows, WRITTEN), list[int]()
    after = ground_rows(before, StoredPictures(folder / "curate"), scorer, others, told.append)
    check_transformed("ground", "part-00000.parquet", before, after)
    assert after.select(before.column_names).equals(before)
    assert after.schema.equals(pa.schema([*before.schema, *GROUNDED]))
    assert sum(told) == (sum("outcome" not in each for each in rows) if scorer else 0)
    values: list[Row] = after.select(["key", *GROUNDED.names]).to_pylist()
    return values


def test_sentences_of_the_picture_score_above_those_of_another(tmp_path: Path, learnt: Path) -> None:
    """Nine pictures in three colours; a text that names another colour belongs to the pictures that have it."""
    scorer = load_dual_encoder(str(learnt), 4, 1)
    for found in scored(tmp_path, COLORED, scorer, others=7):
        assert found["grounding_of"] == 8
        assert found["grounding_score"] > 0.7
        assert found["grounding_rank"] <= 3  # its own, and two of its colour
        assert (found["grounding_model"], found["grounding_revision"]) == ("clip", scorer.revision)
        assert found["grounding_gain_blank"] is None
    liar = row("red", 0, "It is blue.")
    first = scored(tmp_path / "liar", [liar, *COLORED[1:]], scorer, others=7)[0]
    assert first["grounding_score"] < 0.5
    assert first["grounding_rank"] >= 3  # two or three blue ones are ahead


@pytest.mark.parametrize("others", [1, 3, 20])
def test_the_order_of_the_rows_changes_nothing(tmp_path: Path, own: OwnEvidence, others: int) -> None:
    """Who is compared with whom follows from the keys; the figures are the same to the last bit."""
    rows = COLORED[:5]
    forth, back = (scored(tmp_path / name, order, own, others) for name, order in (("a", rows), ("b", rows[::-1])))
    assert forth == back[::-1]
    assert {found["grounding_of"] for found in forth} == {min(others, 3) + 1}
    assert all(found[name] is not None for found in forth for name in GROUNDED.names)


@pytest.mark.parametrize(
    ("rows", "nulls"),
    [
        pytest.param(COLORED[:1], {"grounding_score", "grounding_shuffled"}, id="no other picture"),
        pytest.param(COLORED[:2], {"grounding_shuffled"}, id="one other picture"),
        pytest.param([row("red", 0, " "), *COLORED[1:4]], set(GROUNDED.names[:5]), id="a text without words"),
        pytest.param([{**COLORED[0], **DEAD}, *COLORED[1:4]], set(GROUNDED.names), id="a dead row"),
        pytest.param([{**each, **DEAD} for each in COLORED[:2]], set(GROUNDED.names), id="all dead"),
    ],
)
def test_what_cannot_be_measured_is_null(tmp_path: Path, own: OwnEvidence, rows: list[Row], nulls: set[str]) -> None:
    """In the first row; nothing else is."""
    first = scored(tmp_path, rows, own)[0]
    assert {name for name, value in first.items() if value is None} == nulls


def test_nobody_scores_nothing(tmp_path: Path) -> None:
    """With ground.model none every column is null."""
    for found in scored(tmp_path, COLORED[:3], None):
        assert {found[name] for name in GROUNDED.names} == {None}


@pytest.fixture
def run(workplace: Path, root: Path) -> Callable[..., int]:
    """Runs the command on three shards of colours, one row of which has no picture; returns the exit code."""
    link_code(workplace, root)
    outputs = workplace / "outputs/embedded"
    rows = [*COLORED[:8], {**row("red", 99), **DEAD, "image": None}]
    write_shards(outputs / "rewrite", rows, WRITTEN)
    write_shards(outputs / "download/curate", rows, DOWNLOADED)
    return lambda **changes: run_changed(ground.main, {"ground": changes, "verify": {"min_grounding": None}})


def test_from_end_to_end(run: Callable[..., int], learnt: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every shard, the figures on one line and in grounding.json, and the same bytes from a second run."""
    assert run(model=str(learnt), others=1) == 0
    counted, said = capsys.readouterr().out.splitlines()
    assert counted.startswith("ground: 9 rows, 8 alive, 0 rejected, 1 failed (0 shards reused)")
    assert said.startswith(
        "ground: 8 descriptions tell their picture from a wrong one with AUC 1.000 (1.000 to 1.000), "
    )
    outputs = Path("outputs/embedded")
    worth = json.loads((outputs / "grounding.json").read_text())
    assert (worth["scored"], worth["auc"], worth["ranked_first"]) == (8, 1.0, 1.0)
    files = [outputs / "grounding.json", *sorted((outputs / "ground").iterdir())]
    scores = [
        score for file in files[1:] for score in read_table(file, ["grounding_score"])["grounding_score"].to_pylist()
    ]
    assert [score is None for score in scores] == [False] * 8 + [True]
    before = [file.read_bytes() for file in files]
    assert run(model=str(learnt), others=1) == 0
    assert [file.read_bytes() for file in files] == before


def test_none_runs_without_a_model(run: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    """And says that nothing was scored."""
    assert run(model="none") == 0
    assert capsys.readouterr().out.splitlines()[1] == "ground: 0 descriptions scored"
    assert json.loads(Path("outputs/embedded/grounding.json").read_text())["auc"] is None


@pytest.mark.parametrize(
    ("changes", "code", "message"),
    [
        ({"model": "nowhere/clip"}, 2, "ground.model nowhere/clip: no such folder; a model of the Hub is OWNER/NAME@"),
        ({"model": "nobody/clip@main"}, 1, "cannot fetch nobody/clip at main: "),
        ({"model": "profiles"}, 1, "cannot load the ground.model"),
        ({"model": None}, 1, "no checkpoint in models/embedded: run `dvc repro pretrain`"),
    ],
    ids=["no folder", "not on this machine", "no model", "no checkpoint"],
)
def test_a_model_that_is_none_is_one_line(
    run: Callable[..., int], changes: dict[str, object], code: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """With its exit code, and no output."""
    assert run(**changes) == code
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"pairmill: error: {message}")
    assert not Path("outputs/embedded/ground").exists()
    assert not Path("outputs/embedded/grounding.json").exists()


def test_the_params_choose_who_scores(
    root: Path, model_params: ModelParams, tiny_vlm: VisionLanguageModel, learnt: Path, tmp_path: Path
) -> None:
    """The section model by default, a dual encoder by its folder, nobody."""
    tiny_vlm.save_pretrained(tmp_path / "checkpoint")
    smoke = load_params("smoke", root)
    model = model_params.model_copy(update={"checkpoint": tmp_path / "checkpoint"})
    params = smoke.model_copy(update={"model": model})
    assert (load_own_evidence(params).name, load_own_evidence(params).absolute) == ("vision + llm", False)
    names = {}
    for source in (None, str(learnt), "none"):
        chosen = params.model_copy(update={"ground": smoke.ground.model_copy(update={"model": source})})
        scorer = load_scorer(chosen)
        names[source] = scorer and scorer.name
    assert names == {None: "vision + llm", str(learnt): "clip", "none": None}


def test_a_limit_without_a_score_is_refused(workplace: Path) -> None:
    """Nobody sets a limit and believes in it while nothing is measured."""
    path = workplace / "profiles/embedded.yaml"
    text = path.read_text(encoding="utf-8")
    head, tail = text.split("\nground:\n")
    path.write_text(f"{head}\nground:\n{tail.replace('model: null', 'model: none', 1)}", encoding="utf-8")
    with pytest.raises(UsageError, match=r"verify\.min_grounding has no score to hold against: ground\.model is none"):
        load_params("embedded", workplace)
