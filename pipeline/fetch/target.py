"""Addresses as lists and redirects spell them -> what to connect to and what to ask for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import quote, unquote, urljoin, urlsplit

from pipeline.fetch.failures import FetchError

_PORTS = {"http": 80, "https": 443}
# Left as they are: what RFC 3986 reserves, and "%", since most addresses come escaped. Spaces, controls and letters
# beyond ASCII are escaped as browsers do.
_SAFE = "!#$%&'()*+,/:;=?@[]~"
_HOST = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*\.?|[0-9a-f:.]+")  # a name in ASCII, or an IPv6 address


@dataclass(frozen=True, slots=True)
class Target:
    """One hop on the way to a picture."""

    scheme: str  # http or https
    host: str  # lower case, ASCII; an IPv6 address without brackets
    port: int
    path: str  # with the query, escaped

    @property
    def place(self) -> str:
        """HOST:PORT."""
        return f"{self.host}:{self.port}"

    @property
    def netloc(self) -> str:
        """The host as a Host header names it: the port only where it is not the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        """The whole address; user names and fragments are gone."""
        return f"{self.scheme}://{self.netloc}{self.path}"

    def redirected(self, location: str) -> Target:
        """Where a Location header sends us from here; raises FetchError as `parse_target` does."""
        # http.client reads headers as Latin-1; escaped from it, the bytes are again those that were sent
        place = quote(location.strip(), _SAFE, encoding="latin-1")
        try:
            return parse_target(urljoin(self.url, place), "a redirect to ")
        except ValueError as error:
            raise FetchError("bad_url", f"a redirect to {place!r}: {error}") from error


def parse_target(url: str, how: str = "") -> Target:
    """The target of an address; raises FetchError (blocked_scheme, bad_url), whose reason begins with `how`."""
    try:
        parts = urlsplit(url.strip())
        port, host = parts.port, parts.hostname or ""
    except ValueError as error:
        raise FetchError("bad_url", f"{how}{url!r}: {error}") from error
    if parts.scheme not in _PORTS:
        rule = "blocked_scheme" if parts.scheme else "bad_url"
        raise FetchError(rule, f"{how}{url!r}, which is neither http nor https")
    try:
        query = f"?{parts.query}" if parts.query else ""
        path = quote(f"{parts.path or '/'}{query}", _SAFE)
        return Target(parts.scheme, _ascii(host), _PORTS[parts.scheme] if port is None else port, path)
    except UnicodeError as error:
        raise FetchError("bad_url", f"{how}{url!r}: {error}") from error


@lru_cache(maxsize=4096)
def _ascii(host: str) -> str:
    """A host name as DNS has it; raises UnicodeError for what is none."""
    name = unquote(host, errors="strict").lower()
    if not name.isascii() or len(name) > 63:  # the codec knows the limits of a label, 63 bytes, and of a name
        name = name.encode("idna").decode("ascii")
    if not _HOST.fullmatch(name):
        raise UnicodeError(f"{host!r} is no host name" if host else "it names no host")
    return name
