"""Stages run as commands, in a workplace and with some params of the embedded profile changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import yaml

from tests.pipeline.misbehaving import closed_port

Stage = Callable[..., int]
"""A command with some params changed -> its exit code; `base_url` is that of the server it asks."""


def link_code(workplace: Path, root: Path) -> None:
    """The fingerprints of shards read the modules in the current folder."""
    for name in ("pipeline", "stages"):
        (workplace / name).symlink_to(root / name)


def run_changed(main: Callable[[list[str]], int], changes: Mapping[str, Mapping[str, object]]) -> int:
    """Run a stage's `main` with other values for keys of the profile's sections; returns the exit code."""
    profile = Path("profiles/embedded.yaml")
    sections = yaml.safe_load(profile.read_text(encoding="utf-8"))
    for section, values in changes.items():
        sections[section] |= values
    profile.write_text(yaml.safe_dump(sections), encoding="utf-8")
    return main(["--profile", "embedded"])


def server_at(base_url: str | None, concurrency: int, retries: int) -> dict[str, object]:
    """What a section says of the server it asks; nothing where there is none."""
    if base_url is None:
        return {}
    asked = {"concurrency": concurrency, "deadline": 60, "retries": retries, "backoff": 0.5}
    circuit = {"failures": 20, "cooling": 1.0, "probes": 3}
    return {"server": {"base_url": base_url, "api_key_env": "PAIRMILL_API_KEY", **asked, "circuit": circuit}}


def check_one_line(
    stage: Stage, changes: Mapping[str, str], code: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The command ends with `code` and says `message` on one line; "DEAD" stands for a server that is not there."""
    dead = f"http://127.0.0.1:{closed_port()}/v1"
    assert stage(**{key: dead if value == "DEAD" else value for key, value in changes.items()}) == code
    said = f"pairmill: error: {message.replace('DEAD', dead)}"
    lines = [line for line in capsys.readouterr().err.splitlines() if "|" not in line]  # its bar
    assert [line[: len(said)] for line in lines] == [said]
