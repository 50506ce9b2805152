"""By what two copies of a picture are told: its structure as a perceptual hash, and its colours."""

from __future__ import annotations

import imagehash
from PIL import Image

LAYOUT_CELLS = 4  # in a row, and in a column


def perceptual_hash(image: Image.Image) -> str:
    """16 hex digits, 64 bits, of which nearly equal pictures share all but a few.

    The picture in grey at 32 x 32 pixels; of its discrete cosine transform the 8 x 8 lowest frequencies, a bit for
    each that is above their median (Zauner 2010, "Implementation and Benchmarking of Perceptual Image Hash Functions";
    as imagehash computes it, the constant term included). It is blind to colours, and what it says of stripes or an
    empty page is noise.
    """
    return str(imagehash.phash(image))


def color_layout(image: Image.Image) -> str:
    """96 hex digits: the mean red, green and blue of 4 x 4 cells of an RGB picture, row by row, 2 digits each.

    The grid behind MPEG-7's color layout descriptor (Manjunath et al. 2001, "Color and Texture Descriptors").
    """
    return image.resize((LAYOUT_CELLS, LAYOUT_CELLS), Image.Resampling.BOX).tobytes().hex()
