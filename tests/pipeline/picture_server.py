"""Many good pictures, no two alike, and some that are not there: what a list of links looks like to a test."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache

import numpy as np
import pyarrow as pa
from PIL import Image

from pipeline.order import key_of
from pipeline.schema import CANDIDATE
from tests.pipeline.misbehaving import Handler, encoded, resets, says, sends


@cache
def picture(number: int, kind: str = "JPEG") -> bytes:
    """A small picture that no perceptual hash takes for another."""
    noise = np.random.default_rng(number).integers(0, 255, (6, 8, 3), dtype=np.uint8)
    return encoded(Image.fromarray(noise).resize((64, 48), Image.Resampling.BICUBIC), kind)


def answers(count: int, dead: Iterable[int] = ()) -> dict[str, Callable[[Handler], None]]:
    """Paths /0 to /(count - 1), each a picture; the dead ones fail in three ways."""
    ways = [says(404), resets, sends(b"<html>gone</html>")]
    gone = set(dead)
    return {f"/{n}": ways[n % len(ways)] if n in gone else sends(picture(n)) for n in range(count)}


def candidates(urls: Iterable[str]) -> pa.Table:
    """A sample of these addresses, in this order."""
    rows = [{"key": key_of(url), "url": url, "caption": "a", "keywords": ["k"], "source": "s"} for url in urls]
    return pa.Table.from_pylist(rows, schema=CANDIDATE)
