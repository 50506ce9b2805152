"""A `/v1/chat/completions` server that answers each user message as its script says, good or bad."""

from __future__ import annotations

import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

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
        """The last message."""
        return str(self.body["messages"][-1]["content"])


class ChatServer(ThreadingHTTPServer):
    """`script`: the replies to a message that holds a word, try by try; the last one goes on. Others get "ok"."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self, script: Mapping[str, Sequence[Reply]]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.script = script
        self.requests: list[Request] = []
        self.lock = threading.Lock()
        self.stopping = threading.Event()

    @property
    def base_url(self) -> str:
        """What `base_url` of a section's `server` is set to."""
        return f"http://127.0.0.1:{self.server_port}/v1"

    def tries(self, word: str) -> list[Request]:
        """The requests whose message holds `word`, in order."""
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
        replies = self.server.script[word] if word else [says("ok")]
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
def serving(script: Mapping[str, Sequence[Reply]]) -> Iterator[ChatServer]:
    """Run the server while the block runs."""
    with ChatServer(script) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.stopping.set()
            server.shutdown()
            thread.join()
