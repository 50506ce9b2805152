"""How addresses are asked, as one value that travels to every process of img2dataset."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Policy:
    """What the guarded opener goes by; JSON, so that an environment variable can carry it."""

    folder: str  # of this attempt: what the processes tell each other and us
    trusted: tuple[str, ...]  # "IP:PORT" that may be reached although it is no public address
    own: str  # "IP:PORT" of the corpus's own server, which is asked without pause; "" where there is none
    user_agent: str
    timeout: float  # seconds for one socket operation
    total_timeout: float  # seconds for one address
    retries: int
    max_redirects: int
    max_bytes: int
    per_host: int  # requests under way at once
    max_pause: float  # seconds

    def to_json(self) -> str:
        """One line, for `from_json`."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Policy:
        """What `to_json` wrote."""
        fields = json.loads(text)
        return cls(**fields | {"trusted": tuple(fields["trusted"])})
