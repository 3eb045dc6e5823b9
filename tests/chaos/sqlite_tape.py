"""What SQLite writes and syncs, on tape: a VFS over its own one, which notes each call before it lets it through.

The tape holds `Write`, `Truncate`, `Sync`, `Delete` in the order in which SQLite asked for them, and `Told`: what the
program that writes was told meanwhile. Layout of the two structs: sqlite3.h (`sqlite3_vfs`, `sqlite3_io_methods`).
Works where Python's sqlite3 takes SQLite from a shared library, as on Debian, Windows and macOS.
"""

from __future__ import annotations

import _sqlite3
import ctypes
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ctypes import CFUNCTYPE, POINTER, Structure, byref, c_char_p, c_int, c_int64, c_void_p, cast
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Write:
    file: str
    at: int
    data: bytes


@dataclass(frozen=True)
class Truncate:
    file: str
    size: int


@dataclass(frozen=True)
class Sync:
    file: str


@dataclass(frozen=True)
class Delete:
    """`durable`: the folder is synced as well."""

    file: str
    durable: bool


@dataclass(frozen=True)
class Told:
    """What the writer was promised: so many rows are stored. `closing`: it has begun to write the outcome."""

    rows: int
    closing: bool = False


Entry = Write | Truncate | Sync | Delete | Told
# Paths are passed on as addresses: SQLite keeps them, and looks at what follows their end.
FILE_OPEN = CFUNCTYPE(c_int, c_void_p, c_void_p, c_void_p, c_int, POINTER(c_int))
FILE_DELETE = CFUNCTYPE(c_int, c_void_p, c_void_p, c_int)
FILE_WRITE = CFUNCTYPE(c_int, c_void_p, c_void_p, c_int, c_int64)
FILE_TRUNCATE = CFUNCTYPE(c_int, c_void_p, c_int64)
FILE_SYNC = CFUNCTYPE(c_int, c_void_p, c_int)


class _Vfs(Structure):
    _fields_ = [  # noqa: RUF012  that is how ctypes takes it
        ("version", c_int),
        ("file_bytes", c_int),
        ("longest_path", c_int),
        ("next", c_void_p),
        ("name", c_char_p),
        ("data", c_void_p),
        ("open", c_void_p),
        ("delete", c_void_p),
        ("others", c_void_p * 16),
    ]


class _Methods(Structure):
    _fields_ = [  # noqa: RUF012  that is how ctypes takes it
        ("version", c_int),
        ("close", c_void_p),
        ("read", c_void_p),
        ("write", c_void_p),
        ("truncate", c_void_p),
        ("sync", c_void_p),
        ("others", c_void_p * 13),
    ]


@dataclass
class Tape:
    """Of the files in `folder`, by their names there."""

    folder: Path
    entries: list[Entry] = field(default_factory=list)
    files: dict[int, str] = field(default_factory=dict)  # by the address of SQLite's file
    kept: list[Any] = field(default_factory=list)  # what SQLite has addresses of
    patched: dict[int, _Methods] = field(default_factory=dict)

    def name_of(self, path: int | None) -> str:
        """Empty for what is not in the folder, and for the index of the log, which no power cut leaves behind."""
        name = os.fsdecode(ctypes.string_at(path)) if path else ""
        inside = name.startswith(str(self.folder)) and not name.endswith("-shm")
        return Path(name).name if inside else ""


@contextmanager
def on_tape(folder: Path) -> Iterator[Tape]:
    """While this lasts, what SQLite does to files anywhere below `folder` is noted. Connections end before it does."""
    library = ctypes.CDLL(_sqlite3.__file__)
    library.sqlite3_vfs_find.restype = POINTER(_Vfs)
    tape = Tape(folder)
    own = library.sqlite3_vfs_find(None).contents
    ours = _Vfs.from_buffer_copy(own)
    ours.name = b"on-tape"
    opens = FILE_OPEN(_opener(tape, FILE_OPEN(own.open)))
    deletes = FILE_DELETE(_deleter(tape, FILE_DELETE(own.delete)))
    ours.open, ours.delete = cast(opens, c_void_p), cast(deletes, c_void_p)
    tape.kept += [opens, deletes, ours]
    assert library.sqlite3_vfs_register(byref(ours), 1) == 0
    try:
        yield tape
    finally:
        library.sqlite3_vfs_unregister(byref(ours))


def _opener(tape: Tape, own: Callable[..., int]) -> Callable[..., int]:
    def opens(vfs: int, path: int | None, file: int, flags: int, out: Any) -> int:
        status = own(vfs, path, file, flags, out)
        name = tape.name_of(path)
        if status == 0 and name:
            tape.files[file] = name
            methods = cast(file, POINTER(c_void_p))  # the first member of every file of SQLite
            methods[0] = ctypes.addressof(_methods(tape, methods[0]))
        return status

    return opens


def _deleter(tape: Tape, own: Callable[..., int]) -> Callable[..., int]:
    def deletes(vfs: int, path: int | None, durable: int) -> int:
        if name := tape.name_of(path):
            tape.entries.append(Delete(name, bool(durable)))
        return own(vfs, path, durable)

    return deletes


def _methods(tape: Tape, address: Any) -> _Methods:
    """The methods at `address` with three of them on tape."""
    if address in tape.patched:
        return tape.patched[address]
    methods = _Methods.from_buffer_copy(cast(address, POINTER(_Methods)).contents)
    own_write, own_truncate, own_sync = (
        FILE_WRITE(methods.write),
        FILE_TRUNCATE(methods.truncate),
        FILE_SYNC(methods.sync),
    )

    def writes(file: int, data: int, size: int, at: int) -> int:
        tape.entries.append(Write(tape.files[file], at, ctypes.string_at(data, size)))
        return own_write(file, data, size, at)

    def truncates(file: int, size: int) -> int:
        tape.entries.append(Truncate(tape.files[file], size))
        return own_truncate(file, size)

    def syncs(file: int, flags: int) -> int:
        status = own_sync(file, flags)
        tape.entries.append(Sync(tape.files[file]))
        return status

    ours = (FILE_WRITE(writes), FILE_TRUNCATE(truncates), FILE_SYNC(syncs))
    methods.write, methods.truncate, methods.sync = (cast(one, c_void_p) for one in ours)
    tape.kept += ours
    tape.patched[address] = methods
    return methods
