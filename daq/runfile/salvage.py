"""What can still be read of a damaged run, copied row by row into a new one that says so."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from daq.clock import wall_unix
from daq.errors import BadInput, RunFileError
from daq.runfile.plain import open_for_reading
from daq.runfile.schema import OWN_TABLES, RUN_DB, SQL_TYPES, create_missing, mark_as_run, quoted, to_json
from daq.runfile.stored import check_identity

CHUNK = 10_000
MOST_PROBES = 200_000  # questions that fail, after which a range that can't be read is given up whole
LEAST_ROW_BYTES = 8
MOST_STEPS = 100_000
FIXED_COLUMNS = 4  # id, step, attempt, t_s
KINDS = {sql: kind for kind, sql in SQL_TYPES.items()}
_UNKNOWN: dict[str, Any] = {  # where the damaged file does not tell
    "procedure": "unknown",
    "sample": {"name": "unknown"},
    "parameters": {},
    "bench": {},
    "plan": {},
    "versions": {},
    "started": "1970-01-01T00:00:00+00:00",
    "started_unix": 0.0,
    "bench_unix": 0.0,
    "ended_t_s": None,
    "outcome": "failed",
    "reason": "",
}


@dataclass
class Salvaged:
    """`rows` that were copied, by table; `lost` how many could not be read, -1 where that is not known."""

    path: Path
    rows: dict[str, int] = field(default_factory=dict)
    lost: dict[str, int] = field(default_factory=dict)

    @property
    def text(self) -> str:
        if not any(self.lost.values()):
            return "every row could be read"
        counts = {name: "an unknown number" if count < 0 else count for name, count in self.lost.items() if count}
        return "lost: " + ", ".join(f"{count} of {name}" for name, count in counts.items())


def salvage(folder: Path, target: Path) -> Salvaged:
    """Copy every readable row of the run in `folder` into the new folder `target`; the source is left as it is.

    The new run reads `failed`, and says from where it was salvaged and what was lost. Raises BadInput when `target`
    exists or can't be written, RunFileError when not even the list of tables can be read.
    """
    source_file = folder / RUN_DB
    check_identity(source_file)
    with closing(open_for_reading(source_file)) as source:
        source.text_factory = lambda raw: raw.decode("utf-8", "replace")
        tables = _tables(source, folder)
        try:
            target.mkdir(parents=True)
        except FileExistsError:
            raise BadInput("exists already; what is salvaged needs a new folder", place=str(target)) from None
        except OSError as error:
            raise BadInput(f"cannot be written: {error.strerror or error}", place=str(target)) from error
        done = Salvaged(target.absolute())
        try:
            with closing(sqlite3.connect(target / RUN_DB, isolation_level=None)) as copy:
                copy.execute("BEGIN")
                for name, sql in tables.items():
                    copy.execute(sql)
                    _copy_table(source, copy, name, "WITHOUT ROWID" in sql.upper(), source_file.stat().st_size, done)
                create_missing(copy)
                streams = {name: sql for name, sql in tables.items() if name not in OWN_TABLES}
                _name_steps(copy, list(streams))
                for name, sql in streams.items():
                    _name_columns(copy, name, sql)
                _mark(copy, folder, done)
                mark_as_run(copy)
                copy.execute("COMMIT")
        except sqlite3.OperationalError as error:
            raise BadInput(f"cannot be written: {error}", place=str(target)) from error
    return done


def _tables(source: sqlite3.Connection, folder: Path) -> dict[str, str]:
    try:
        found = dict(source.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table' AND sql IS NOT NULL"))
    except sqlite3.DatabaseError as error:
        raise RunFileError(
            f"is damaged at its very start, nothing can be salvaged: {error}; look for a copy of the run",
            place=str(folder),
        ) from error
    return {name: sql for name, sql in found.items() if not name.startswith("sqlite_")}


def _copy_table(
    source: sqlite3.Connection, copy: sqlite3.Connection, name: str, rowless: bool, file_bytes: int, done: Salvaged
) -> None:
    columns = [row[1] for row in copy.execute(f"PRAGMA table_info({quoted(name)})")]
    names = ", ".join(map(quoted, columns))
    rows = _both_ways(source, name, names, done.lost) if rowless else _by_id(source, name, names, file_bytes, done.lost)
    insert = f"INSERT OR IGNORE INTO {quoted(name)} ({names}) VALUES ({', '.join('?' * len(columns))})"
    done.rows[name] = sum(copy.execute(insert, row).rowcount for row in rows)


def _both_ways(source: sqlite3.Connection, name: str, names: str, lost: dict[str, int]) -> Iterator[tuple[Any, ...]]:
    """From the start to the damage, and from the end to it; what comes twice is ignored where it is inserted."""
    for order in ("", " ORDER BY 1 DESC"):
        try:
            yield from source.execute(f"SELECT {names} FROM {quoted(name)}{order}")
            return
        except sqlite3.DatabaseError:
            continue
    lost[name] = -1  # such a table has no ids whose gaps could be counted


def _by_id(
    source: sqlite3.Connection, name: str, names: str, file_bytes: int, lost: dict[str, int]
) -> Iterator[tuple[Any, ...]]:
    """Range by range; one that can't be read is halved, down to single rows."""
    table = quoted(name)
    try:
        last = source.execute(f"SELECT ifnull(max(rowid), 0) FROM {table}").fetchone()[0]
        known = True
    except sqlite3.DatabaseError:  # the end itself is damaged; no file holds more rows than this
        last, known = file_bytes // LEAST_ROW_BYTES, False
    waiting = [(start, min(start + CHUNK - 1, last)) for start in range(1, last + 1, CHUNK)][::-1]
    probes = missing = 0
    while waiting:
        low, high = waiting.pop()
        try:
            yield from source.execute(
                f"SELECT {names} FROM {table} WHERE rowid BETWEEN ? AND ? ORDER BY rowid", (low, high)
            ).fetchall()
        except sqlite3.DatabaseError:
            probes += 1
            if low == high or probes > MOST_PROBES:
                missing += high - low + 1
            else:
                middle = (low + high) // 2
                waiting += [(middle + 1, high), (low, middle)]
    if missing:
        lost[name] = missing if known else -1


def _name_steps(copy: sqlite3.Connection, streams: list[str]) -> None:
    """Rows whose step was lost keep its number; it gets a name, so that the others can be told by theirs."""
    numbers = [f"SELECT max(step) FROM {quoted(name)}" for name in [*streams, "attempt"]]
    last = max((found or 0 for (found,) in copy.execute(" UNION ALL ".join(numbers))), default=0)
    copy.executemany(
        "INSERT OR IGNORE INTO step VALUES (?, ?, 'its name is lost', 'ask', '{}')",
        [(number, f"lost-{number}") for number in range(1, min(last, MOST_STEPS) + 1)],
    )


def _name_columns(copy: sqlite3.Connection, stream: str, sql: str) -> None:
    """Streams and columns that the lists of them lost; the tables themselves tell, with units as remarks."""
    copy.execute("INSERT OR IGNORE INTO stream VALUES (?, '')", (stream,))
    listed = {name for (name,) in copy.execute("SELECT name FROM stream_column WHERE stream = ?", (stream,))}
    columns = [row[1:3] for row in copy.execute(f"PRAGMA table_info({quoted(stream)})")][FIXED_COLUMNS:]
    for position, (name, sql_type) in enumerate(columns, 1):
        if name not in listed:
            remark = re.search(rf"^ *{re.escape(quoted(name))} [A-Z]+,?(?:  -- (.*))?$", sql, flags=re.MULTILINE)
            unit = remark[1] if remark and remark[1] else ""
            row = (stream, position, name, unit, KINDS[sql_type], "")
            copy.execute("INSERT OR REPLACE INTO stream_column VALUES (?, ?, ?, ?, ?, ?)", row)


def _mark(copy: sqlite3.Connection, folder: Path, done: Salvaged) -> None:
    """The new run is what it is: salvaged, whatever the old one had come to."""
    head: dict[str, Any] = dict(_UNKNOWN)
    for key, value in copy.execute("SELECT key, value FROM run").fetchall():
        with suppress(TypeError, ValueError):
            head[key] = json.loads(value)
    was = f"{head['outcome']}: {head['reason']}" if head["reason"] else str(head["outcome"])
    text = f"salvaged from a damaged file ({done.text}); it was {was}"
    head |= {"id": done.path.name, "outcome": "failed", "reason": text}
    head["salvaged"] = {"from": folder.name, "unix": wall_unix(), "lost": done.lost}
    head.pop("rows", None)  # a promise of the old file
    copy.execute("DELETE FROM run")
    copy.executemany("INSERT INTO run VALUES (?, ?)", [(key, to_json(value, key)) for key, value in head.items()])
    t_s = head["ended_t_s"] or 0.0
    copy.execute("INSERT INTO event (t_s, level, source, text) VALUES (?, 'warning', 'fsck', ?)", (float(t_s), text))
