"""A web server that answers each path in its own bad way, as the servers behind old lists of links do."""

from __future__ import annotations

import socket
import struct
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from typing import Any

from PIL import Image, ImageDraw


def encoded(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    """A picture as the bytes of a file."""
    stream = BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def drawing(size: tuple[int, int] = (96, 64), mode: str = "RGB") -> Image.Image:
    """A picture with an edge, so that a rotation or a cut shows: a dark left half on white."""
    image = Image.new("L", size, 255)
    ImageDraw.Draw(image).rectangle((0, 0, size[0] // 2 - 1, size[1]), fill=20)
    return image.convert(mode)


JPEG = encoded(drawing((320, 200)), "JPEG")


class Server(ThreadingHTTPServer):
    """Counts what it is asked; `answers` maps a path to what is done about it, any other gets a JPEG."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self, answers: dict[str, Callable[[Handler], None]]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers = answers
        self.asked: Counter[str] = Counter()
        self.stopping = threading.Event()

    @property
    def address(self) -> str:
        """The server's IP:PORT."""
        return f"127.0.0.1:{self.server_port}"

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that has gone is no news."""


class Handler(BaseHTTPRequestHandler):
    """One request."""

    server: Server

    def do_GET(self) -> None:
        """Answer as the path says."""
        self.server.asked[self.path] += 1
        self.server.answers.get(self.path, sends(JPEG))(self)

    def log_message(self, *_: object) -> None:
        """Stay silent."""


def sends(body: bytes, missing: int = 0, **headers: str) -> Callable[[Handler], None]:
    """Send `body`, having announced `missing` bytes more."""

    def answer(handler: Handler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(body) + missing))
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def says(status: int) -> Callable[[Handler], None]:
    """Answer with an HTTP error."""
    return lambda handler: handler.send_error(status)


def redirects(target: str) -> Callable[[Handler], None]:
    """Send the client elsewhere."""

    def answer(handler: Handler) -> None:
        handler.send_response(302)
        handler.send_header("Location", target)
        handler.end_headers()

    return answer


def hangs(handler: Handler) -> None:
    """Say nothing for as long as the server lives."""
    handler.server.stopping.wait()


def resets(handler: Handler) -> None:
    """Drop the connection so that the client gets a reset."""
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()


def drips_body(handler: Handler) -> None:
    """Announce a body and send a byte of it ten times a second, for ever."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000000")
    handler.end_headers()
    while not handler.server.stopping.wait(0.1):
        handler.wfile.write(b".")


def drips_headers(handler: Handler) -> None:
    """Send a byte of a header five times a second, for ever: no timeout of a single read ever passes."""
    handler.wfile.write(b"HTTP/1.0 200 OK\r\nX-Slow: ")
    while not handler.server.stopping.wait(0.2):
        handler.wfile.write(b".")


def floods(handler: Handler) -> None:
    """Send a body without end."""
    handler.send_response(200)
    handler.end_headers()
    while not handler.server.stopping.is_set():
        handler.wfile.write(bytes(2**20))


@contextmanager
def serving(answers: dict[str, Callable[[Handler], None]]) -> Iterator[Server]:
    """Run the server while the block runs."""
    with Server(answers) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.stopping.set()
            server.shutdown()
            thread.join()


def closed_port() -> int:
    """A port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])
