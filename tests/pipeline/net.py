"""A net of the test's own for the processes it starts: its names, its connections on record, nothing leaves."""

from __future__ import annotations

import json
import os
import shutil
import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.fetch.policy import Policy

Names = dict[str, list[list[str] | str | int]]  # name -> its answers in turn: addresses, an error, seconds to hang


@dataclass(frozen=True)
class Net:
    """What `hermetic/sitecustomize.py` reads and writes, in a folder that exists."""

    folder: Path

    def environment(self, names: Names) -> dict[str, str]:
        """The variables to set; PYTHONPATH is extended."""
        (self.folder / "names.json").write_text(json.dumps(names), encoding="utf-8")
        hermetic = str(Path(__file__).parent / "hermetic")
        path = os.pathsep.join(filter(None, [hermetic, os.environ.get("PYTHONPATH")]))
        return {"PYTHONPATH": path, "PAIRMILL_TEST_NET": str(self.folder)}

    def connections(self) -> set[str]:
        """All that was connected to, or would have been: "IP PORT"."""
        return {line for path in self.folder.glob("seen-*") for line in path.read_text(encoding="utf-8").splitlines()}

    def peaks(self) -> list[float]:
        """The most memory that each process held, MB."""
        return [int(path.read_text(encoding="ascii") or 0) / 1024 for path in self.folder.glob("peak-*")]


@dataclass(frozen=True)
class Certificate:
    """A self-signed certificate and its key in one file; who trusts the file trusts the server."""

    path: Path

    @classmethod
    def make(cls, path: Path, *names: str) -> Certificate:
        """One for these host names."""
        alternatives = ",".join(f"DNS:{name}" for name in names)
        key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", str(path)]
        what = ["-days", "2", "-subj", f"/CN={names[0]}", "-addext", f"subjectAltName={alternatives}"]
        command = ["openssl", "req", "-x509", *key, *what]
        made = subprocess.run(command, capture_output=True, check=True)
        path.write_bytes(path.read_bytes() + made.stdout)
        return cls(path)

    def server_context(self) -> ssl.SSLContext:
        """For a server that shows it."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.path)
        return context


def can_make_certificates() -> bool:
    """Whether this machine has what it takes."""
    return shutil.which("openssl") is not None


def policy(folder: Path, *trusted: str, **update: Any) -> Policy:
    """A policy with little patience and no retry, for an attempt in `folder`."""
    limits: dict[str, Any] = {
        "timeout": 0.5,
        "total_timeout": 1.0,
        "retries": 0,
        "max_redirects": 3,
        "max_bytes": 2**16,
    }
    manners: dict[str, Any] = {
        "user_agent": "pairmill/1.0 (+me@example.org)",
        "own": "",
        "per_host": 4,
        "max_pause": 1.0,
    }
    return Policy(**{"folder": str(folder), "trusted": trusted} | limits | manners | update)
