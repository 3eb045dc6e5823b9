"""What is stored about a run: is it one, its head, its streams."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from daq.errors import RunFileError
from daq.runfile.plain import open_for_reading
from daq.runfile.schema import APPLICATION_ID, RUN_DB, SCHEMA_VERSION
from daq.stream import Column, Stream

_MAGIC = b"SQLite format 3\x00"


def folder_of(path: Path) -> Path:
    """The run's folder, given it or its run.db."""
    path = path.absolute()
    return path.parent if path.name == RUN_DB and not path.is_dir() else path


def check_identity(path: Path) -> None:
    """Raises RunFileError, in one sentence, unless `path` is a run.db of a schema that we read.

    Looks at SQLite's header only (https://www.sqlite.org/fileformat.html, section 1.3), so it works on any file.
    """
    place = str(path)
    try:
        with path.open("rb") as file:
            head = file.read(100)
    except FileNotFoundError:
        raise RunFileError(f"there is no run here (no {RUN_DB})", place=str(path.parent)) from None
    except OSError as error:
        raise RunFileError(f"cannot be read: {error.strerror or error}", place=place) from error
    if not head or (len(head) < 100 and _MAGIC.startswith(head[:16])):
        raise RunFileError("is cut off: the file is too short to be a run", place=place)
    if not head.startswith(_MAGIC) or int.from_bytes(head[68:72], "big") != APPLICATION_ID:
        raise RunFileError("is not a run of cellrig", place=place)
    version = int.from_bytes(head[60:64], "big")
    if version > SCHEMA_VERSION:
        raise RunFileError(
            f"was written by {_writer_of(path)} (schema {version}; this one reads up to {SCHEMA_VERSION}); "
            "open it with that version or a newer one",
            place=place,
        )


@contextmanager
def guarded(place: Path) -> Iterator[None]:
    """Turns SQLite's complaints into ours."""
    try:
        yield
    except sqlite3.OperationalError as error:
        raise RunFileError(
            f"cannot be read: {error}; if the folder is read-only, copy the run to one you may write to",
            place=str(place),
        ) from error
    except (sqlite3.DatabaseError, ValueError) as error:  # ValueError: JSON that isn't
        raise RunFileError(
            f"is damaged: {error}; `cellrig fsck` says what is left, with --salvage it copies that", place=str(place)
        ) from error


def read_run(folder: Path) -> dict[str, Any]:
    """Table `run` of the run in `folder`, also of a live one."""
    with guarded(folder), closing(open_for_reading(folder / RUN_DB)) as connection:
        return head_of(connection)


def head_of(connection: sqlite3.Connection) -> dict[str, Any]:
    return {key: json.loads(value) for key, value in connection.execute("SELECT key, value FROM run")}


def read_streams(connection: sqlite3.Connection) -> list[Stream]:
    """The streams in the order of their names, with their columns in order."""
    columns: dict[str, list[Column]] = {}
    for stream, *column in connection.execute(
        "SELECT stream, name, unit, kind, help FROM stream_column ORDER BY stream, position"
    ):
        if stream is None or None in column:  # these columns are NOT NULL; a torn page holds such rows all the same
            raise ValueError("a stream has a column without a name, unit or kind")
        columns.setdefault(stream, []).append(Column(*column))
    found = connection.execute("SELECT name, help FROM stream ORDER BY name").fetchall()
    return [Stream(name, tuple(columns.get(name, ())), text) for name, text in found]


def _writer_of(path: Path) -> str:
    try:
        return f"cellrig {read_run(path.parent)['versions']['cellrig']}"
    except (RunFileError, KeyError, TypeError):
        return "a newer cellrig"
