"""What pictures made to hurt can cost: little memory, never an exception."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from pipeline.fetch.failures import Failure
from pipeline.params import DownloadParams, load_params
from pipeline.pictures import MAX_SCANS, Picture, to_picture, untrusted_pictures
from tests.pipeline import hostile_pictures as hostile
from tests.pipeline.hostile_pictures import MEGABYTE
from tests.pipeline.misbehaving import drawing, encoded


@pytest.fixture(scope="module")
def params(root: Path) -> DownloadParams:
    """The embedded profile's params."""
    return load_params("embedded", root).download


def decoded(folder: Path, *, threads: int, pixels: int) -> tuple[dict[str, str], int]:
    """What becomes of the pictures in a folder, in a process of their own; and how many bytes it took at the peak."""
    command = [sys.executable, "-m", "tests.pipeline.hostile_pictures", str(folder), str(threads), str(pixels)]
    done = subprocess.run(command, cwd=hostile.ROOT, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    said = json.loads(done.stdout)
    return said["outcomes"], said["grown"]


def test_a_bomb_costs_no_memory(tmp_path: Path) -> None:
    """Gigabytes that a header or a compressed chunk promises are not asked for."""
    bombs = {
        "huge.png": (hostile.png(20_000, 20_000, hostile.deflated(8)), "too_many_pixels"),
        "huge.webp": (hostile.huge_webp(), "too_many_pixels"),
        "huge.gif": (hostile.huge_gif(), "too_many_pixels"),
        "huge.bmp": (hostile.huge_bmp(), "too_many_pixels"),
        "texts.png": (hostile.text_bomb(1, 256), "undecodable"),
        "many-texts.png": (hostile.text_bomb(60, 1), "undecodable"),
        "more-rows.png": (hostile.png(64, 64, hostile.deflated(256)), "stored"),
        "comment.gif": (hostile.endless_comment(), "undecodable"),
        "exif.jpg": (hostile.exif_bomb(), "stored"),
        "tiff.jpg": (encoded(drawing(), "TIFF"), "not_an_image"),
        "scans.jpg": (hostile.many_scans(MAX_SCANS + 1), "undecodable"),
    }
    for name, (data, _) in bombs.items():
        (tmp_path / name).write_bytes(data)
    outcomes, grown = decoded(tmp_path, threads=1, pixels=30_000_000)
    assert outcomes == {name: rule for name, (_, rule) in bombs.items()}
    assert grown < 32 * MEGABYTE


@pytest.mark.parametrize(
    ("kind", "options", "bytes_a_pixel"),
    [("PNG", {"compress_level": 1}, 9), ("WEBP", {"lossless": True, "quality": 0, "method": 0}, 18)],
)
def test_threads_share_the_memory_of_one_picture(
    tmp_path: Path, kind: str, options: dict[str, Any], bytes_a_pixel: int
) -> None:
    """Eight threads with 6 million pixels each, and a budget of 6 million; ten times the pixels would cost ten times as much."""
    data = hostile.flat(kind, **options)
    for number in range(8):
        (tmp_path / str(number)).write_bytes(data)
    outcomes, grown = decoded(tmp_path, threads=8, pixels=6_000_000)
    assert set(outcomes.values()) == {"stored"}
    assert grown < 6_000_000 * bytes_a_pixel


def test_the_scans_of_a_jpeg_are_counted(params: DownloadParams) -> None:
    """Each would cost a pass over the whole picture; as many as any encoder writes are decoded."""
    most, more = (to_picture(hostile.many_scans(scans), params) for scans in (MAX_SCANS, MAX_SCANS + 1))
    assert isinstance(most, Picture)
    assert more == Failure("undecodable", f"a JPEG of {MAX_SCANS + 1} scans; {MAX_SCANS} at most are decoded")


KINDS: list[tuple[str, str, dict[str, Any]]] = [
    ("RGB", "JPEG", {"exif": b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"}),
    ("CMYK", "JPEG", {"progressive": True}),
    ("P", "PNG", {"transparency": 0}),
    ("RGBA", "PNG", {}),
    ("I;16", "PNG", {}),
    ("RGBA", "WEBP", {"lossless": True}),
    ("RGB", "WEBP", {}),
    ("P", "GIF", {"transparency": 0, "comment": b"none"}),
    ("RGB", "BMP", {}),
    ("P", "BMP", {}),
]
GOOD = [encoded(drawing((40, 36), mode), kind, **options) for mode, kind, options in KINDS]
CHANGES = st.lists(st.tuples(st.integers(0, 2**16), st.integers(0, 255)), max_size=6)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(GOOD), CHANGES, st.one_of(st.none(), st.integers(0, 2**12)))
def test_damage_never_raises(
    params: DownloadParams, data: bytes, changes: list[tuple[int, int]], cut: int | None
) -> None:
    """Whatever bytes are changed or missing, a picture comes, or a failure that says something."""
    damaged = bytearray(data)
    for place, value in changes:
        damaged[place % len(damaged)] = value
    with untrusted_pictures():
        found = to_picture(bytes(damaged[:cut]), params)
    assert isinstance(found, Picture) or found.reason


def test_exif_that_trips_the_library_is_a_damaged_picture(params: DownloadParams) -> None:
    """A text field that claims to hold numbers: Pillow stumbles over it while it turns the picture."""
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010E] = "x"
    data = bytearray(encoded(drawing((96, 64)), "JPEG", exif=exif))
    entry = data.index(b"\x01\x0e\x00\x02") if b"\x01\x0e\x00\x02" in data else data.index(b"\x0e\x01\x02\x00")
    big = data[entry : entry + 2] == b"\x01\x0e"
    data[entry + 2 : entry + 4] = (11).to_bytes(2, "big" if big else "little")  # FLOAT in place of ASCII
    data[entry + 4 : entry + 8] = (1).to_bytes(4, "big" if big else "little")
    found = to_picture(bytes(data), params)
    assert isinstance(found, Failure)
    assert found.rule == "undecodable"
