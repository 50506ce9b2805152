"""The pictures of a finished download, found by the keys of rows that carry none."""

from __future__ import annotations

import re
from hashlib import sha256
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from pipeline.errors import JobError
from pipeline.stored import StoredPictures
from tests.stages.emitted import DOWNLOADED, failed, kept, picture, write_shards

NUMBERS = [5, 1, 4, 2, 6, 3, 7]  # three shards; the picture of 1 never came


def key(number: int) -> str:
    """The key that `kept` gives a row."""
    return f"{number:016x}"


def digest(number: int) -> str:
    """What the row says of its picture."""
    return sha256(picture(number)).hexdigest()


@pytest.fixture
def stored(tmp_path: Path) -> StoredPictures:
    """A folder of download."""
    write_shards(tmp_path / "curate", [failed(n) if n == 1 else kept(n) for n in NUMBERS], DOWNLOADED)
    return StoredPictures(tmp_path / "curate")


@pytest.mark.parametrize(
    "numbers", [[5], [7, 5, 4], [3, 2, 7, 6], []], ids=["one", "all shards", "their order", "none"]
)
def test_pictures_come_in_the_order_of_the_keys(stored: StoredPictures, numbers: list[int]) -> None:
    """Whichever shards they lie in."""
    found = stored.find([key(n) for n in numbers], [digest(n) for n in numbers])
    for number, image in zip(numbers, found, strict=True):
        with Image.open(BytesIO(picture(number))) as expected:
            assert image.tobytes() == expected.convert("RGB").tobytes()


@pytest.mark.parametrize(
    ("keys", "digests", "message"),
    [
        ([key(5), key(9)], [digest(5), digest(9)], f"the picture of {key(9)} is not there"),
        ([key(5), key(4)], [digest(5), digest(2)], f"the picture of {key(4)} is another one"),
    ],
    ids=["unknown key", "other picture"],
)
def test_rows_of_another_run_are_found_out(
    stored: StoredPictures, keys: list[str], digests: list[str], message: str
) -> None:
    """No text is ever held against a picture that is not its own."""
    with pytest.raises(JobError, match=f"{re.escape(str(stored.folder))}: {message}: .*delete .* run `dvc repro`"):
        stored.find(keys, digests)


def test_no_download_is_one_line(tmp_path: Path) -> None:
    """The folder is named."""
    with pytest.raises(JobError, match="curate: there is no such folder"):
        StoredPictures(tmp_path / "curate")
