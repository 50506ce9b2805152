"""The loopback server: the files it was asked to serve, under their exact addresses, and nothing else."""

from __future__ import annotations

import http.client
from pathlib import Path

import pytest

from pipeline.errors import UsageError
from pipeline.fetch.loopback import Loopback, serving


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """A corpus folder with pictures under awkward names, and a file beside it that nobody may read."""
    root = tmp_path / "corpus"
    for name in ("pkg/usr/share/a.png", "two words?#100%.png", "größe.jpg", "unlisted.png"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(name.encode())
    (tmp_path / "secret").write_bytes(b"secret")
    return root


def ask(loopback: Loopback, path: str) -> tuple[int, bytes]:
    """Status and body of a request for exactly this path."""
    host, _, port = loopback.address.partition(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=5)
    try:
        connection.putrequest("GET", path, skip_host=True)
        connection.endheaders()
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def path_of(loopback: Loopback, url: str) -> str:
    """The path behind a stable address."""
    return loopback.urls[url].removeprefix(f"http://{loopback.address}")


URLS = ["debian:pkg/usr/share/a.png", "folder:two words?#100%.png", "folder:größe.jpg", "folder:gone.png"]


@pytest.mark.parametrize(("url", "body"), [(u, u.partition(":")[2].encode()) for u in URLS[:3]])
def test_serves_the_file_behind_a_local_address(corpus: Path, url: str, body: bytes) -> None:
    """Spaces, question marks and letters beyond ASCII survive the way through an http address."""
    with serving(corpus, [*URLS, "https://example.org/a.png"]) as loopback:
        assert set(loopback.urls) == set(URLS)
        assert ask(loopback, path_of(loopback, url)) == (200, body)


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/pkg/",
        "/pkg/usr/share",
        "/unlisted.png",
        "/gone.png",
        "/../secret",
        "/%2e%2e/secret",
        "/pkg/usr/share/../../../../secret",
        "/pkg/usr/share/../share/a.png",
        "/pkg/usr/share/a.png?",
        "http://127.0.0.1/pkg/usr/share/a.png",
    ],
)
def test_any_other_path_is_not_there(corpus: Path, path: str) -> None:
    """No listing, no file that no row names, nothing outside, no second spelling of an address."""
    with serving(corpus, URLS) as loopback:
        assert ask(loopback, path)[0] == 404


@pytest.mark.parametrize("url", ["folder:../secret", "debian:/etc/passwd", "folder:link", "debian:pkg/../../secret"])
def test_an_address_that_leads_out_of_the_corpus_is_refused(corpus: Path, url: str) -> None:
    """Dots, an absolute path or a symbolic link: the error names the address, and nothing is served."""
    (corpus / "link").symlink_to(corpus.parent / "secret")
    with (
        pytest.raises(UsageError, match=r"leads out of .*corpus; only files under corpus\.path"),
        serving(corpus, [url]),
    ):
        pass


def test_a_link_inside_the_corpus_is_followed(corpus: Path) -> None:
    """Packages share pictures by symbolic links."""
    (corpus / "link.png").symlink_to("pkg/usr/share/a.png")
    with serving(corpus, ["folder:link.png"]) as loopback:
        assert ask(loopback, "/link.png") == (200, b"pkg/usr/share/a.png")


def test_a_missing_corpus_says_how_to_get_it(tmp_path: Path) -> None:
    """A fresh clone has no pictures yet."""
    with (
        pytest.raises(UsageError, match="nowhere is no folder; run `make assets`"),
        serving(tmp_path / "nowhere", URLS),
    ):
        pass
