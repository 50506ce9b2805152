"""Which instruction a pair is learnt with."""

from __future__ import annotations

from hashlib import sha256

from pipeline.params import EmitParams


def instruction_of(key: str, params: EmitParams) -> str:
    """The instruction that is drawn for a key, whatever other rows there are."""
    draw = int.from_bytes(sha256(f"{params.seed} {key}".encode()).digest())
    return params.instructions[draw % len(params.instructions)]
