"""python -m pipeline.fetch.worker ARGUMENTS

img2dataset in a process of its own, started by `pipeline.fetch.attempt` alone. ARGUMENTS is the JSON object of
`img2dataset.download`'s keyword arguments. The environment says which process it must not outlive and by which
policy it fetches.
"""

from __future__ import annotations

import ctypes
import importlib
import json
import os
import signal
import sys
from typing import Any

from pipeline.fetch.downloader import GuardedDownloader
from pipeline.fetch.opener import install
from pipeline.fetch.policy import Policy

PARENT, POLICY = "PAIRMILL_PARENT", "PAIRMILL_POLICY"
_PR_SET_PDEATHSIG = 1  # <linux/prctl.h>


def die_with_parent() -> None:
    """Have the kernel kill this process when its parent dies (Linux), and make it the parent of those it starts."""
    if sys.platform == "linux":
        if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL) != 0:
            raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed")
        if os.getppid() != int(os.environ[PARENT]):  # it died before the kernel was told
            os._exit(1)
    os.environ[PARENT] = str(os.getpid())


# img2dataset's own processes are spawned and import this module anew as __mp_main__: what must hold in each of them
# has to happen on import. Workers of Ray and Spark do not; they are guarded by what they are given to run.
if __name__ in ("__main__", "__mp_main__"):
    # webdataset imports torch where it finds it; nothing here uses it, and every process would pay for it
    sys.modules["torch"] = None  # type: ignore[assignment]
    die_with_parent()
    install(Policy.from_json(os.environ[POLICY]))

if __name__ == "__main__":
    os.environ |= {  # of the processes to come
        "MALLOC_MMAP_THRESHOLD_": str(2**20),  # glibc: a large body goes back to the system, not to a thread's heap
        "PYSPARK_PYTHON": os.environ.get("PYSPARK_PYTHON", sys.executable),  # else the first python3 of PATH
        "RAY_USAGE_STATS_ENABLED": "0",  # nobody asked Ray to report home
    }
    main: Any = importlib.import_module("img2dataset.main")  # the package's attribute of this name is a function
    main.Downloader = GuardedDownloader.factory(main.Downloader, Policy.from_json(os.environ[POLICY]))
    main.download(**json.loads(sys.argv[1]))
