"""python -m tests.pipeline.shard_writer ARGUMENTS...

Real img2dataset, once for each ARGUMENTS: the JSON object of its keyword arguments. Its workers import this module.
"""

from __future__ import annotations

import json
import sys

if __name__ in ("__main__", "__mp_main__"):
    # webdataset imports torch where it finds it; nothing here uses it, and every process would pay for it
    sys.modules["torch"] = None  # type: ignore[assignment]

if __name__ == "__main__":
    import img2dataset

    for arguments in sys.argv[1:]:
        img2dataset.download(**json.loads(arguments))
