"""The describe stage from end to end, as a command, with each captioner that it can ask."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from PIL import Image

from pipeline.ledger import check_balance, ledger_of
from pipeline.params import ModelParams
from pipeline.parquet import read_table, write_table
from pipeline.schema import CANDIDATE, FAILED, OUTCOME, PICTURE
from pipeline.vlm import VisionLanguageModel
from stages.describe import main
from tests.pipeline.vision_server import serving_pictures
from tests.stages.commands import Stage, check_one_line, link_code, run_changed, server_at
from tests.tiny_chat import save_tiny_idefics3, save_tiny_llava

COLOURS = (("red", None, "blue"), ("green", "blue"))  # of the pictures of two shards; one was not to be had
OUT = Path("outputs/embedded/describe")


def downloaded(colour: str | None, key: str) -> dict[str, object]:
    """A row as `download` leaves it."""
    row: dict[str, object] = {"key": key, "url": f"folder:{key}.png", "caption": "a picture"}
    if colour is None:
        return {**row, "outcome": FAILED, "stage": "download", "rule": "http_404", "reason": "HTTP Error 404"}
    stream = BytesIO()
    Image.new("RGB", (24, 16), colour).save(stream, "JPEG", quality=95)
    return {**row, "image": {"bytes": stream.getvalue(), "path": None}, "width": 24, "height": 16}


@pytest.fixture
def stage(workplace: Path, root: Path, model_params: ModelParams, keyless: None) -> Stage:  # noqa: ARG001
    """Runs the command over two shards (four living rows) with some params changed; returns the exit code."""
    parts = {"llm": str(model_params.llm), "vision": str(model_params.vision), "checkpoint": "stage1"}
    link_code(workplace, root)
    schema = pa.schema([*CANDIDATE, *PICTURE, *OUTCOME])
    for number, colours in enumerate(COLOURS):
        rows = [downloaded(colour, f"{number}{place:015x}") for place, colour in enumerate(colours)]
        table = pa.Table.from_pylist(rows, schema=schema)
        write_table(table, Path(f"outputs/embedded/download/curate/part-{number:05d}.parquet"))

    def run(base_url: str | None = None, concurrency: int = 2, **changes: object) -> int:
        server = server_at(base_url, concurrency, retries=1)
        model = {"dtype": "float32", "threads": 1, **parts}
        return run_changed(main, {"describe": {"max_new_tokens": 8, **server, **changes}, "model": model})

    return run


def rows() -> list[dict[str, Any]]:
    """What the stage has published, all shards together; its ledger balances."""
    table = pa.concat_tables([read_table(shard) for shard in sorted(OUT.glob("*.parquet"))])
    check_balance([f"{n}{i:015x}" for n, colours in enumerate(COLOURS) for i in range(len(colours))], ledger_of(table))
    records: list[dict[str, Any]] = table.to_pylist()
    return records


def test_backend_minigpt4(stage: Stage, tiny_vlm: VisionLanguageModel) -> None:
    """The stage-1 model that the section `model` names."""
    tiny_vlm.save_pretrained("stage1")
    assert stage(backend="minigpt4") == 0
    assert [row["captioner"] for row in rows()] == [
        "vision + llm",
        None,
        "vision + llm",
        "vision + llm",
        "vision + llm",
    ]


@pytest.mark.parametrize("save", [save_tiny_llava, save_tiny_idefics3])
def test_backend_transformers(stage: Stage, save: Callable[[Path], Path]) -> None:
    """A chat model of transformers, whichever its architecture: equal pictures are described equally."""
    assert stage(backend="transformers", model=str(save(Path("models/tiny")))) == 0
    red, gone, blue, green, also_blue = rows()
    assert (red["captioner"], len(red["captioner_revision"])) == ("tiny", 12)
    assert gone["first_text"] is None
    assert blue["raw_text"] == also_blue["raw_text"] != ""
    assert blue["seed"] != also_blue["seed"]
    assert red["raw_text"] != blue["raw_text"] != green["raw_text"]
    assert red["raw_text"] == f"{red['first_text']} {red['continue_text']}".strip()
    assert (red["continue_prompt"], red["first_finish"], red["first_tokens"]) == ("Continue", "length", 8)


def test_backend_openai(stage: Stage) -> None:
    """A server in a process of its own; each row's own seed goes to it."""
    with serving_pictures() as server:
        assert stage(backend="openai", model="m", base_url=server.base_url) == 0
        url = server.base_url
    found = rows()
    said = [f"A {c} picture of 24 by 16 pixels. It is {c} all over." if c else None for c in sum(COLOURS, ())]
    assert [row["raw_text"] for row in found] == said
    assert (found[0]["captioner"], found[0]["captioner_revision"]) == ("m", url)
    assert (found[0]["first_tokens"], found[0]["continue_tokens"]) == (8, 5)
    sent = {request["seed"] for request in server.requests}
    assert sent == {row["seed"] for row in found if row["seed"] is not None}
    assert len(sent) == 4


def test_a_row_that_the_server_fails_is_failed(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    """It says why, the others live on, and the ledger balances."""
    with serving_pictures({"[blue]": ["no_picture", "looks"]}) as server:
        assert stage(backend="openai", model="m", base_url=server.base_url) == 0
    assert capsys.readouterr().out.startswith("describe: 5 rows, 3 alive, 0 rejected, 2 failed (0 shards reused)")
    found = rows()
    assert [row["outcome"] for row in found] == [None, FAILED, FAILED, None, None]
    blue = {name: found[2][name] for name in OUTCOME.names}
    reason = 'status 400: \'{"error": "this model reads no pictures"}\''
    assert blue == {"outcome": FAILED, "stage": "describe", "rule": "captioner_failed", "reason": reason, "value": None}
    assert (found[2]["captioner"], found[2]["raw_text"]) == ("m", None)


def test_a_server_that_comes_back_finds_finished_shards(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    """It dies in the second shard: one line. The next run, however many requests at once, describes that shard alone."""
    with serving_pictures({"[green]": ["dies"]}) as server:
        url = server.base_url
        assert stage(backend="openai", model="m", base_url=url, concurrency=1) == 1
    assert capsys.readouterr().err.splitlines()[-1].startswith(f"pairmill: error: the server at {url} has gone: ")
    assert not OUT.exists()
    with serving_pictures(port=int(url.removesuffix("/v1").rpartition(":")[2])) as server:
        assert stage(backend="openai", model="m", base_url=url, concurrency=3) == 0
    assert "(1 shards reused)" in capsys.readouterr().out
    assert [row["outcome"] for row in rows()] == [None, FAILED, None, None, None]
    assert {request["text"].split()[0] for request in server.requests} == {"[green]", "[blue]"}


REQUESTS = [
    pytest.param({"backend": "openai", "model": "m"}, 2, "describe.server is null: ", id="no_server"),
    pytest.param({"backend": "openai", "model": "m", "base_url": "DEAD"}, 1, "no model for describe at DEAD: cannot connect", id="dead_server"),
    pytest.param({"backend": "openai", "base_url": "DEAD"}, 2, "describe.model is null: ", id="no_name"),
    pytest.param({"backend": "transformers"}, 2, "describe.model is null: ", id="no_model"),
    pytest.param({"backend": "transformers", "model": "nowhere"}, 2, "describe.model: there is no folder nowhere", id="no_folder"),
    pytest.param({"backend": "transformers", "model": "org/name"}, 2, "describe.model: there is no folder org/name, and backend transformers needs a folder, or a Hub id with its revision", id="no_revision"),
    pytest.param({"backend": "transformers", "model": "outputs"}, 1, "cannot load the captioner outputs: ", id="wrong_folder"),
    pytest.param({"backend": "transformers", "model": "m", "base_url": "DEAD"}, 2, "describe.server means nothing to backend transformers: ", id="idle_server"),
    pytest.param({"backend": "minigpt4", "model": "m"}, 2, "describe.model means nothing to backend minigpt4: ", id="idle_model"),
    pytest.param({"backend": "minigpt"}, 2, "profiles/embedded.yaml: describe.backend: ", id="no_backend"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "code", "message"), REQUESTS)
def test_what_cannot_work_is_one_line(
    stage: Stage, changes: dict[str, str], code: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """An exit code, a line that names the key, folder or address, and no output that looks like one."""
    check_one_line(stage, changes, code, message, capsys)
    assert not OUT.exists()
