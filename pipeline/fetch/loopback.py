"""A small HTTP server on 127.0.0.1 through which img2dataset fetches pictures that lie on this machine.

It serves the files behind the addresses it was given and nothing else: no listing, no other path, nothing
outside the corpus folder. Its port is drawn anew each time and stays inside `fetch`.
"""

from __future__ import annotations

import shutil
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote

from pipeline.errors import UsageError

SCHEMES = ("debian:", "folder:")  # both are followed by a path relative to the corpus folder


@dataclass(frozen=True)
class Loopback:
    """A running server: its HOST:PORT, and the http address behind each stable address."""

    address: str = ""
    urls: Mapping[str, str] = field(default_factory=dict)


def is_local(url: str) -> bool:
    """Whether an address names a file of this machine's corpus."""
    return url.startswith(SCHEMES)


@contextmanager
def serving(root: Path, urls: Iterable[str]) -> Iterator[Loopback]:
    """Serve the files under `root` that the local ones among `urls` name, while the block runs.

    A file that does not exist is answered with 404, like a dead link. Raises UsageError when `root` is no
    folder, or when an address leads out of it.
    """
    if not root.is_dir():
        raise UsageError(f"{root} is no folder; run `make assets`, or set corpus.path")
    home = root.resolve()
    paths = {url: f"/{quote(url.partition(':')[2])}" for url in urls if is_local(url)}
    files = {path: _inside(home, url) for url, path in paths.items()}
    with _Server(files) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            address = f"127.0.0.1:{server.server_port}"
            yield Loopback(address, {url: f"http://{address}{path}" for url, path in paths.items()})
        finally:
            server.shutdown()
            thread.join()


def _inside(home: Path, url: str) -> Path:
    """The file that `url` names, with every symbolic link followed."""
    path = Path(home, url.partition(":")[2]).resolve()
    if not path.is_relative_to(home):
        raise UsageError(f"{url} leads out of {home}; only files under corpus.path are served")
    return path


class _Server(ThreadingHTTPServer):
    request_queue_size = 128  # the default of 5 makes a burst of connections wait a second for a second try
    daemon_threads = True
    block_on_close = False  # a client that hangs must not hold the run

    def __init__(self, files: Mapping[str, Path]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files = files

    def handle_error(self, request: object, client_address: object) -> None:
        if not isinstance(sys.exception(), ConnectionError):  # a killed worker drops its connections
            super().handle_error(request, client_address)  # type: ignore[arg-type]


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        path = self.server.files.get(self.path)
        if path is None or not path.is_file():
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        try:
            file = path.open("rb")
        except PermissionError:
            self.send_error(HTTPStatus.FORBIDDEN)
            return
        with file:
            self.send_response(HTTPStatus.OK)
            self.send_header("Content-Length", str(path.stat().st_size))
            self.end_headers()
            shutil.copyfileobj(file, self.wfile)

    def log_message(self, *_: object) -> None:
        """Say nothing: what became of each request is in the table."""
