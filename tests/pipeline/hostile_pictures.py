"""Pictures made to hurt whoever decodes them, and a process that decodes a folder of them.

    python -m tests.pipeline.hostile_pictures FOLDER 8 6000000

The arguments: a folder of pictures, how many threads decode them, and the pixel budget that these share. It prints what
became of each, and by how many bytes its memory grew at the peak.
"""

from __future__ import annotations

import json
import resource
import struct
import sys
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from PIL import Image

from pipeline.budget import PixelBudget
from pipeline.fetch.failures import Failure
from pipeline.params import load_params
from pipeline.pictures import to_picture, untrusted_pictures
from tests.pipeline.misbehaving import drawing, encoded

ROOT = Path(__file__).resolve().parents[2]
MEGABYTE = 1 << 20


def png(width: int, height: int, body: bytes = b"", *, depth: int = 8, kind: int = 0, before: bytes = b"") -> bytes:
    """A PNG that says it has this size, bit depth and colour type (grey), whatever its body holds."""
    header = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0)
    rest = chunk(b"IDAT", body) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + before + rest


def chunk(name: bytes, data: bytes) -> bytes:
    """A chunk of a PNG."""
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def deflated(megabytes: int) -> bytes:
    """Zeros, a thousandth of their size."""
    packer = zlib.compressobj(9)
    return b"".join([*(packer.compress(bytes(MEGABYTE)) for _ in range(megabytes)), packer.flush()])


def text_bomb(texts: int, megabytes: int) -> bytes:
    """A good PNG behind text chunks that unpack to so many megabytes each."""
    body = zlib.compress((b"\0" + bytes(64)) * 64)
    texts_of_zeros = (chunk(b"zTXt", b"note %d\0\0" % n + deflated(megabytes)) for n in range(texts))
    return png(64, 64, body, before=b"".join(texts_of_zeros))


def exif_bomb() -> bytes:
    """A JPEG in whose EXIF two thousand tags lay claim to the same 30,000 bytes."""
    entries = b"".join(struct.pack("<HHII", 0x9000 + n, 7, 30_000, 24_100) for n in range(2000))
    body = b"II*\0" + struct.pack("<IH", 8, 2000) + entries + bytes(4)
    return encoded(drawing(), "JPEG", exif=b"Exif\0\0" + body.ljust(60_000, b"\0"))


def huge_webp() -> bytes:
    """A WebP that says it has 16,384 x 16,384 pixels."""
    small = encoded(drawing(), "WEBP", lossless=True)
    (bits,) = struct.unpack_from("<I", small, 21)
    return small[:21] + struct.pack("<I", bits | 0x0FFF_FFFF) + small[25:]


def huge_gif() -> bytes:
    """A GIF whose canvas has 65,535 x 65,535 pixels, and its one frame 96 x 64."""
    small = encoded(drawing((96, 64)), "GIF")
    return small[:6] + struct.pack("<HH", 65535, 65535) + small[10:]


def endless_comment() -> bytes:
    """A GIF of 16 MB whose comment is in pieces of two bytes."""
    small = encoded(drawing(), "GIF", comment=b"zz")
    start = small.index(b"\2zz")
    return small[:start] + b"\2zz" * (16 * MEGABYTE // 3) + small[start + 3 :]


def huge_bmp() -> bytes:
    """A BMP that says it has 40,000 x 40,000 pixels."""
    small = encoded(drawing(), "BMP")
    return small[:18] + struct.pack("<ii", 40_000, 40_000) + small[26:]


def many_scans(scans: int) -> bytes:
    """A progressive JPEG whose last scan is repeated until there are so many."""
    jpeg = encoded(drawing(), "JPEG", progressive=True)
    last = jpeg[jpeg.rindex(b"\xff\xda") : -2]
    return jpeg[:-2] + last * (scans - jpeg.count(b"\xff\xda")) + jpeg[-2:]


def flat(kind: str, **options: Any) -> bytes:
    """A good picture of 3000 x 2000 pixels, half transparent all over."""
    return encoded(Image.new("RGBA", (3000, 2000), (0, 0, 0, 128)), kind, **options)


def peak() -> int:
    """The most bytes of memory that this process has had."""
    found = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return found if sys.platform == "darwin" else found * 1024


def main() -> None:
    """Decode, and tell."""
    folder, threads, pixels = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    params, budget = load_params("embedded", ROOT).download, PixelBudget(pixels)

    def outcome(path: Path) -> str:
        found = to_picture(path.read_bytes(), params, budget)
        return found.rule if isinstance(found, Failure) else "stored"

    with untrusted_pictures():
        to_picture(encoded(drawing()), params)  # what is imported late is no picture's fault
        before = peak()
        with ThreadPoolExecutor(threads) as pool:
            paths = sorted(folder.iterdir())
            outcomes = dict(zip((path.name for path in paths), pool.map(outcome, paths), strict=True))
    print(json.dumps({"outcomes": outcomes, "grown": peak() - before}))


if __name__ == "__main__":
    main()
