"""What becomes of fetched bytes: the picture that is stored, or the rule that keeps it out."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from hashlib import sha256
from io import BytesIO
from pathlib import Path

import imagehash
import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from pipeline.fetch.failures import Failure
from pipeline.params import DownloadParams, load_params
from pipeline.pictures import Picture, to_picture, untrusted_pictures
from tests.pipeline.hostile_pictures import png
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


def animated(kind: str) -> bytes:
    """The drawing, then a picture that is dark all over."""
    first = drawing(SIZE).convert("P") if kind == "GIF" else drawing(SIZE)
    return encoded(first, kind, save_all=True, append_images=[Image.new(first.mode, SIZE)], duration=100)


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


def palette_image() -> Image.Image:
    """Entry 0 of its palette is dark, entry 1 red."""
    image = Image.new("P", SIZE, 1)
    image.putpalette([DARK, DARK, DARK, 255, 0, 0])
    image.paste(0, (0, 0, SIZE[0] // 2, SIZE[1]))
    return image


def without_adobe(jpeg: bytes) -> bytes:
    """A JPEG without its APP14 segment."""
    start = jpeg.index(b"\xff\xee")
    (length,) = struct.unpack_from(">H", jpeg, start + 2)
    return jpeg[:start] + jpeg[start + 2 + length :]


def raw_png(kind: int, dark: tuple[int, ...], light: tuple[int, ...]) -> bytes:
    """A PNG of 16-bit samples that Pillow cannot write: of colour type `kind`, dark on the left, light on the right."""
    pixels = [struct.pack(f">{len(each)}H", *each) * (SIZE[0] // 2) for each in (dark, light)]
    return png(*SIZE, zlib.compress(b"".join([b"\0", *pixels]) * SIZE[1]), depth=16, kind=kind)


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
        pytest.param(
            lambda: without_adobe(encoded(drawing(SIZE, "CMYK"), "JPEG")), id="CMYK JPEG that Adobe did not mark"
        ),
        pytest.param(lambda: encoded(drawing(SIZE), "JPEG", progressive=True), id="progressive JPEG"),
        pytest.param(lambda: animated("MPO"), id="JPEG of several pictures"),
        pytest.param(lambda: encoded(drawing(SIZE), "WEBP"), id="WebP"),
        pytest.param(lambda: animated("WEBP"), id="animated WebP"),
        pytest.param(lambda: encoded(drawing(SIZE, "L"), "GIF"), id="grey GIF"),
        pytest.param(lambda: encoded(drawing(SIZE, "P"), "GIF"), id="GIF"),
        pytest.param(lambda: encoded(palette_image(), "GIF", transparency=1), id="GIF, one colour transparent"),
        pytest.param(lambda: animated("GIF"), id="animated GIF"),
        pytest.param(lambda: encoded(drawing(SIZE), "BMP"), id="BMP"),
        pytest.param(lambda: encoded(drawing(SIZE, "1"), "BMP"), id="1-bit BMP"),
        pytest.param(lambda: encoded(drawing(SIZE, "P"), "BMP"), id="palette BMP"),
        pytest.param(lambda: encoded(drawing(SIZE), "PNG", interlace=1), id="interlaced PNG"),
        pytest.param(lambda: animated("PNG"), id="animated PNG"),
        pytest.param(lambda: encoded(drawing(SIZE, "1")), id="1-bit PNG"),
        pytest.param(lambda: encoded(drawing(SIZE, "P")), id="palette PNG"),
        pytest.param(lambda: sixteen_bit(65535), id="16-bit PNG"),
        pytest.param(lambda: sixteen_bit(40000, transparency=40000), id="16-bit PNG with a transparent value"),
        pytest.param(lambda: raw_png(2, (5140,) * 3, (65535,) * 3), id="16-bit RGB PNG"),
        pytest.param(lambda: raw_png(4, (5140, 65535), (0, 0)), id="16-bit grey PNG with alpha"),
        pytest.param(lambda: raw_png(6, (5140, 5140, 5140, 65535), (0, 65535, 0, 0)), id="16-bit RGBA PNG"),
        pytest.param(lambda: encoded(half_transparent("RGBA")), id="RGBA PNG"),
        pytest.param(lambda: encoded(half_transparent("LA")), id="grey PNG with alpha"),
        pytest.param(lambda: encoded(half_transparent("RGBA"), "WEBP", lossless=True), id="WebP with alpha"),
        pytest.param(lambda: encoded(palette_image(), transparency=1), id="palette PNG, one entry transparent"),
        pytest.param(
            lambda: encoded(palette_image(), transparency=b"\xff\x00"), id="palette PNG, an alpha for each entry"
        ),
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


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P", "I;16"])
def test_a_large_picture_is_whole(mode: str, params: DownloadParams) -> None:
    """More pixels than are converted at a time: the four quarters are where they were."""
    image = Image.new("L", (800, 900), 255)
    image.paste(DARK, (0, 450, 400, 900))
    picture = stored(encoded(sixteen(image) if mode == "I;16" else image.convert("RGB").convert(mode)), params)
    assert picture.size == (228, 256)
    found = [grey(picture, x, y) for x, y in ((57, 30), (171, 30), (57, 226), (171, 226), (57, 134), (57, 122))]
    assert found == pytest.approx([WHITE, WHITE, DARK, WHITE, DARK, WHITE], abs=5)


def sixteen(image: Image.Image) -> Image.Image:
    """A grey picture in 16 bits."""
    return Image.fromarray(np.asarray(image).astype(np.uint16) * 257)


def test_a_half_transparent_pixel_is_mixed_with_white(params: DownloadParams) -> None:
    """Black at half opacity is middle grey."""
    image = stored(encoded(Image.new("RGBA", SIZE, (0, 0, 0, 128))), params)
    assert grey(image, 48, 32) == pytest.approx(127, abs=2)


@pytest.mark.parametrize(
    ("ink", "colour"),
    [((0, 0, 0, 0), (255, 255, 255)), ((0, 255, 255, 0), (255, 0, 0)), ((255, 0, 255, 0), (0, 255, 0)), ((0, 0, 0, 255), (0, 0, 0))],
)  # fmt: skip
def test_ink_is_dark(ink: tuple[int, ...], colour: tuple[int, ...], params: DownloadParams) -> None:
    """CMYK is stored inverted in a JPEG, by Adobe's custom; no ink is white, magenta and yellow are red."""
    image = stored(encoded(Image.new("CMYK", SIZE, ink), "JPEG"), params)
    assert image.getpixel((48, 32)) == pytest.approx(colour, abs=6)


CORNERS = {"top left": (8, 8), "top right": (-9, 8), "bottom right": (-9, -9), "bottom left": (8, -9)}


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize(
    ("orientation", "first", "last"),
    [
        (1, "top left", "top right"),
        (2, "top right", "top left"),
        (3, "bottom right", "bottom left"),
        (4, "bottom left", "bottom right"),
        (5, "top left", "bottom left"),
        (6, "top right", "bottom right"),
        (7, "bottom right", "top right"),
        (8, "bottom left", "top left"),
        (9, "top left", "top right"),
    ],
)
def test_every_exif_orientation_is_applied(
    orientation: int, first: str, last: str, kind: str, params: DownloadParams
) -> None:
    """Where the first and the last pixel of the first row belong by EXIF 2.3, table 6; what it does not know is 1."""
    image = Image.new("L", SIZE, 255)
    image.paste(0, (0, 0, 16, 16))
    image.paste(128, (SIZE[0] - 16, 0, SIZE[0], 16))
    exif = Image.Exif()
    exif[0x0112] = orientation
    upright = stored(encoded(image.convert("RGB"), kind, exif=exif, quality=95), params)
    assert upright.size == (SIZE if orientation in {1, 2, 3, 4, 9} else SIZE[::-1])
    found = {name: grey(upright, x % upright.width, y % upright.height) for name, (x, y) in CORNERS.items()}
    assert found == pytest.approx({**dict.fromkeys(CORNERS, 255), first: 0, last: 128}, abs=5)


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
    [((256, 100), (256, 100)), ((257, 100), (256, 100)), ((1000, 500), (256, 128)), ((300, 1500), (51, 256))],
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


def test_the_same_bytes_have_the_same_names(params: DownloadParams) -> None:
    """A picture knows what it was made from, and what it looks like: sha256 of both, imagehash's hash of the stored."""
    data = encoded(drawing((500, 300)))
    picture = to_picture(data, params)
    assert isinstance(picture, Picture)
    assert picture.source_sha256 == sha256(data).hexdigest()
    assert picture.phash == str(imagehash.phash(Image.open(BytesIO(picture.data))))
    assert len(picture.phash) == 16


def test_the_layout_is_the_mean_colour_of_each_cell(params: DownloadParams) -> None:
    """Row by row: a red picture whose last row of cells is half white."""
    image = Image.new("RGB", (80, 160), (255, 0, 0))
    image.paste((255, 255, 255), (0, 140, 80, 160))
    picture = to_picture(encoded(image), params)
    assert isinstance(picture, Picture)
    assert list(bytes.fromhex(picture.layout)) == pytest.approx([255, 0, 0] * 12 + [255, 128, 128] * 4, abs=2)


def test_a_copy_looks_like_its_original(params: DownloadParams) -> None:
    """Encoded anew and at half the size, a picture differs in few bits; another picture in many."""
    original, other = noise(1), noise(2)
    copy = encoded(original.resize((150, 120)), "WEBP", quality=60)
    found = [to_picture(each, params) for each in (encoded(original), copy, encoded(other))]
    first, second, third = (int(each.phash, 16) for each in found if isinstance(each, Picture))
    assert (first ^ second).bit_count() <= 4
    assert (first ^ third).bit_count() > 16


def noise(seed: int) -> Image.Image:
    """Blurred blotches."""
    blotches = np.random.default_rng(seed).integers(0, 256, (6, 8), dtype=np.uint8)
    return Image.fromarray(blotches).resize((300, 240), Image.Resampling.BICUBIC)


JPEG, GIF, BMP = (encoded(drawing(SIZE), kind) for kind in ("JPEG", "GIF", "BMP"))


@pytest.mark.parametrize(
    ("data", "rule", "reason", "value"),
    [
        (b"", "not_an_image", "it begins with b''", None),
        (b"<html><body>Not here</body></html>", "not_an_image", "it begins with b'<html><body>Not '", None),
        (encoded(drawing(SIZE), "TIFF"), "not_an_image", "it begins with b'II*", None),
        (encoded(drawing(SIZE), "ICO"), "not_an_image", "it begins with b'\\x00\\x00\\x01\\x00", None),
        (JPEG[: len(JPEG) - 40], "truncated", "image file is truncated", None),
        (encoded(drawing((300, 200)))[:100], "truncated", "image file is truncated", None),
        (GIF[: len(GIF) - 40], "truncated", "image file is truncated", None),
        (BMP[: len(BMP) - 40], "truncated", "image file is truncated", None),
        (png(64, 64, b"no zlib stream"), "undecodable", "", None),
        (encoded(drawing((31, 200))), "too_small", "the shorter side has 31 of at least 32 pixels", 31.0),
        (encoded(drawing((161, 32))), "bad_aspect", "one side is 5.03 times the other, of at most 5", 161 / 32),
        (encoded(drawing((40, 400))), "bad_aspect", "one side is 10 times the other, of at most 5", 10.0),
        (encoded(drawing((31, 400))), "too_small", "the shorter side has 31 of at least 32 pixels", 31.0),
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


def test_a_picture_at_the_limits_enters(params: DownloadParams) -> None:
    """The limits themselves are inside."""
    assert stored(encoded(drawing((32, 160))), params).size == (32, 160)


def test_size_and_shape_are_judged_before_anything_is_decoded(params: DownloadParams) -> None:
    """They stand in the header: what lies behind it is not looked at."""
    found = [to_picture(png(*size, b"damaged"), params) for size in ((31, 31), (1000, 100), (32, 32))]
    assert [each.rule for each in found if isinstance(each, Failure)] == ["too_small", "bad_aspect", "undecodable"]


def test_pillow_gets_its_own_limit_back() -> None:
    """What is set for the process is gone after the block, also when that ends in an error."""
    before = Image.MAX_IMAGE_PIXELS, PngImagePlugin.MAX_TEXT_MEMORY
    with pytest.raises(KeyError), untrusted_pictures():
        raise KeyError
    assert all(before)
    assert before == (Image.MAX_IMAGE_PIXELS, PngImagePlugin.MAX_TEXT_MEMORY)


def photo(size: tuple[int, int]) -> Image.Image:
    """Coarse noise, enlarged, with finer noise on top."""
    rng = np.random.default_rng(0)
    coarse = Image.fromarray(rng.integers(0, 255, (12, 16, 3), dtype=np.uint8)).resize(size, Image.Resampling.BICUBIC)
    fine = rng.integers(-8, 8, (size[1], size[0], 1))
    return Image.fromarray(np.clip(np.asarray(coarse) + fine, 0, 255).astype(np.uint8))


@pytest.mark.parametrize(
    ("size", "orientation", "stored_size"),
    [
        ((511, 300), 1, (256, 150)),  # half of it would be too little
        ((512, 300), 1, (256, 150)),  # exactly a half
        ((641, 401), 1, (256, 160)),
        ((641, 401), 6, (160, 256)),
        ((2500, 1000), 1, (256, 102)),
        ((1000, 2500), 8, (256, 102)),
    ],
)
def test_a_jpeg_that_is_shrunk_while_it_is_decoded_is_the_same_picture(
    params: DownloadParams, size: tuple[int, int], orientation: int, stored_size: tuple[int, int]
) -> None:
    """Its size is that of the slow way to the pixel, and its colours are within a few grey levels."""
    image = photo(size)
    exif = Image.Exif()
    exif[0x0112] = orientation
    fast = stored(encoded(image, "JPEG", quality=95, exif=exif), params)
    slow = stored(encoded(image, "PNG", exif=exif), params)
    assert fast.size == slow.size == stored_size
    difference = np.asarray(fast).astype(float) - np.asarray(slow)
    assert np.sqrt((difference**2).mean()) < 4
