"""Marks of the chat template inside a description."""

import re

from filters.english import excerpt
from pipeline.schema import Measurement, Passage, Rule

# A combining mark belongs to the letter before it, though Python does not count it among \w.
ROLE_MARKER = re.compile(
    r"#{2,}\s*(?:(?:Human|Assistant|User|System|Instruction|Response)\b\s*:?)?"
    r"|(?<![\w\u0300-\u036f\"“'‘’\-])(?:Human|Assistant|USER|User|ASSISTANT|SYSTEM|System)\s*:"
    r"|</?\s*(?:Img|Image|ImageFeature|ImageHere|s|unk|pad|bos|eos|eot)\s*>"
    r"|(?<![\w\u0300-\u036f'’\-])(?:ImageFeature|ImageHere)\b"
    r"|<\|[^|>\n]{0,40}\|?>?|\[/?INST\]|<</?SYS>>"
)


def measure(passage: Passage) -> Measurement:
    """Number of template marks."""
    matches = list(ROLE_MARKER.finditer(passage.text))
    return Measurement(float(len(matches)), excerpt(passage.text, *matches[0].span()) if matches else "")


RULE = Rule(
    name="role_leakage",
    why="A template mark in the answer means that the model went on to play the user, and would learn to.",
    source="separators of Vicuna v0, Llama 2 and ChatML, and MiniGPT-4's image tags",
    measure=measure,
    fails="above",
    limit=0.0,
)
