"""`docs/reference/run-file.md` is what a stranger has: its queries run, its tables and columns are those of a run."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from daq.contracts import Result, Step
from daq.runfile.schema import APPLICATION_ID, SCHEMA_VERSION
from daq.runfile.writer import RunWriter
from daq.stream import Column, Stream

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "reference" / "run-file.md").read_text(encoding="utf-8")
QUERIES = re.findall(r"```sql\n(.*?)```", PAGE, flags=re.DOTALL)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    writer = RunWriter.create(
        tmp_path,
        procedure="eis-sweep",
        sample={"name": "K001", "pellet": {"thickness_mm": 0.9}},
        parameters={},
        bench={},
        streams=[Stream("temperature", (Column("sample_C", "degC"), Column("fault", kind="text")))],
        steps=[Step("25", "25 °C"), Step("30", "30 °C")],
        plan={},
        versions={},
        started_unix=1_800_000_000.0,
        bench_unix=1_800_000_000.0,
    )
    writer.anchor(0.0, 1_800_000_000.0, "start")
    for attempt in (1, 2):
        writer.begin_step("25", 10.0 * attempt)
        writer.record("temperature", "25", attempt, 10.0 * attempt, {"sample_C": 25.0 + attempt, "fault": None})
        writer.end_step("25", attempt, "broken" if attempt == 1 else "finished", 10.0 * attempt + 5)
    writer.anchor(15.0, 1_800_003_600.0, "resume")
    writer.record_many(
        "temperature", "", 0, [30.0 + n for n in range(1000)], {"sample_C": [26.0] * 1000, "fault": [None] * 1000}
    )
    writer.event(1.0, "warning", "furnace", "slow")
    writer.replace_results([Result("conductivity", 1e-4, "S/cm", 1e-6, at={"temperature_C": 25})])
    writer.close("finished", "all steps done", 1100.0)
    connection = sqlite3.connect(writer.path / "run.db")
    yield connection
    connection.close()


@pytest.mark.parametrize("query", QUERIES, ids=range(len(QUERIES)))
def test_every_query_of_the_page_answers(database: sqlite3.Connection, query: str) -> None:
    assert database.execute(query).fetchall(), query


def test_the_queries_answer_what_the_page_says(database: sqlite3.Connection) -> None:
    def ask(beginning: str) -> list[tuple[object, ...]]:
        (query,) = [one for one in QUERIES if one.startswith(beginning)]
        return database.execute(query).fetchall()

    assert ("outcome", '"finished"') in ask("SELECT key")
    assert ask("SELECT json_extract(value") == [("K001", 0.9)]
    assert ask("SELECT stream, name") == [
        ("temperature", "sample_C", "degC", "float"),
        ("temperature", "fault", "", "text"),
    ]
    assert [row[2:4] for row in ask("SELECT step.number")] == [(1, "broken"), (2, "finished"), (None, "waiting")]
    rows = ask("SELECT temperature.id")
    assert rows[0][:4] == (1, "25", 1, "2027-01-15 08:00:10")
    assert rows[1][:4] == (2, "25", 2, "2027-01-15 09:00:05"), "after the second anchor"
    assert rows[2][1] is None, "outside of any step"
    last = ask("SELECT temperature.* FROM temperature\nWHERE attempt")
    assert [row[:3] for row in last[:2]] == [(2, 1, 2)], "the first attempt is left out"
    assert len(ask("SELECT * FROM temperature WHERE id > 1000")) == 2
    assert ask("SELECT t_s, source") == [(1.0, "furnace", "slow")]
    assert ask("SELECT json_extract(at")[0][:3] == (25, "conductivity", 1e-4)


def test_the_page_names_every_table_and_column(database: sqlite3.Connection) -> None:
    tables = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    for table in tables:
        if table == "temperature":
            continue
        (row,) = re.findall(rf"^\| `{table}` \|.*$", PAGE, flags=re.MULTILINE)
        for _, column, *_ in database.execute(f"PRAGMA table_info({table})").fetchall():
            assert f"`{column}`" in row, f"{table}.{column}"
    for (key,) in database.execute("SELECT key FROM run"):
        assert f"`{key}`" in PAGE
    assert f"`PRAGMA application_id` is {APPLICATION_ID} " in PAGE
    assert f"the schema, {SCHEMA_VERSION} on this page" in PAGE
    assert database.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)
    assert database.execute("PRAGMA user_version").fetchone() == (SCHEMA_VERSION,)
    (sql,) = database.execute("SELECT sql FROM sqlite_master WHERE name = 'temperature'").fetchone()
    assert "-- degC" in sql
