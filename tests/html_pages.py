"""HTML pages as tests read them, and what holds of every page that pairmill writes."""

from __future__ import annotations

from html.parser import HTMLParser

EVIL = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'</style>{{ 7 * 7 }}"


class Page(HTMLParser):
    """The tags of a page, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag."""
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        """Note a text."""
        self.words += data


def check_whole(page: Page) -> None:
    """No script, nothing from elsewhere, a policy that says so, and no link that leads nowhere."""
    assert {tag for tag, _ in page.tags} & {"script", "link", "iframe", "object", "form"} == set()
    addresses = [value for _, attrs in page.tags for name, value in attrs.items() if name in {"src", "href"}]
    assert [a for a in addresses if not str(a).startswith(("data:image/", "#"))] == []
    policy = next(attrs["content"] for tag, attrs in page.tags if attrs.get("http-equiv") == "Content-Security-Policy")
    assert str(policy).startswith("default-src 'none'; img-src data:; style-src 'unsafe-inline'")
    ids = {attrs["id"] for _, attrs in page.tags if "id" in attrs}
    assert {str(a)[1:] for a in addresses if str(a).startswith("#")} <= ids
