"""An X server without a screen (Xvfb), and what can be seen of the windows on it, by libX11. Linux only.

Functions and structures are those of https://www.x.org/releases/current/doc/libX11/libX11/libX11.html; the picture is
the server's own frame buffer, in the form that https://www.x.org/releases/current/doc/man/man1/xwd.1.xhtml describes.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from ctypes import POINTER, byref, c_char_p, c_int, c_long, c_uint, c_ulong, c_void_p
from dataclasses import dataclass
from pathlib import Path

import numpy as np

MISSING = (
    "Xvfb is not installed, so nothing can be tried on a real X server: as root, sh scripts/system-packages screen"
)
VIEWABLE = 2
CLIENT_MESSAGE = 33


class _Attributes(ctypes.Structure):
    _fields_ = [  # noqa: RUF012  as ctypes wants it
        *((name, c_int) for name in ("x", "y", "width", "height", "border", "depth")),
        ("visual", c_void_p),
        ("root", c_ulong),
        *((name, c_int) for name in ("kind", "bit_gravity", "win_gravity", "backing_store")),
        ("backing_planes", c_ulong),
        ("backing_pixel", c_ulong),
        ("save_under", c_int),
        ("colormap", c_ulong),
        ("map_installed", c_int),
        ("map_state", c_int),
        ("rest", c_long * 8),
    ]


class _ClientMessage(ctypes.Structure):
    _fields_ = [  # noqa: RUF012  as ctypes wants it
        ("type", c_int),
        ("serial", c_ulong),
        ("send_event", c_int),
        ("display", c_void_p),
        ("window", c_ulong),
        ("message_type", c_ulong),
        ("format", c_int),
        ("data", c_long * 5),
        ("rest", c_long * 12),
    ]


@dataclass(frozen=True)
class XWindow:
    number: int
    name: str
    width: int
    height: int


class XServer:
    def __init__(self, display: str, frame: Path) -> None:
        self.display = display
        self._frame = frame
        self._x = ctypes.CDLL("libX11.so.6")
        self._x.XOpenDisplay.restype = c_void_p
        self._x.XDefaultRootWindow.restype = self._x.XInternAtom.restype = c_ulong
        opened = self._x.XOpenDisplay(display.encode())
        assert opened, f"{display} does not answer"
        self._connection = c_void_p(opened)

    def windows(self) -> list[XWindow]:
        """Those that are mapped and can be seen."""
        root = self._x.XDefaultRootWindow(self._connection)
        above, parent, children, count = c_ulong(), c_ulong(), POINTER(c_ulong)(), c_uint()
        self._x.XQueryTree(self._connection, c_ulong(root), byref(above), byref(parent), byref(children), byref(count))
        found = []
        for place in range(count.value):
            number, told, name = children[place], _Attributes(), c_char_p()
            self._x.XGetWindowAttributes(self._connection, c_ulong(number), byref(told))
            self._x.XFetchName(self._connection, c_ulong(number), byref(name))
            if told.map_state == VIEWABLE:
                found.append(XWindow(number, (name.value or b"").decode(), told.width, told.height))
        return found

    def picture(self) -> np.ndarray:
        """Rows, columns, and red, green, blue of what the screen shows."""
        raw = self._frame.read_bytes()
        head = np.frombuffer(raw, ">u4", 25)
        width, height, line, colours = int(head[4]), int(head[5]), int(head[12]), int(head[19])
        pixels = np.frombuffer(raw, np.uint8, line * height, int(head[0]) + 12 * colours)
        return pixels.reshape(height, line // 4, 4)[:, :width, 2::-1].astype(int)

    def ask_to_close(self, window: XWindow) -> None:
        """As a window manager does it for the cross in the corner."""
        protocols, delete = (
            self._x.XInternAtom(self._connection, name, 0) for name in (b"WM_PROTOCOLS", b"WM_DELETE_WINDOW")
        )
        event = _ClientMessage(type=CLIENT_MESSAGE, window=window.number, message_type=protocols, format=32)
        event.data[0] = delete
        self._x.XSendEvent(self._connection, c_ulong(window.number), 0, c_long(0), byref(event))
        self._x.XFlush(self._connection)

    def close(self) -> None:
        self._x.XCloseDisplay(self._connection)


@contextmanager
def x_server(folder: Path, width: int, height: int) -> Iterator[XServer]:
    """With a display number that the server finds itself."""
    program = shutil.which("Xvfb")
    assert program is not None, MISSING
    reads, writes = os.pipe()
    words = [program, "-displayfd", str(writes), "-screen", "0", f"{width}x{height}x24", "-dpi", "96"]
    words += ["-nolisten", "tcp", "-fbdir", str(folder)]
    server = subprocess.Popen(words, pass_fds=(writes,), stderr=subprocess.DEVNULL)
    os.close(writes)
    try:
        with os.fdopen(reads) as told:
            number = told.readline().strip()
        assert number, "Xvfb did not start"
        screen = XServer(f":{number}", folder / "Xvfb_screen0")
        try:
            yield screen
        finally:
            screen.close()
    finally:
        server.terminate()
        server.wait(10)
