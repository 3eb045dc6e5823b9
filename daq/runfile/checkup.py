"""Is a run file whole? Everything that can be told of it without having been there; nothing is written.

SQLite's own check sees a broken structure. Beyond it, a run has promises: nothing is ever deleted, so ids have no gaps;
attempts are numbered and end; a finished run has done all its steps; a row belongs to a step of the plan.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from daq.runfile import owner
from daq.runfile.folder import RESERVE
from daq.runfile.log_check import read_log
from daq.runfile.lost_lock import is_written
from daq.runfile.plain import open_for_reading
from daq.runfile.schema import OWN_TABLES, RUN_DB, SQL_TYPES, quoted
from daq.runfile.stored import check_identity, guarded, read_streams
from daq.stream import Stream

HEAD_KEYS = ("id", "procedure", "sample", "parameters", "bench", "plan", "versions", "started", "outcome", "reason")
SALVAGE = "copy what can be read with `cellrig fsck RUN --salvage NEWFOLDER`; keep this folder"
LONGEST_S = 1e10  # three hundred years; a flipped bit in an exponent lands beyond it
_MOST = 20


@dataclass(frozen=True)
class Finding:
    """One sentence about a run file, and what to do. `damage`: something is lost or wrong; `note`: nothing is."""

    kind: Literal["damage", "note"]
    what: str
    do: str = ""


def first_damage(connection: sqlite3.Connection) -> str:
    """What SQLite finds broken first in the structure of the file; empty when it is whole. Reads the whole file."""
    try:
        (first,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.DatabaseError as error:
        return str(error)
    return "" if first == "ok" else " ".join(str(first).split())


def check_up(folder: Path) -> list[Finding]:
    """All that is to be said about the run in `folder`, the gravest first; empty for a whole run that has ended.

    Raises RunFileError when this is no run at all, or one that can't be opened.
    """
    check_identity(folder / RUN_DB)
    live = is_written(folder)
    found = [*_log(folder, live)]
    with guarded(folder), closing(open_for_reading(folder / RUN_DB)) as connection:
        connection.execute("PRAGMA cell_size_check = ON")
        found += [*_structure(connection), *_contents(connection, live)]
        found += _leftovers(folder, connection, live)
    return sorted(found, key=lambda one: one.kind != "damage")


def _log(folder: Path, live: bool) -> Iterator[Finding]:
    if live:  # it is being written: a frame that is half there is whole in a moment
        return
    state = read_log(folder / f"{RUN_DB}-wal")
    if state is None:
        return
    if state.foreign:
        yield Finding("damage", f"{RUN_DB}-wal, the newest rows, can't be read: it is no log of this file", SALVAGE)
    elif state.unreadable > 1:
        yield Finding(
            "damage",
            f"{RUN_DB}-wal breaks off: {state.unreadable} pages of the newest rows are damaged, or follow one",
            SALVAGE,
        )
    elif state.committed:
        yield Finding(
            "note",
            f"the newest rows are in {RUN_DB}-wal ({state.committed} pages, all whole)",
            "never delete it; `cellrig show` brings them into the file",
        )


def _structure(connection: sqlite3.Connection) -> Iterator[Finding]:
    try:
        lines = [str(line) for (line,) in connection.execute(f"PRAGMA integrity_check({_MOST})")]
    except sqlite3.DatabaseError as error:
        lines = [str(error)]
    if lines != ["ok"]:
        more = f" (and {len(lines) - 1} more)" if len(lines) > 1 else ""
        first = " ".join(lines[0].split())
        yield Finding("damage", f"the file's structure is broken: SQLite says {first!r}{more}", SALVAGE)


def _contents(connection: sqlite3.Connection, live: bool) -> list[Finding]:
    """What our own tables promise. A table that can't be read is told as such, and the others are still looked at."""
    found: list[Finding] = []
    try:
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        missing = sorted(OWN_TABLES - tables)
        found += [Finding("damage", f"the table {name} is missing", SALVAGE) for name in missing]
        if missing:
            return found
        streams = read_streams(connection)
    except (sqlite3.DatabaseError, TypeError) as error:
        return [*found, Finding("damage", f"which tables the run has can't be read: {error}", SALVAGE)]
    head = _head(connection, found)
    for check in (_steps, _sequences):
        try:
            found += check(connection, head, live)
        except sqlite3.DatabaseError as error:
            found.append(Finding("damage", f"steps or log can't be read to their end: {error}", SALVAGE))
    counts: dict[str, Any] = head.get("rows") or {}
    for stream in streams:
        try:
            found += _rows(connection, stream, counts.get(stream.name), head.get("outcome") == "running")
        except sqlite3.DatabaseError as error:
            found.append(Finding("damage", f"the rows of {stream.name} can't be read to their end: {error}", SALVAGE))
    if "salvaged" in head:  # what it lacks is known, and nothing is to be done about it
        return [Finding("note", "the run was salvaged from a damaged one; what it lacks is told here")] + [
            replace(one, kind="note", do="") for one in found
        ]
    return found


def _head(connection: sqlite3.Connection, found: list[Finding]) -> dict[str, Any]:
    head: dict[str, Any] = {}
    try:
        for key, value in connection.execute("SELECT key, value FROM run"):
            try:
                head[key] = json.loads(value)
            except (TypeError, ValueError):
                found.append(Finding("damage", f"what the run says of its {key} is not readable", SALVAGE))
                head[key] = None
    except sqlite3.DatabaseError as error:
        found.append(Finding("damage", f"the head of the run can't be read to its end: {error}", SALVAGE))
    found += [Finding("damage", f"the run does not say its {key}", SALVAGE) for key in HEAD_KEYS if key not in head]
    return head


def _steps(connection: sqlite3.Connection, head: dict[str, Any], live: bool) -> Iterator[Finding]:
    """The journal: attempts 1, 2, … of each step; none left open or out where the run says that it is finished."""
    for key, count, last in connection.execute(
        "SELECT key, count(attempt), max(attempt) FROM step JOIN attempt ON step = number GROUP BY number"
    ):
        if count != last:
            yield Finding("damage", f"of {last} attempts at step {key} only {count} are in the journal", SALVAGE)
    lost = connection.execute("SELECT count(*) FROM attempt WHERE step NOT IN (SELECT number FROM step)").fetchone()[0]
    if lost:
        yield Finding("damage", f"{lost} attempts belong to no step of the plan", SALVAGE)
    outcome = head.get("outcome")
    if outcome in ("finished", "stopped", "failed"):
        for (key,) in connection.execute("SELECT key FROM attempt JOIN step ON step = number WHERE state = 'running'"):
            yield Finding("damage", f"the run says {outcome}, but step {key} is still running in it", SALVAGE)
    if outcome == "finished":
        for (key,) in connection.execute(
            "SELECT key FROM step WHERE number NOT IN (SELECT step FROM attempt WHERE state IN ('finished', 'skipped'))"
        ):
            yield Finding("damage", f"the run says finished, but step {key} was not done", SALVAGE)


def _sequences(connection: sqlite3.Connection, head: dict[str, Any], live: bool) -> Iterator[Finding]:
    """Log lines and anchors are counted from 1; the first anchor is there from the start."""
    for table, what in (("event", "lines of the log"), ("anchor", "ties to the calendar")):
        count, last = connection.execute(f"SELECT count(*), ifnull(max(id), 0) FROM {table}").fetchone()
        if count != last:
            yield Finding("damage", f"{last - count} of {last} {what} are missing", SALVAGE)


def _rows(connection: sqlite3.Connection, stream: Stream, told: int | None, running: bool) -> Iterator[Finding]:
    """Rows against their ids, against the count that was written at the end, and each cell against its kind."""
    wrong = [f"typeof({quoted(one.name)}) NOT IN ('{SQL_TYPES[one.kind].lower()}', 'null')" for one in stream.columns]
    cells = " OR ".join(["typeof(t_s) != 'real'", *wrong])
    count, last, odd, homeless, timeless = connection.execute(
        f"SELECT count(*), ifnull(max(id), 0), total({cells}),"
        " total(step NOT IN (SELECT number FROM step UNION SELECT 0)),"
        f" total(t_s < 0 OR t_s > {LONGEST_S}) FROM {quoted(stream.name)}"
    ).fetchone()
    expected = max(last, told or 0)
    if count < expected:
        yield Finding("damage", f"{expected - count} of {expected} rows of {stream.name} are missing", SALVAGE)
    elif told is not None and not running and count > told:
        yield Finding("damage", f"{stream.name} has {count} rows, {told} were recorded: somebody added some", SALVAGE)
    if odd:
        yield Finding("damage", f"{odd:.0f} rows of {stream.name} hold something else than numbers or text", SALVAGE)
    if homeless:
        yield Finding("damage", f"{homeless:.0f} rows of {stream.name} belong to no step of the plan", SALVAGE)
    if timeless:
        yield Finding("damage", f"{timeless:.0f} rows of {stream.name} have impossible times", SALVAGE)


def _leftovers(folder: Path, connection: sqlite3.Connection, live: bool) -> Iterator[Finding]:
    """What lies beside the file, and what it means."""
    if live:
        yield Finding("note", "the run is being written now", "ask again when it has ended")
        return
    try:
        outcome = json.loads(connection.execute("SELECT value FROM run WHERE key = 'outcome'").fetchone()[0])
    except (sqlite3.DatabaseError, TypeError, ValueError):
        outcome = ""
    if outcome == "running":
        yield Finding("note", "the run was interrupted: its process ended without a word", "`cellrig resume RUN`")
    elif (folder / owner.LOCK).exists():
        yield Finding("note", f"{owner.LOCK} was left behind; nobody holds it", "nothing; it does no harm")
    if outcome != "running" and (folder / RESERVE).exists():
        yield Finding("note", f"{RESERVE} was left behind, 8 MiB", f"delete {RESERVE} if you need the room")
