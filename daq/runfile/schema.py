"""What a run file looks like. `docs/reference/run-file.md` explains it to a stranger with sqlite3.

The comments inside the CREATE statements are kept by SQLite, so that `.schema` explains itself too.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Any

from daq.contracts import Step
from daq.stream import Stream

APPLICATION_ID = 0x63656C6C  # "cell"
SCHEMA_VERSION = 1
SET_HEAD = "INSERT INTO run VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value"
RUN_DB = "run.db"
IDENTITIES = "instruments"  # key in `state`: maker, model, serial, firmware of each instrument, by its name
INTERLOCKS = "interlocks"  # key in `state`: a table for each tripping of an interlock
SQL_TYPES = {"float": "REAL", "int": "INTEGER", "text": "TEXT"}

_TABLES = """
CREATE TABLE run (           -- what was asked for, by whom, and how it ended
  key TEXT PRIMARY KEY,
  value TEXT NOT NULL        -- JSON
) WITHOUT ROWID;
CREATE TABLE anchor (        -- bench time against the calendar: at the start, at a resume, when a clock jumped
  id INTEGER PRIMARY KEY,
  t_s REAL NOT NULL,         -- seconds of bench time since the start of the run
  unix REAL NOT NULL,        -- seconds since 1970-01-01 UTC
  why TEXT NOT NULL
);
CREATE TABLE step (          -- the plan of the run, in order
  number INTEGER PRIMARY KEY,
  key TEXT NOT NULL UNIQUE,
  title TEXT NOT NULL,
  after_break TEXT NOT NULL, -- repeat, continue, ask, end
  details TEXT NOT NULL      -- JSON
);
CREATE TABLE attempt (       -- what was tried; a step without a row here is still waiting
  step INTEGER NOT NULL,     -- step.number
  attempt INTEGER NOT NULL,  -- 1, 2, ...
  state TEXT NOT NULL,       -- running, finished, skipped, broken, failed
  started_t_s REAL,
  ended_t_s REAL,
  PRIMARY KEY (step, attempt)
) WITHOUT ROWID;
CREATE TABLE state (         -- what the procedure remembers, so that it can go on after a break
  key TEXT PRIMARY KEY,
  value TEXT NOT NULL        -- JSON
) WITHOUT ROWID;
CREATE TABLE event (         -- the log of the run
  id INTEGER PRIMARY KEY,
  t_s REAL NOT NULL,
  level TEXT NOT NULL,       -- debug, info, warning, error
  source TEXT NOT NULL,
  text TEXT NOT NULL
);
CREATE TABLE result (        -- the numbers of the analysis; replaced as a whole when it runs again
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  value REAL,                -- NULL: refused, see reason
  unit TEXT NOT NULL,
  uncertainty REAL,          -- one standard error
  interval_low REAL,         -- 95 %
  interval_high REAL,
  at TEXT NOT NULL,          -- JSON: where the number holds
  method TEXT NOT NULL,
  reason TEXT
);
CREATE TABLE stream (        -- each stream has a table of its own name
  name TEXT PRIMARY KEY,
  help TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE stream_column ( -- the columns of the streams, with their units
  stream TEXT NOT NULL,
  position INTEGER NOT NULL,
  name TEXT NOT NULL,
  unit TEXT NOT NULL,        -- empty for text and pure numbers
  kind TEXT NOT NULL,        -- float, int, text
  help TEXT NOT NULL,
  PRIMARY KEY (stream, position)
) WITHOUT ROWID;
"""
OWN_TABLES = frozenset({"run", "anchor", "step", "attempt", "state", "event", "result", "stream", "stream_column"})


def quoted(name: str) -> str:
    """A name as SQL takes it, whatever keyword it may be."""
    return '"' + name.replace('"', '""') + '"'


def create_tables(connection: sqlite3.Connection, streams: Sequence[Stream], steps: Sequence[Step]) -> None:
    """All tables of a new run, inside the caller's transaction.

    Raises ValueError for streams or steps that cannot live beside each other (SQL ignores upper and lower case).
    """
    _check_names(streams, steps)
    for statement in _TABLES.split(";\n"):
        connection.execute(statement)
    mark_as_run(connection)
    for stream in streams:
        create_stream(connection, stream)
    connection.executemany(
        "INSERT INTO step VALUES (?, ?, ?, ?, ?)",
        [
            (number, step.key, step.title, step.after_break, to_json(step.details, f"details of step {step.key}"))
            for number, step in enumerate(steps, 1)
        ],
    )


def mark_as_run(connection: sqlite3.Connection) -> None:
    """The numbers by which a file is known as a run of this schema."""
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


def create_missing(connection: sqlite3.Connection) -> None:
    """Our own tables that a salvaged run lacks, empty."""
    for statement in _TABLES.split(";\n"):
        connection.execute(statement.replace("CREATE TABLE ", "CREATE TABLE IF NOT EXISTS "))


def create_stream(connection: sqlite3.Connection, stream: Stream) -> None:
    lines = [
        ("id INTEGER PRIMARY KEY", "in the order of recording; a cursor for readers"),
        ("step INTEGER NOT NULL", "step.number; 0: outside any step"),
        ("attempt INTEGER NOT NULL", "attempt.attempt"),
        ("t_s REAL NOT NULL", "seconds of bench time since the start of the run"),
        *[(f"{quoted(one.name)} {SQL_TYPES[one.kind]}", one.unit) for one in stream.columns],
    ]
    commas = [","] * (len(lines) - 1) + [""]
    body = "".join(f"  {line}{comma}{_remark(remark)}\n" for (line, remark), comma in zip(lines, commas, strict=True))
    connection.execute(f"CREATE TABLE {quoted(stream.name)} (\n{body})")
    connection.execute("INSERT INTO stream VALUES (?, ?)", (stream.name, stream.help))
    connection.executemany(
        "INSERT INTO stream_column VALUES (?, ?, ?, ?, ?, ?)",
        [
            (stream.name, position, one.name, one.unit, one.kind, one.help)
            for position, one in enumerate(stream.columns, 1)
        ],
    )


def _remark(text: str) -> str:
    return f"  -- {' '.join(text.split())}" if text else ""


def insert_sql(stream: Stream) -> str:
    """One row of a stream: step, attempt, t_s, then its columns."""
    names = ", ".join(["step", "attempt", "t_s", *map(quoted, stream.column_names)])
    return f"INSERT INTO {quoted(stream.name)} ({names}) VALUES (?, ?, ?{', ?' * len(stream.columns)})"


def to_json(value: Any, what: str) -> str:
    """JSON of plain data, numpy's numbers and arrays, tuples and paths. Raises TypeError naming `what`."""
    try:
        text = json.dumps(value, ensure_ascii=False, default=_plain)
        return text if text.isascii() else clean_text(text)
    except (TypeError, ValueError) as error:
        raise TypeError(f"{what} cannot be kept as JSON: {error}") from error


def clean_text(text: str) -> str:
    """`text` as UTF-8 can hold it: half characters, of a badly decoded reply say, become `?`."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, set | frozenset):
        return sorted(value)
    if isinstance(value, PurePath):
        return str(value)
    if hasattr(value, "tolist"):  # numpy, without importing it for its name alone
        return value.tolist()
    raise TypeError(f"{value!r} is a {type(value).__name__}")


def _check_names(streams: Sequence[Stream], steps: Sequence[Step]) -> None:
    seen = set(OWN_TABLES)
    for stream in streams:
        name = stream.name.lower()
        if name in seen or name.startswith("sqlite_"):
            raise ValueError(f"a run cannot have a stream {stream.name!r}: the name is taken")
        seen.add(name)
        columns = [column.lower() for column in ("id", "step", "attempt", "t_s", *stream.column_names)]
        if len(set(columns)) != len(columns):
            raise ValueError(f"stream {stream.name!r} has columns that differ by upper and lower case only")
    keys = [step.key for step in steps]
    if "" in keys or len(set(keys)) != len(keys):
        raise ValueError(f"the keys of the steps must be different and not empty: {keys}")
