"""Where a frozen part lies: a folder, or a repository of the Hub at a revision, with the digest of its tensors."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

from huggingface_hub import snapshot_download
from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError, RepositoryNotFoundError

from pipeline.errors import JobError, UsageError, first_line
from pipeline.parts import digest

_HUB_ID = re.compile(r"(?P<repository>[\w.-]+/[\w.-]+)@(?P<revision>[\w./-]+)")


def hub_reference(text: str) -> dict[str, str] | None:
    """`OWNER/NAME@REVISION` of the Hub as a reference; None where a text is no such name."""
    named = _HUB_ID.fullmatch(text)
    return named.groupdict() if named else None


def split_reference(text: str, flag: str) -> dict[str, str]:
    """`FOLDER`, or `OWNER/NAME@REVISION` of the Hub, as a reference. Raises UsageError where it is neither."""
    if Path(text).is_dir():
        return {"folder": str(Path(text).resolve())}
    reference = hub_reference(text)
    if reference is None:
        raise UsageError(f"{flag} {text}: no such folder; a model of the Hub is OWNER/NAME@REVISION")
    return reference


def fetch(reference: dict[str, str], patterns: Sequence[str]) -> Path:
    """The folder of a reference; a repository that the user named is fetched from the Hub, at its revision."""
    if "folder" in reference:
        return Path(reference["folder"])
    name, revision = reference["repository"], reference["revision"]
    try:
        return Path(snapshot_download(name, revision=revision, allow_patterns=list(patterns)))
    except (RepositoryNotFoundError, LocalEntryNotFoundError, HfHubHTTPError, OSError) as error:
        raise JobError(f"cannot fetch {name} at {revision}: {first_line(error)}; bring it as a folder") from None


def refer(reference: dict[str, str], folder: Path) -> dict[str, str]:
    """A reference as config.json holds it: seen from `folder` where both lie in one project, and with its digest."""
    if "repository" in reference:
        return reference
    place = Path(reference["folder"])
    place = place if place.is_absolute() else (folder / place).resolve()
    near = any(place.is_relative_to(base) for base in (Path.cwd(), folder.resolve()))
    shown = os.path.relpath(place, folder.resolve()) if near else str(place)
    return {"folder": shown, "sha256": reference.get("sha256") or digest(place)}


def part_folder(checkpoint: Path, part: str, reference: dict[str, str]) -> Path:
    """Where a frozen part lies. Raises JobError where a part of the Hub was never fetched: nothing is, unasked."""
    if "repository" not in reference:
        return checkpoint / reference["folder"]
    name, revision = reference["repository"], reference["revision"]
    try:
        return Path(snapshot_download(name, revision=revision, local_files_only=True))
    except LocalEntryNotFoundError:
        mend = f"fetch it: hf download {name} --revision {revision}"
        raise JobError(f"{checkpoint}/config.json: the {part} {name} is not on this machine; {mend}") from None
