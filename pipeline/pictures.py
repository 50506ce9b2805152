"""Fetched bytes -> the JPEG that enters the data set, or the reason why they cannot.

img2dataset is asked for the bytes as they came: its own re-encoding loses the transparency of palette and
grey-with-alpha PNGs, leaves EXIF rotation unapplied and passes pictures that are cut short.
"""

from __future__ import annotations

import struct
import warnings
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO
from math import inf
from typing import TypeVar

from PIL import Image, ImageFile, ImageOps, PngImagePlugin, UnidentifiedImageError

from pipeline.budget import PixelBudget
from pipeline.fetch.failures import Failure
from pipeline.likeness import color_layout, perceptual_hash
from pipeline.params import DownloadParams

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP")  # a JPEG that holds several pictures (MPO) is one too
# What Pillow's decoders raise on hostile or damaged data.
_DAMAGE = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    AttributeError,
    LookupError,
    ArithmeticError,
    RuntimeError,
    EOFError,
    struct.error,
    zlib.error,
)
# Each scan of a progressive JPEG goes over the whole picture, however few bytes it has: 16 MB can hold hours of them.
# libjpeg-turbo's own fuzzers stop at this number; encoders write about ten.
MAX_SCANS = 500
_START_OF_SCAN = b"\xff\xda"
# A GIF of 16 MB can have a comment in 5 million pieces, for which Pillow takes 0.7 GB. An honest header has hundreds.
_HEADER_READS = 100_000
_TEXT_MEMORY = 1 << 22  # bytes of text that the chunks of one PNG may unpack to, all together
_STRIP = 1 << 18  # pixels that are converted at a time, lest a picture lies in memory three times

_Seen = TypeVar("_Seen")


@dataclass(frozen=True)
class Picture:
    """A stored picture: JPEG bytes, RGB, no metadata."""

    data: bytes
    width: int  # pixels
    height: int
    sha256: str  # of `data`, 64 hex digits
    source_sha256: str  # of the bytes that it was made from
    phash: str  # what the stored picture shows: see pipeline.likeness
    layout: str  # and in which colours: see pipeline.likeness


class _Source(BytesIO):
    """The bytes of a picture, whose header may not be read in too many pieces; what follows may."""

    reads_left: float = _HEADER_READS

    def read(self, size: int | None = -1, /) -> bytes:
        """As BytesIO does. Raises OSError where the header has no end."""
        self.reads_left -= 1
        if self.reads_left < 0:
            raise OSError(f"its header is in more than {_HEADER_READS} pieces")
        return super().read(size)


@contextmanager
def untrusted_pictures() -> Iterator[None]:
    """Set Pillow up for `to_picture`: our limits on pixels and text in place of its own, and no word on broken EXIF.

    It holds for the whole process: enter it once, outside the threads that decode.
    """
    former = Image.MAX_IMAGE_PIXELS, PngImagePlugin.MAX_TEXT_MEMORY
    Image.MAX_IMAGE_PIXELS, PngImagePlugin.MAX_TEXT_MEMORY = None, _TEXT_MEMORY
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")
            yield
    finally:
        Image.MAX_IMAGE_PIXELS, PngImagePlugin.MAX_TEXT_MEMORY = former


def to_picture(data: bytes, params: DownloadParams, budget: PixelBudget | None = None) -> Picture | Failure:
    """Decode `data` in full and store it upright, on white, at most `image_size` pixels long; never enlarged.

    The first picture of an animation stands for all. `max_pixels`, `min_side` and `max_aspect` are held against what
    the header says, before a pixel is decoded. Equal bytes give equal pictures.

    Threads that share a `budget` take 8 bytes of memory at the peak for each of its pixels, 12 where these are CMYK in
    a progressive JPEG, and 17 in a WebP.
    """
    with _held(budget, len(data)):  # a hostile header costs memory too
        size = _read(data, lambda image: image.size)
    if isinstance(size, Failure):
        return size
    refusal = _too_many_pixels(size, params.max_pixels) or _misshapen(size, params)
    if refusal:
        return refusal
    with _held(budget, max(size[0] * size[1], len(data))):
        image = _reduced(data, size, params)
    if isinstance(image, Failure):
        return image
    return _encoded(image, params.jpeg_quality, sha256(data).hexdigest())


def _held(budget: PixelBudget | None, pixels: int) -> AbstractContextManager[None]:
    return budget.hold(pixels) if budget else nullcontext()


def decode(data: bytes, max_pixels: int, enough: int | None = None) -> Image.Image | Failure:
    """Decode `data` in full: upright, in RGB, on white.

    Only the formats of FORMATS are tried; `max_pixels` is checked before a pixel is decoded (larger pictures than
    Pillow's own limit need `untrusted_pictures` around). A JPEG may come at a half, a fourth or an eighth of its size
    where its longer side keeps `enough` pixels: libjpeg shrinks it while it transforms, in a fraction of the time.
    """

    def pixels_of(image: ImageFile.ImageFile) -> Image.Image | Failure:
        refusal = _too_many_pixels(image.size, max_pixels) or _too_many_scans(data, image.format)
        if refusal:
            return refusal
        if enough:
            image.draft(None, _fitted(image.size, enough))
        return _upright(image)

    return _read(data, pixels_of)


def _read(data: bytes, look: Callable[[ImageFile.ImageFile], _Seen]) -> _Seen | Failure:
    """What `look` finds in the picture, or why it finds nothing."""
    try:
        source = _Source(data)
        with Image.open(source, formats=FORMATS) as image:
            source.reads_left = inf
            return look(image)
    except UnidentifiedImageError:
        return Failure("not_an_image", f"not a {', '.join(FORMATS)} picture; it begins with {data[:16]!r}")
    except _DAMAGE as error:
        return _damaged(error)


def _damaged(error: Exception) -> Failure:
    reason = " ".join(str(error).split()) or type(error).__name__
    return Failure("truncated" if "truncated" in reason else "undecodable", reason)


def _too_many_pixels(size: tuple[int, int], most: int) -> Failure | None:
    width, height = size
    if width * height <= most:
        return None
    return Failure("too_many_pixels", f"{width} x {height} pixels are more than {most}", float(width * height))


def _too_many_scans(data: bytes, kind: str | None) -> Failure | None:
    if kind not in {"JPEG", "MPO"} or (scans := data.count(_START_OF_SCAN)) <= MAX_SCANS:
        return None
    return Failure("undecodable", f"a JPEG of {scans} scans; {MAX_SCANS} at most are decoded")


def _misshapen(size: tuple[int, int], params: DownloadParams) -> Failure | None:
    shorter, longer = sorted(size)
    if shorter < params.min_side:
        reason = f"the shorter side has {shorter} of at least {params.min_side} pixels"
        return Failure("too_small", reason, float(shorter))
    ratio = longer / shorter
    if ratio > params.max_aspect:
        return Failure(
            "bad_aspect", f"one side is {ratio:.3g} times the other, of at most {params.max_aspect:g}", ratio
        )
    return None


def _upright(image: ImageFile.ImageFile) -> Image.Image:
    image.load()
    ImageOps.exif_transpose(image, in_place=True)
    return _on_white(image)


def _on_white(image: Image.Image) -> Image.Image:
    """`image` in RGB, its transparent parts white; without the metadata that a mere `convert` would carry along."""
    canvas = Image.new("RGB", image.size, "white")
    height = max(1, _STRIP // image.width)
    for top in range(0, image.height, height):
        rows = image.crop((0, top, image.width, min(top + height, image.height)))
        if rows.mode.startswith("I;16"):
            rows = _eight_bit(rows)
        if rows.has_transparency_data:
            rows = rows.convert("RGBA")
            canvas.paste(rows, (0, top), rows.getchannel("A"))
        else:
            canvas.paste(rows.convert("RGB"), (0, top))
    return canvas


def _eight_bit(image: Image.Image) -> Image.Image:
    """16-bit grey, which Pillow would clip at 255, scaled to 8 bits; its transparent value, if any, with it."""
    scaled = image.convert("I").point(lambda value: value * (1 / 257)).convert("L")
    if "transparency" in image.info:
        scaled.info["transparency"] = image.info["transparency"] // 257
    return scaled


def _reduced(data: bytes, size: tuple[int, int], params: DownloadParams) -> Image.Image | Failure:
    """The decoded picture, at most `image_size` pixels long; only the reduced one outlives the call."""
    image = decode(data, params.max_pixels, params.image_size)
    if isinstance(image, Failure) or max(size) <= params.image_size:
        return image
    width, height = sorted(_fitted(size, params.image_size), reverse=image.width > image.height)
    return image.resize((width, height), Image.Resampling.LANCZOS)


def _fitted(size: tuple[int, int], longest: int) -> tuple[int, int]:
    """`size` in proportion, with so long a longer side."""
    width, height = (max(1, round(side * longest / max(size))) for side in size)
    return width, height


def _encoded(image: Image.Image, quality: int, source_sha256: str) -> Picture:
    stream = BytesIO()
    image.save(stream, "JPEG", quality=quality)
    data = stream.getvalue()
    kept = open_picture(data)
    digests = sha256(data).hexdigest(), source_sha256
    return Picture(data, image.width, image.height, *digests, perceptual_hash(kept), color_layout(kept))


def open_picture(data: bytes) -> Image.Image:
    """Decode the stored bytes of a picture that `to_picture` made, as RGB."""
    return Image.open(BytesIO(data)).convert("RGB")
