"""A `/v1/chat/completions` server that answers each conversation as its script says, good or bad."""

from __future__ import annotations

import json
import socket
import struct
import threading
import time
from base64 import b64decode
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from typing import Any

from PIL import Image, ImageStat

Reply = Callable[["Handler"], None]


@dataclass(frozen=True)
class Request:
    """What a client sent, and when by the monotonic clock."""

    path: str
    authorization: str | None
    body: dict[str, Any]
    at: float

    @property
    def text(self) -> str:
        """All that was said; a picture counts as its colour in brackets."""
        contents = [message["content"] for message in self.body["messages"]]
        return "\n".join(each if isinstance(each, str) else "".join(map(_words, each)) for each in contents)

    @property
    def picture(self) -> Image.Image:
        """The first picture of a conversation that shows one."""
        return _decode(next(part for part in self.body["messages"][0]["content"] if "image_url" in part))


def _words(part: Mapping[str, Any]) -> str:
    return f"[{colour_of(_decode(part))}] " if part["type"] == "image_url" else str(part["text"])


def _decode(part: Mapping[str, Any]) -> Image.Image:
    head, data = part["image_url"]["url"].split(",")
    assert head == "data:image/jpeg;base64"
    return Image.open(BytesIO(b64decode(data, validate=True)), formats=["JPEG"])


def colour_of(picture: Image.Image) -> str:
    """What a picture is most: red, green or blue."""
    means = ImageStat.Stat(picture).mean
    return ("red", "green", "blue")[means.index(max(means))]


class ChatServer(ThreadingHTTPServer):
    """`script`: the replies to a conversation that holds a word, try by try; the last goes on. Others get `default`."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self, script: Mapping[str, Sequence[Reply]], default: Reply, port: int) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.script = script
        self.default = default
        self.requests: list[Request] = []
        self.lock = threading.Lock()
        self.stopping = threading.Event()

    @property
    def base_url(self) -> str:
        """What `base_url` of a section's `server` is set to."""
        return f"http://127.0.0.1:{self.server_port}/v1"

    def tries(self, word: str) -> list[Request]:
        """The requests whose conversation holds `word`, in order."""
        return [request for request in self.requests if word in request.text]

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that has gone is no news."""


class Handler(BaseHTTPRequestHandler):
    """One request."""

    server: ChatServer
    request_seen: Request

    def do_POST(self) -> None:
        """Note the request and answer as the script says."""
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        seen = Request(self.path, self.headers["Authorization"], body, time.monotonic())
        self.request_seen = seen
        with self.server.lock:
            self.server.requests.append(seen)
            word = next((word for word in self.server.script if word in seen.text), None)
            tries = len(self.server.tries(word)) if word else 1
        replies = self.server.script[word] if word else [self.server.default]
        replies[min(tries, len(replies)) - 1](self)

    def log_message(self, *_: object) -> None:
        """Stay silent."""


def completion(content: object, finish: str | None = "stop", **more: object) -> bytes:
    """The body of a good answer, or of one that is bad in its content alone."""
    choice = {"index": 0, "message": {"role": "assistant", "content": content}, "finish_reason": finish}
    return json.dumps({"object": "chat.completion", "model": "m", "choices": [choice], **more}).encode()


def sends(body: bytes, status: int = 200, **headers: str) -> Reply:
    """Send a body under a status."""

    def reply(handler: Handler) -> None:
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(body)

    return reply


def says(text: str, finish: str | None = "stop") -> Reply:
    """Answer well."""
    return sends(completion(text, finish))


def hangs(handler: Handler) -> None:
    """Say nothing for as long as the server lives."""
    handler.server.stopping.wait()


def drips(handler: Handler) -> None:
    """Announce a body and send a byte of it ten times a second, for ever: no timeout of one read ever passes."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000000")
    handler.end_headers()
    while not handler.server.stopping.wait(0.1):
        handler.wfile.write(b" ")


def floods(handler: Handler) -> None:
    """Send a body without end."""
    handler.send_response(200)
    handler.end_headers()
    while not handler.server.stopping.is_set():
        handler.wfile.write(b" " * 2**20)


def resets(handler: Handler) -> None:
    """Drop the connection so that the client gets a reset."""
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()


def breaks_off(handler: Handler) -> None:
    """Announce more bytes than are sent."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(completion("ok")[:40])


def echoes_headers(handler: Handler) -> None:
    """Fail, and send back what the client sent, as debugging servers do."""
    sends(f"bad request: {handler.headers}".encode(), 400)(handler)


@contextmanager
def serving(script: Mapping[str, Sequence[Reply]], default: Reply | None = None, port: int = 0) -> Iterator[ChatServer]:
    """Run the server while the block runs; what the script does not say gets "ok" unless there is a `default`."""
    with ChatServer(script, default or says("ok"), port) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.stopping.set()
            server.shutdown()
            thread.join()
