"""A run of some thousand rows, and ways to damage it."""

from __future__ import annotations

import sqlite3
import struct
from contextlib import closing
from pathlib import Path

import numpy as np

from daq.contracts import Result, Step
from daq.runfile.writer import RunWriter
from daq.stream import Column, Stream

ROWS = 40_000


def make_run(runs: Path, rows: int = ROWS) -> RunWriter:
    """Two streams, `cell` with `rows` rows whose voltage is id - 0.5; step `hold` is done."""
    writer = RunWriter.create(
        runs,
        procedure="endless",
        sample={"name": "K001"},
        parameters={"hours": 3},
        bench={"bench": {"name": "b"}, "instruments": {"furnace": {"driver": "simulated-furnace"}}},
        streams=[
            Stream("cell", (Column("voltage_V", "V"), Column("note", "", "text"))),
            Stream("oven", (Column("temperature_C", "degC"),)),
        ],
        steps=[Step("hold", "hold")],
        plan={},
        versions={"cellrig": "0"},
        started_unix=1.8e9,
        bench_unix=1.8e9,
    )
    writer.anchor(0.0, 1.8e9, "start")
    attempt = writer.begin_step("hold", 0.0)
    numbers = np.arange(rows) + 0.5  # SQLite keeps whole numbers as integers: their bytes could not be looked for
    writer.record_many("cell", "hold", attempt, numbers, {"voltage_V": numbers, "note": ["fine"] * rows})
    writer.record("oven", "hold", attempt, 1.0, {"temperature_C": 60.0})
    writer.event(2.0, "info", "engine", "all is well")
    writer.end_step("hold", attempt, "finished", float(rows))
    return writer


def finished_run(runs: Path, rows: int = ROWS) -> Path:
    writer = make_run(runs, rows)
    writer.replace_results([Result("voltage", 1.0, "V")])
    writer.close("finished", "all steps done", float(rows))
    return writer.path


def page_of(folder: Path, table: str, share: float) -> int:
    """The byte at which a page of `table` begins, `share` of the way through its rows (by looking for their bytes)."""
    with closing(sqlite3.connect(folder / "run.db")) as connection:
        (size,) = connection.execute("PRAGMA page_size").fetchone()
        (count,) = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
    wanted = struct.pack(">d", int(share * count) + 0.5)
    data = (folder / "run.db").read_bytes()
    found = next(start for start in range(0, len(data), size) if wanted in data[start : start + size])
    return found


def wipe(folder: Path, at: int, size: int = 8192) -> None:
    with (folder / "run.db").open("r+b") as file:
        file.seek(at)
        file.write(b"\xa5" * size)


def edit(folder: Path, sql: str) -> None:
    with closing(sqlite3.connect(folder / "run.db")) as connection:
        connection.execute(sql)
        connection.commit()
