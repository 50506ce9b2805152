"""python -m pipeline.fetch.worker ARGUMENTS

img2dataset in a process of its own, started by `pipeline.fetch.attempt` alone. ARGUMENTS is the JSON object of
`img2dataset.download`'s keyword arguments. The environment says which process it must not outlive and which
addresses it may reach besides public ones.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
import urllib.request

from pipeline.fetch.opener import guarded_opener

PARENT, TRUSTED = "PAIRMILL_PARENT", "PAIRMILL_TRUSTED"
_PR_SET_PDEATHSIG = 1  # <linux/prctl.h>


def die_with_parent() -> None:
    """Have the kernel kill this process when its parent dies (Linux), and make it the parent of those it starts."""
    if sys.platform == "linux":
        if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL) != 0:
            raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed")
        if os.getppid() != int(os.environ[PARENT]):  # it died before the kernel was told
            os._exit(1)
    os.environ[PARENT] = str(os.getpid())


# img2dataset works in spawned processes, which import this module anew as __mp_main__: what must hold in each of
# them has to happen on import.
if __name__ in ("__main__", "__mp_main__"):
    # webdataset imports torch where it finds it; nothing here uses it, and every process would pay for it
    sys.modules["torch"] = None  # type: ignore[assignment]
    die_with_parent()
    urllib.request.install_opener(guarded_opener(os.environ[TRUSTED].split()))

if __name__ == "__main__":
    import img2dataset

    img2dataset.download(**json.loads(sys.argv[1]))
