"""What becomes of fetched bytes: the picture that is stored, or the rule that keeps it out."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from hashlib import sha256
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from pipeline.fetch.failures import Failure
from pipeline.params import DownloadParams, load_params
from pipeline.pictures import Picture, to_picture, untrusted_pictures
from tests.pipeline.misbehaving import drawing, encoded

SIZE = (96, 64)
DARK, WHITE = 20, 255


@pytest.fixture(scope="module")
def params(root: Path) -> DownloadParams:
    """The embedded profile's params: 256 pixels at most, 32 at least, 30 million before decoding."""
    return load_params("embedded", root).download


def stored(data: bytes, params: DownloadParams) -> Image.Image:
    """The stored picture, decoded."""
    picture = to_picture(data, params)
    assert isinstance(picture, Picture), picture
    image = Image.open(BytesIO(picture.data), formats=["JPEG"])
    assert (image.mode, image.size) == ("RGB", (picture.width, picture.height))
    assert picture.sha256 == sha256(picture.data).hexdigest()
    return image


def grey(image: Image.Image, x: int, y: int) -> int:
    """The grey value of a pixel that has no colour."""
    colours = image.getpixel((x, y))
    assert isinstance(colours, tuple)
    assert max(colours) - min(colours) <= 3
    return round(sum(colours) / 3)


def half_transparent(mode: str) -> Image.Image:
    """Dark on the left; on the right transparent, over a black that must not be seen."""
    image = Image.new("LA", SIZE, (0, 0))
    image.paste((DARK, 255), (0, 0, SIZE[0] // 2, SIZE[1]))
    return image.convert(mode)


def keyed(mode: str, colour: int | tuple[int, int, int]) -> bytes:
    """A PNG in which one colour, that of the right half, is declared transparent."""
    image = Image.new(mode, SIZE, colour)
    image.paste(DARK if mode == "L" else (DARK,) * 3, (0, 0, SIZE[0] // 2, SIZE[1]))
    return encoded(image, transparency=colour)


def palette(transparency: int | bytes) -> bytes:
    """A palette PNG: entry 0 is dark, entry 1 red."""
    image = Image.new("P", SIZE, 1)
    image.putpalette([DARK, DARK, DARK, 255, 0, 0])
    image.paste(0, (0, 0, SIZE[0] // 2, SIZE[1]))
    return encoded(image, transparency=transparency)


def sixteen_bit(right: int, transparency: int | None = None) -> bytes:
    """A PNG with 16-bit grey values."""
    row = [DARK * 257] * (SIZE[0] // 2) + [right] * (SIZE[0] // 2)
    return encoded(
        Image.frombytes("I;16", SIZE, struct.pack(f"<{SIZE[0]}H", *row) * SIZE[1]), transparency=transparency
    )


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(lambda: encoded(drawing(SIZE), "JPEG"), id="JPEG"),
        pytest.param(lambda: encoded(drawing(SIZE, "L"), "JPEG"), id="grey JPEG"),
        pytest.param(lambda: encoded(drawing(SIZE, "CMYK"), "JPEG"), id="CMYK JPEG"),
        pytest.param(lambda: encoded(drawing(SIZE), "WEBP"), id="WebP"),
        pytest.param(lambda: encoded(drawing(SIZE, "1")), id="1-bit PNG"),
        pytest.param(lambda: encoded(drawing(SIZE, "P")), id="palette PNG"),
        pytest.param(lambda: sixteen_bit(65535), id="16-bit PNG"),
        pytest.param(lambda: sixteen_bit(40000, transparency=40000), id="16-bit PNG with a transparent value"),
        pytest.param(lambda: encoded(half_transparent("RGBA")), id="RGBA PNG"),
        pytest.param(lambda: encoded(half_transparent("LA")), id="grey PNG with alpha"),
        pytest.param(lambda: encoded(half_transparent("RGBA"), "WEBP", lossless=True), id="WebP with alpha"),
        pytest.param(lambda: palette(1), id="palette PNG, one entry transparent"),
        pytest.param(lambda: palette(b"\xff\x00"), id="palette PNG, an alpha for each entry"),
        pytest.param(lambda: keyed("L", 200), id="grey PNG with a transparent value"),
        pytest.param(lambda: keyed("RGB", (200, 0, 0)), id="RGB PNG with a transparent colour"),
    ],
)
def test_every_kind_of_picture_is_stored_as_rgb_on_white(data: Callable[[], bytes], params: DownloadParams) -> None:
    """The left half stays dark; what was white or transparent is white."""
    image = stored(data(), params)
    assert image.size == SIZE
    assert grey(image, 20, 32) <= DARK + 5
    assert grey(image, 76, 32) >= WHITE - 5


def test_a_half_transparent_pixel_is_mixed_with_white(params: DownloadParams) -> None:
    """Black at half opacity is middle grey."""
    image = stored(encoded(Image.new("RGBA", SIZE, (0, 0, 0, 128))), params)
    assert grey(image, 48, 32) == pytest.approx(127, abs=2)


def test_exif_rotation_is_applied_and_no_metadata_is_kept(params: DownloadParams) -> None:
    """A camera's sideways picture is stored upright, without EXIF, comment or colour profile."""
    exif = Image.Exif()
    exif[0x0112] = 6  # rotate by 90 degrees clockwise to see it upright
    exif[0x010F] = "a camera"
    data = encoded(drawing(SIZE), "JPEG", exif=exif, comment=b"where we live", icc_profile=b"x" * 200)
    image = stored(data, params)
    assert image.size == (SIZE[1], SIZE[0])
    assert grey(image, 32, 20) == pytest.approx(DARK, abs=5)
    assert grey(image, 32, 76) == pytest.approx(WHITE, abs=5)
    assert not image.getexif()
    assert not {"exif", "comment", "icc_profile"} & image.info.keys()


@pytest.mark.parametrize(
    ("before", "after"),
    [((256, 100), (256, 100)), ((257, 100), (256, 100)), ((1000, 500), (256, 128)), ((300, 3000), (26, 256))],
)
def test_shrinks_to_the_longest_side_and_never_enlarges(
    before: tuple[int, int], after: tuple[int, int], params: DownloadParams
) -> None:
    """The longest side ends at `image_size` or stays as it was; the shape stays."""
    assert stored(encoded(drawing(before)), params).size == after


def test_equal_bytes_give_equal_pictures(params: DownloadParams) -> None:
    """Nothing of the time or the machine's state enters."""
    data = encoded(drawing((500, 300)))
    assert to_picture(data, params) == to_picture(data, params)


def png(width: int, height: int, body: bytes = b"") -> bytes:
    """A PNG that says it is grey and of this size, whatever its body holds."""
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)), (b"IDAT", body), (b"IEND", b"")]
    parts = (struct.pack(">I", len(d)) + n + d + struct.pack(">I", zlib.crc32(n + d)) for n, d in chunks)
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def text_bomb() -> bytes:
    """A PNG whose compressed text chunk unpacks to more than Pillow takes."""
    info = PngInfo()
    info.add_text("note", "x" * 2_000_000, zip=True)
    return encoded(drawing(SIZE), pnginfo=info)


JPEG = encoded(drawing(SIZE), "JPEG")


@pytest.mark.parametrize(
    ("data", "rule", "reason", "value"),
    [
        (b"", "not_an_image", "it begins with b''", None),
        (b"<html><body>Not here</body></html>", "not_an_image", "it begins with b'<html><body>Not '", None),
        (encoded(drawing(SIZE), "GIF"), "not_an_image", "it begins with b'GIF87a", None),
        (encoded(drawing(SIZE), "BMP"), "not_an_image", "it begins with b'BM", None),
        (JPEG[: len(JPEG) - 40], "truncated", "image file is truncated", None),
        (encoded(drawing((300, 200)))[:100], "truncated", "image file is truncated", None),
        (png(64, 64, b"no zlib stream"), "undecodable", "", None),
        (text_bomb(), "undecodable", "Decompressed data too large", None),
        (encoded(drawing((31, 200))), "too_small", "the shorter side has 31 of at least 32 pixels", 31.0),
        (png(6000, 5001), "too_many_pixels", "6000 x 5001 pixels are more than 30000000", 30_006_000.0),
        (png(16000, 16000), "too_many_pixels", "16000 x 16000 pixels are more than 30000000", 256_000_000.0),
    ],
)
def test_what_cannot_be_stored_fails_by_a_rule_that_says_why(
    data: bytes, rule: str, reason: str, value: float | None, params: DownloadParams
) -> None:
    """No hostile or damaged file gets through, and none raises."""
    with untrusted_pictures():
        failure = to_picture(data, params)
    assert isinstance(failure, Failure)
    assert (failure.rule, failure.value) == (rule, value)
    assert reason in failure.reason
    assert failure.reason


def test_pixels_are_counted_before_any_is_decoded(params: DownloadParams) -> None:
    """A picture of exactly `max_pixels` is decoded (and found damaged); one row more is refused by its header."""
    exactly, more = (to_picture(png(6000, height, b"damaged"), params) for height in (5000, 5001))
    assert isinstance(exactly, Failure)
    assert isinstance(more, Failure)
    assert (exactly.rule, more.rule) == ("undecodable", "too_many_pixels")


def test_a_picture_at_the_smallest_side_enters(params: DownloadParams) -> None:
    """The limit itself is inside."""
    assert stored(encoded(drawing((32, 200))), params).size == (32, 200)


def test_pillow_gets_its_own_limit_back() -> None:
    """What is set for the process is gone after the block, also when that ends in an error."""
    before = Image.MAX_IMAGE_PIXELS
    with pytest.raises(KeyError), untrusted_pictures():
        raise KeyError
    assert before
    assert before == Image.MAX_IMAGE_PIXELS
