"""A report, read as a browser would: for the tests of what is on the page."""

from __future__ import annotations

import base64
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

VOID = {"meta", "img", "br", "link", "hr"}


class Page(HTMLParser):
    """A report as a browser takes it: its text, headings, images; complains about tags that don't match."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.html = html
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.cells: list[list[str]] = []
        self.headings: list[str] = []
        self._open: list[str] = []
        self._words: list[str] = []
        self.feed(html)
        self.close()
        assert not self._open, f"left open: {self._open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)
        if tag == "tr":
            self.cells.append([])
        if tag in ("td", "th"):
            self.cells[-1].append("")
        if tag == "h2":
            self.headings.append("")

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" in self._open:
            return
        self._words.append(data)
        if "h2" in self._open:
            self.headings[-1] += data
        if "td" in self._open or "th" in self._open:
            self.cells[-1][-1] += data

    @property
    def text(self) -> str:
        return " ".join(" ".join(self._words).split())

    def row(self, *begins: str) -> list[str]:
        """The one row of a table whose first cells are these."""
        (found,) = [row for row in self.cells if tuple(row[: len(begins)]) == begins]
        return found

    def images(self) -> dict[str, ElementTree.Element]:
        """The drawings by their alternative text; each is parsed, so each is well-formed."""
        found = {}
        for tag, attributes in self.tags:
            if tag == "img":
                kind, _, data = str(attributes["src"]).partition(",")
                assert kind == "data:image/svg+xml;base64"
                found[str(attributes["alt"])] = ElementTree.fromstring(base64.b64decode(data))
        return found


def read_page(path: Path) -> Page:
    return Page(path.read_text(encoding="utf-8"))
