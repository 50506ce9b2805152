"""On PYTHONPATH of the processes under test: a net of the test's own, in place before anything else is imported.

Names resolve through the table in names.json, connections to other machines are written down and fail, and the peak
of each process's memory is on record. `tests.pipeline.net` sets it up and reads what it wrote.
"""

from __future__ import annotations

import errno
import json
import os
import socket
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

if "PAIRMILL_TEST_NET" in os.environ:
    FOLDER = Path(os.environ["PAIRMILL_TEST_NET"])
    NAMES = json.loads((FOLDER / "names.json").read_text(encoding="utf-8"))
    ASKED: Counter[str] = Counter()
    LOCK = threading.Lock()
    resolve = socket.getaddrinfo
    reach = socket.socket.connect

    def getaddrinfo(host: Any, port: Any, *args: Any, **kwargs: Any) -> list[Any]:
        """The next answer of the table; any other name of .test is 127.0.0.1, and nothing else exists."""
        kwargs["flags"] = kwargs.get("flags", 0) | socket.AI_NUMERICHOST  # no real look-up, ever
        with LOCK:
            answers = NAMES.get(host, [["127.0.0.1"]] if str(host).endswith(".test") else [[host]])
            answer = answers[min(ASKED[host], len(answers) - 1)]
            ASKED[host] += 1
        if isinstance(answer, str):
            raise socket.gaierror(getattr(socket, answer), f"{answer} by the table")
        if isinstance(answer, int):
            time.sleep(answer)
            return []
        return [info for address in answer for info in resolve(address, port, *args, **kwargs)]

    def connect(self: socket.socket, address: Any) -> None:
        """To this machine, or not at all."""
        if self.family in (socket.AF_INET, socket.AF_INET6):
            with (FOLDER / f"seen-{os.getpid()}").open("a", encoding="utf-8") as seen:
                seen.write(f"{address[0]} {address[1]}\n")
            if address[0] not in ("127.0.0.1", "::1"):
                raise OSError(errno.ENETUNREACH, "Network is unreachable")
        reach(self, address)

    def watch() -> None:
        """Write down the peak of this process's memory, over and over."""
        while True:
            status = Path("/proc/self/status").read_text(encoding="ascii")
            peak = next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))
            (FOLDER / f"peak-{os.getpid()}").write_text(peak, encoding="ascii")
            time.sleep(0.05)

    socket.getaddrinfo = getaddrinfo
    socket.socket.connect = connect  # type: ignore[assignment,method-assign]
    if Path("/proc/self/status").exists():
        threading.Thread(target=watch, daemon=True).start()
