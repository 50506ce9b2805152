"""What tells one run from another, so that nobody takes up what another has left."""

from __future__ import annotations

import hashlib
import json


def fingerprint(*facts: object) -> str:
    """16 hex digits of a sha256 over facts (JSON values): equal facts, equal digits, whatever the order of keys."""
    canonical = json.dumps(facts, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(canonical.encode()).hexdigest()[:16]
