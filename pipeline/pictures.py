"""Fetched bytes -> the JPEG that enters the data set, or the reason why they cannot.

img2dataset is asked for the bytes as they came: its own re-encoding loses the transparency of palette and
grey-with-alpha PNGs, leaves EXIF rotation unapplied and passes pictures that are cut short.
"""

from __future__ import annotations

import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO

from PIL import Image, ImageOps, UnidentifiedImageError

from pipeline.fetch.failures import Failure
from pipeline.params import DownloadParams

FORMATS = ("JPEG", "PNG", "WEBP")
# What Pillow's decoders raise on hostile or damaged data.
_DAMAGE = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    LookupError,
    ArithmeticError,
    EOFError,
    struct.error,
    zlib.error,
)


@dataclass(frozen=True)
class Picture:
    """A stored picture: JPEG bytes, RGB, no metadata."""

    data: bytes
    width: int  # pixels
    height: int
    sha256: str  # of `data`, 64 hex digits


@contextmanager
def untrusted_pictures() -> Iterator[None]:
    """Set Pillow up for `to_picture`: no limit of pixels but ours, which measures them, and no word on broken EXIF.

    It holds for the whole process: enter it once, outside the threads that decode.
    """
    former = Image.MAX_IMAGE_PIXELS
    Image.MAX_IMAGE_PIXELS = None
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")
            yield
    finally:
        Image.MAX_IMAGE_PIXELS = former


def to_picture(data: bytes, params: DownloadParams) -> Picture | Failure:
    """Decode `data` in full and store it upright, on white, at most `image_size` pixels long; never enlarged.

    `max_pixels` is `decode`'s. Equal bytes give equal pictures.
    """
    upright = decode(data, params.max_pixels)
    if isinstance(upright, Failure):
        return upright
    side = min(upright.size)
    if side < params.min_side:
        return Failure("too_small", f"the shorter side has {side} of at least {params.min_side} pixels", float(side))
    return _encoded(_shrunk(upright, params.image_size), params.jpeg_quality)


def decode(data: bytes, max_pixels: int) -> Image.Image | Failure:
    """Decode `data` in full: upright, in RGB, on white.

    Only the formats of FORMATS are tried; `max_pixels` is checked before a pixel is decoded (larger pictures than
    Pillow's own limit need `untrusted_pictures` around).
    """
    try:
        with Image.open(BytesIO(data), formats=FORMATS) as image:
            pixels = image.width * image.height
            if pixels > max_pixels:
                size = f"{image.width} x {image.height}"
                return Failure("too_many_pixels", f"{size} pixels are more than {max_pixels}", float(pixels))
            image.load()
            return _on_white(ImageOps.exif_transpose(image))
    except UnidentifiedImageError:
        return Failure("not_an_image", f"not a {', '.join(FORMATS)} picture; it begins with {data[:16]!r}")
    except _DAMAGE as error:
        return _damaged(error)


def _damaged(error: Exception) -> Failure:
    reason = " ".join(str(error).split()) or type(error).__name__
    return Failure("truncated" if "truncated" in reason else "undecodable", reason)


def _on_white(image: Image.Image) -> Image.Image:
    """`image` in RGB, its transparent parts white; without the metadata that a mere `convert` would carry along."""
    if image.mode.startswith("I;16"):
        image = _eight_bit(image)
    canvas = Image.new("RGB", image.size, "white")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        canvas.paste(image, mask=image.getchannel("A"))
    else:
        canvas.paste(image.convert("RGB"))
    return canvas


def _eight_bit(image: Image.Image) -> Image.Image:
    """16-bit grey, which Pillow would clip at 255, scaled to 8 bits; its transparent value, if any, with it."""
    scaled = image.convert("I").point(lambda value: value * (1 / 257)).convert("L")
    if "transparency" in image.info:
        scaled.info["transparency"] = image.info["transparency"] // 257
    return scaled


def _shrunk(image: Image.Image, longest: int) -> Image.Image:
    scale = longest / max(image.size)
    if scale >= 1:
        return image
    width, height = (max(1, round(side * scale)) for side in image.size)
    return image.resize((width, height), Image.Resampling.LANCZOS)


def _encoded(image: Image.Image, quality: int) -> Picture:
    stream = BytesIO()
    image.save(stream, "JPEG", quality=quality)
    data = stream.getvalue()
    return Picture(data, image.width, image.height, sha256(data).hexdigest())


def open_picture(data: bytes) -> Image.Image:
    """Decode the stored bytes of a picture that `to_picture` made, as RGB."""
    return Image.open(BytesIO(data)).convert("RGB")
