"""Labelled captions for the tests of tools that read them."""

from __future__ import annotations

import json
from pathlib import Path

SOUND = "The image shows a cat sitting on a mat. It is about animals and pets."
LIMITS = ["--limit", "language=off"]  # slow, and a matter of its own

Label = tuple[str, str, list[str], bool]
"""Id, text, faults and whether a repair can mend it."""

ROWS: list[Label] = [
    ("sound", SOUND, [], False),
    ("quoted", f"{SOUND} The cat cat cat is old.", [], False),  # called clean, so a false alarm of word_stutter
    ("stutter", f"{SOUND} The cat is is is old.", ["stutter"], True),
    ("short", "A cat.", ["too_short"], False),
    ("cut", f"{SOUND} The cat is sitting in the", ["ending"], True),
    ("cut_and_stutter", f"{SOUND} The cat is is is sitting in the", ["stutter", "ending"], True),
    ("wrong", f"{SOUND} The cat is a dog.", ["repetition"], True),  # which no rule can see
]


def save_labels(path: Path, rows: list[Label] | None = None) -> Path:
    """Write rows as a labelled file."""
    lines = []
    for key, text, faults, repairable in ROWS if rows is None else rows:
        row = {"id": key, "text": text, "verdict": "faulty" if faults else "clean", "faults": faults}
        lines.append(json.dumps({**row, "repairable": repairable, "note": "why"}) + "\n")
    path.write_text("".join(lines), encoding="utf-8")
    return path
