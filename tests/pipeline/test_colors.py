"""Pictures' colours are called what people call them."""

from __future__ import annotations

import pytest
from PIL import Image, ImageDraw

from pipeline.colors import main_colors

WHITE = (255, 255, 255)


def stripes(*colors: tuple[tuple[int, int, int], int]) -> Image.Image:
    """A picture of 256 x 256 pixels with stripes, each of a colour and a width in percent; the rest is white."""
    picture = Image.new("RGB", (256, 256), WHITE)
    draw, left = ImageDraw.Draw(picture), 0.0
    for color, percent in colors:
        draw.rectangle((round(left), 0, round(left + 2.56 * percent) - 1, 255), fill=color)
        left += 2.56 * percent
    return picture


@pytest.mark.parametrize(
    ("color", "name"),
    [
        ((255, 0, 0), "red"),
        ((255, 0, 40), "red"),
        ((255, 140, 0), "orange"),
        ((255, 255, 0), "yellow"),
        ((0, 160, 0), "green"),
        ((0, 200, 130), "green"),
        ((0, 0, 255), "blue"),
        ((135, 206, 235), "blue"),
        ((128, 0, 200), "purple"),
        ((255, 105, 180), "pink"),
        ((139, 69, 19), "brown"),
        ((90, 50, 45), "brown"),
        ((128, 128, 128), "gray"),
        ((140, 128, 130), "gray"),
        ((0, 0, 0), "black"),
        ((40, 0, 0), "black"),
        (WHITE, "white"),
        ((245, 245, 235), "white"),
    ],
    ids=str,
)
def test_a_solid_colour_has_its_name(color: tuple[int, int, int], name: str) -> None:
    """Hue where it is saturated, brightness where it is not; dark orange and dull dark red are brown."""
    assert main_colors(Image.new("RGB", (100, 40), color)) == [name]


@pytest.mark.parametrize(
    ("picture", "names"),
    [
        (stripes(((255, 0, 0), 20)), ["red"]),
        (stripes(((255, 0, 0), 20), ((0, 0, 255), 40)), ["blue", "red"]),
        (stripes(((255, 0, 0), 45), ((0, 0, 255), 5)), ["red", "blue"]),
        (stripes(((255, 0, 0), 95), ((0, 0, 255), 5)), ["red"]),
        (stripes(((255, 0, 0), 40), ((0, 0, 255), 30), ((0, 160, 0), 20), ((0, 0, 0), 10)), ["red", "blue", "green"]),
        (stripes(((255, 0, 0), 1)), ["white"]),
        (stripes(), ["white"]),
        (stripes(((128, 128, 128), 30)), ["gray"]),
    ],
    ids=["on white", "by share", "share without white", "too little", "three", "a speck", "all white", "gray on white"],
)
def test_colours_count_by_their_share(picture: Image.Image, names: list[str]) -> None:
    """At most three, the most frequent first, none below 8 % of what is not white; white only where it is alone."""
    assert main_colors(picture) == names
