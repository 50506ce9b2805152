"""A web server that answers each path in its own bad way, as the servers behind old lists of links do."""

from __future__ import annotations

import random
import socket
import ssl
import struct
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.message import Message
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


def photo(seed: int, size: tuple[int, int] = (320, 200)) -> Image.Image:
    """A picture that resembles no other seed's: soft random blotches."""
    image = Image.frombytes("L", (8, 8), random.Random(seed).randbytes(64))
    return image.resize(size, Image.Resampling.BICUBIC).convert("RGB")


JPEG = encoded(drawing((320, 200)), "JPEG")


class Server(ThreadingHTTPServer):
    """Counts what it is asked; `answers` maps a path to what is done about it, any other gets a JPEG."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self, answers: dict[str, Answer], port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.answers = answers
        self.asked: Counter[str] = Counter()
        self.heads: dict[str, Message] = {}  # of the last request for each path
        self.places = {"server": self.address}  # that a redirect may name
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
        self.server.heads[self.path] = self.headers
        self.server.answers.get(self.path, sends(JPEG))(self)

    def log_message(self, *_: object) -> None:
        """Stay silent."""


Answer = Callable[[Handler], None]


def sends(body: bytes, missing: int = 0, **headers: str) -> Answer:
    """Send `body`, having announced `missing` bytes more."""

    def answer(handler: Handler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(body) + missing))
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def says(status: int, **headers: str) -> Answer:
    """Answer with a status and no picture."""

    def answer(handler: Handler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()

    return answer


def redirects(target: str) -> Answer:
    """Send the client elsewhere; `target` may hold names of `places` in braces."""

    def answer(handler: Handler) -> None:
        handler.send_response(302)
        handler.send_header("Location", target.format_map(handler.server.places))
        handler.end_headers()

    return answer


def writes(*pieces: bytes) -> Answer:
    """Send these very bytes, head and all."""
    return lambda handler: handler.wfile.writelines(pieces)


def keeps_sending(first: bytes, piece: bytes, every: float = 0.0) -> Answer:
    """Send `first`, then a piece `every` so many seconds for as long as the server lives."""

    def answer(handler: Handler) -> None:
        handler.wfile.write(first)
        while not handler.server.stopping.wait(every):
            handler.wfile.write(piece)

    return answer


def in_turn(*answers: Answer) -> Answer:
    """Answer each request for a path in the next way; the last one stays."""
    return lambda handler: answers[min(handler.server.asked[handler.path], len(answers)) - 1](handler)


def chunked(*pieces: bytes, end: bytes = b"0\r\n\r\n") -> bytes:
    """A whole answer in chunks, and what comes after the last one."""
    body = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)
    return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + body + end


def after(seconds: float, answer: Answer) -> Answer:
    """Take some time first."""

    def late(handler: Handler) -> None:
        handler.server.stopping.wait(seconds)
        answer(handler)

    return late


def hangs(handler: Handler) -> None:
    """Say nothing for as long as the server lives."""
    handler.server.stopping.wait()


def resets(handler: Handler) -> None:
    """Drop the connection so that the client gets a reset."""
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()


def resets_in_body(handler: Handler) -> None:
    """Send the beginning of a picture, then drop the connection as soon as it has arrived."""
    sends(JPEG[:500], missing=500)(handler)
    handler.server.stopping.wait(0.1)
    resets(handler)


OK = b"HTTP/1.0 200 OK\r\n"
drips_body = keeps_sending(OK + b"Content-Length: 1000000\r\n\r\n", b".", every=0.1)
drips_headers = keeps_sending(OK + b"X-Slow: ", b".", every=0.2)  # no timeout of a single read ever passes
floods = keeps_sending(OK + b"\r\n", bytes(2**20))


@contextmanager
def serving(answers: dict[str, Answer], tls: ssl.SSLContext | None = None, port: int = 0) -> Iterator[Server]:
    """Run the server while the block runs, at a free port or at this one."""
    with Server(answers, port) as server:
        if tls is not None:  # the handshake is left to the thread of the request
            server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
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
