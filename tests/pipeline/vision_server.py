"""A server of vision chat completions in a process of its own, which says what colour and size a picture is.

    python -m tests.pipeline.vision_server '{"[red]": ["out_of_memory", "looks"]}' 8000

The arguments are its script (the replies, by name, to conversations that hold a word) and its port. It prints its address, and a
line of JSON for every request.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.pipeline.chat_server import Handler, Reply, colour_of, completion, hangs, resets, sends, serving

ROOT = Path(__file__).resolve().parents[2]


def looks(handler: Handler) -> None:
    """Describe the picture; in a further turn go on about it."""
    picture, turns = handler.request_seen.picture, handler.request_seen.body["messages"]
    roles = [turn["role"] for turn in turns]
    if roles not in (["user"], ["user", "assistant", "user"]):
        sends(f"no conversation: {roles}".encode(), 400)(handler)
        return
    colour = colour_of(picture)
    first = f"A {colour} picture of {picture.width} by {picture.height} pixels."
    text = first if len(turns) == 1 else f"It is {colour} all over."
    sends(completion(text, usage={"completion_tokens": len(text.split())}))(handler)


REPLIES: Mapping[str, Reply] = {
    "looks": looks,
    "hangs": hangs,
    "resets": resets,
    "dies": lambda _: os._exit(1),
    "out_of_memory": sends(b"out of memory", 500),
    "no_picture": sends(b'{"error": "this model reads no pictures"}', 400),
    "wrong_key": sends(b"", 401),
    "null": sends(completion(None)),
    "html": sends(b"<html>Welcome to nginx!</html>"),
}


@dataclass
class VisionServer:
    """A running server, and the requests that it has reported so far."""

    process: subprocess.Popen[str]
    base_url: str
    requests: list[dict[str, Any]] = field(default_factory=list)

    def kill(self) -> None:
        """End it at once, as a crash would."""
        self.process.kill()
        self.process.wait()


@contextmanager
def serving_pictures(script: Mapping[str, Sequence[str]] | None = None, port: int = 0) -> Iterator[VisionServer]:
    """Run the server while the block runs, at any free port unless told; afterwards its `requests` are whole."""
    command = [sys.executable, "-m", "tests.pipeline.vision_server", json.dumps(script or {}), str(port)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        server = VisionServer(process, process.stdout.readline().strip())
        reports = process.stdout

        def listen() -> None:
            server.requests += map(json.loads, reports)

        listener = threading.Thread(target=listen)
        listener.start()
        try:
            yield server
        finally:
            server.kill()
            listener.join()


def main() -> None:
    """Serve until killed."""
    script = {word: [_reported(REPLIES[name]) for name in names] for word, names in json.loads(sys.argv[1]).items()}
    with serving(script, _reported(looks), int(sys.argv[2])) as server:
        print(server.base_url, flush=True)
        threading.Event().wait()


def _reported(reply: Reply) -> Reply:
    def report(handler: Handler) -> None:
        seen = handler.request_seen
        line = json.dumps({"text": seen.text, "size": seen.picture.size, **seen.body})
        with handler.server.lock:  # before the answer, and whole
            print(line, flush=True)
        reply(handler)

    return report


if __name__ == "__main__":
    main()
