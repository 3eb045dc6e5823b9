"""A page in headless Chromium, worked over its debugging protocol: opened, looked at, clicked, photographed.

The protocol is that of https://chromedevtools.github.io/devtools-protocol/ (domains Page, Runtime, Input, Emulation).
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import httpx
from host_bench import until
from websockets.sync.client import ClientConnection, connect

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
FLAGS = (
    "--headless=new",
    "--remote-debugging-port=0",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--hide-scrollbars",
    "--force-color-profile=srgb",
)


def find_browser() -> str | None:
    """Chromium, or what is built from it; None when there is none (scripts/system-packages browser installs it)."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


class Page:
    """One page. Every call waits for its answer; raises AssertionError when the page does not do what is asked."""

    def __init__(self, line: ClientConnection) -> None:
        self._line = line
        self._numbers = count(1)
        self.ask("Page.enable")

    def ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        number = next(self._numbers)
        self._line.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while True:
            told = json.loads(self._line.recv(timeout=30))
            if told.get("id") == number:
                assert "error" not in told, told
                return told["result"]

    def size(self, width: int, height: int) -> None:
        """In CSS pixels; narrow ones as a phone has them."""
        self.ask(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )
        light = [{"name": "prefers-color-scheme", "value": "light"}]
        self.ask("Emulation.setEmulatedMedia", features=light)

    def open(self, address: str) -> None:
        self.ask("Page.navigate", url=address)
        until(lambda: self.value("document.readyState") == "complete", 20, f"{address} does not load")

    def value(self, script: str) -> Any:
        """What an expression in the page is, as JSON."""
        told = self.ask("Runtime.evaluate", expression=script, returnByValue=True)
        assert "exceptionDetails" not in told, told
        return told["result"].get("value")

    def text(self, element: str) -> str:
        return str(self.value(f"document.getElementById({element!r}).innerText"))

    def press(self, element: str) -> None:
        """The left button of the mouse on the middle of an element, where a person would see it."""
        box = self.value(
            f"(({{left, top, width, height}}) => [left + width / 2, top + height / 2])"
            f"(document.getElementById({element!r}).getBoundingClientRect())"
        )
        where = {"x": box[0], "y": box[1], "button": "left", "clickCount": 1}
        self.ask("Input.dispatchMouseEvent", type="mousePressed", **where)
        self.ask("Input.dispatchMouseEvent", type="mouseReleased", **where)

    def picture(self, path: Path) -> None:
        """What is in the window, as PNG."""
        path.write_bytes(base64.b64decode(self.ask("Page.captureScreenshot", format="png")["data"]))


@contextmanager
def headless_page(browser: str) -> Iterator[Page]:
    """A page of a browser of its own, in a profile of its own."""
    with tempfile.TemporaryDirectory(prefix="cellrig-browser-", ignore_cleanup_errors=True) as profile:
        # a browser refuses its sandbox to root, as whom containers run; it opens nothing but our own page here
        root = ("--no-sandbox",) if hasattr(os, "geteuid") and os.geteuid() == 0 else ()
        words = [browser, *FLAGS, *root, f"--user-data-dir={profile}", "about:blank"]
        with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            try:
                told = Path(profile) / "DevToolsActivePort"
                until(lambda: told.exists() and len(told.read_text(encoding="utf-8").split()) > 1, 40, "no browser")
                port = told.read_text(encoding="utf-8").split()[0]
                pages = httpx.get(f"http://127.0.0.1:{port}/json/list").json()
                address = next(one["webSocketDebuggerUrl"] for one in pages if one["type"] == "page")
                with connect(address, max_size=None) as line:
                    yield Page(line)
            finally:
                process.terminate()
                process.wait(timeout=20)
