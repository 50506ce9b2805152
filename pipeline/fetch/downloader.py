"""What img2dataset's distributors carry to their workers, and what a distributor needs to be there."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

from pipeline.errors import UsageError
from pipeline.fetch.opener import install
from pipeline.fetch.policy import Policy

Shard = tuple[int, str]  # its number, and the file with its addresses


class GuardedDownloader:
    """img2dataset's downloader, which fetches nothing before the process it finds itself in is guarded.

    It pickles by the name of this module, so that the workers of multiprocessing, Ray and Spark alike import it, and
    takes the policy along to where no environment of ours reaches.
    """

    def __init__(self, downloader: Callable[[Shard], tuple[bool, Shard]], policy: Policy) -> None:
        self.downloader = downloader
        self.policy = policy

    def __call__(self, row: Shard) -> tuple[bool, Shard]:
        """Fetch a shard; whether that went well, and the shard."""
        install(self.policy)
        return self.downloader(row)

    @classmethod
    def factory(cls, downloader: Callable[..., Any], policy: Policy) -> Callable[..., GuardedDownloader]:
        """What stands in the place of the class `downloader`."""
        return lambda **options: cls(downloader(**options), policy)


def check_distributor(name: str) -> None:
    """Raise UsageError when img2dataset's distributor `name` cannot work here.

    Without its package, img2dataset would end well, having done nothing.
    """
    if name == "multiprocessing":
        return
    if find_spec(name) is None:
        raise UsageError(f'download.distributor: {name} is not installed; run pip install "pairmill[{name}]"')
    if name == "pyspark" and "JAVA_HOME" not in os.environ and shutil.which("java") is None:
        raise UsageError("download.distributor: pyspark needs Java; install a JRE, or set JAVA_HOME to one")
