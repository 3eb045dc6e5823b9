"""All runs of a folder: in order, whatever lies beside them; one found by what a person types."""

from __future__ import annotations

from pathlib import Path

import pytest

from daq.catalog import find_run, list_runs, read_catalog
from daq.contracts import Outcome
from daq.errors import BadInput
from daq.runfile.writer import RunWriter

DAY_S = 86400.0


def run_of(runs: Path, procedure: str, sample: str, day: int, outcome: Outcome | None = "finished") -> Path:
    started_unix = 1_800_000_000.0 + day * DAY_S
    writer = RunWriter.create(
        runs,
        procedure=procedure,
        sample={"name": sample},
        parameters={},
        bench={},
        streams=(),
        steps=(),
        plan={},
        versions={},
        started_unix=started_unix,
        bench_unix=started_unix,
    )
    if outcome is None:
        writer.abandon()
    else:
        writer.close(outcome, "", 1.0)
    return writer.path


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    return tmp_path / "runs"


def test_runs_are_listed_oldest_first_and_damaged_ones_apart(runs: Path) -> None:
    late = run_of(runs, "eis-sweep", "K010", day=3)
    early = run_of(runs, "eis-sweep", "K001", day=1, outcome=None)
    broken = run_of(runs, "temperature-hold", "K001", day=2)
    (broken / "run.db").write_bytes(b"not any more")
    (runs / "notes").mkdir()
    (runs / "list.txt").write_text("mine", encoding="utf-8")
    catalog = read_catalog(runs)
    assert [one.path for one in catalog.runs] == [early, late]
    assert [one.outcome for one in catalog.runs] == ["interrupted", "finished"]
    assert [one.sample for one in catalog.runs] == ["K001", "K010"]
    assert catalog.runs[0].id == early.name
    assert catalog.runs[0].started < catalog.runs[1].started
    assert [one.path for one in catalog.unreadable] == [broken]
    assert catalog.unreadable[0].problem == "is cut off: the file is too short to be a run" or "not a run" in (
        catalog.unreadable[0].problem
    )
    assert list_runs(runs) == catalog.runs
    assert find_run(runs, "last") == late


def test_a_run_is_found_by_what_a_person_types(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = run_of(runs, "eis-sweep", "K001", day=1)
    second = run_of(runs, "eis-sweep", "K001", day=1)
    other = run_of(runs, "temperature-hold", "K001", day=2)
    assert second.name == first.name + "_2"
    assert find_run(runs, first.name) == first, "an id is itself, though it is also a part of another"
    assert find_run(runs, "HOLD") == other
    assert find_run(runs, str(second)) == second
    assert find_run(runs, str(second / "run.db")) == second
    monkeypatch.chdir(runs.parent)
    assert find_run(runs, f"runs/{other.name}/") == other
    with pytest.raises(BadInput, match="fits several runs") as several:
        find_run(runs, "eis")
    assert first.name in several.value.allowed
    assert other.name not in several.value.allowed
    with pytest.raises(BadInput, match="there is no run 'x'") as nothing:
        find_run(runs, "x")
    assert other.name in nothing.value.allowed
    with pytest.raises(BadInput, match="there is no run ''"):
        find_run(runs, "")


def test_no_folder_means_no_runs(runs: Path) -> None:
    assert list_runs(runs) == []
    with pytest.raises(BadInput, match="no runs yet"):
        find_run(runs, "last")
    with pytest.raises(BadInput, match="none yet"):
        find_run(runs, "x")
    runs.write_text("", encoding="utf-8")
    with pytest.raises(BadInput, match="cannot be listed"):
        list_runs(runs)
