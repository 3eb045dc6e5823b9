"""A queued plan is whole: what it names may change or go, it is run as it was submitted."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from daq.bench_lock import bench_folder
from daq.errors import BadInput
from daq.frozen_plan import thaw
from daq.plan import Plan, load_plan
from daq.plan_files import PlanFiles
from daq.run_queue import Entry, RunQueue
from daq.runfile.reader import RunFile
from daq.runner import Watcher, run_plan
from daq.service.plans import submit

BENCH = """
[bench]
name = "queued"
[instruments.furnace]
driver = "simulated-furnace"
[instruments.potentiostat]
driver = "simulated-potentiostat"
[simulation]
preset = "K001"
"""
PLAN = """
bench = "bench.toml"
[sample]
name = "K001"
pellet = {{ thickness_mm = 0.9, diameter_mm = 10 }}
[[run]]
procedure = "eis-sweep"
temperatures_C = [120]
{compensation}
"""
LEAD_ohm = 2.0
LONG_AGO = (1.0, 1.0)


@pytest.fixture
def queue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RunQueue]:
    monkeypatch.setenv("CELLRIG_STATE", str(tmp_path / "state"))
    (tmp_path / "bench.toml").write_text(BENCH, encoding="utf-8")
    made = RunQueue(tmp_path / "queue.db")
    yield made
    made.close()


def write_short(path: Path, ohm: float) -> None:
    rows = [f"{10 ** (6.3 - step / 10):.6g},{ohm},0.0" for step in range(80)]
    path.write_text("\n".join(["frequency_Hz,z_real_ohm,z_imag_ohm", *rows]), encoding="utf-8")


def plan_with(folder: Path, compensation: str = "") -> Plan:
    (folder / "plan.toml").write_text(PLAN.format(compensation=compensation), encoding="utf-8")
    return load_plan(folder / "plan.toml")


def run(entry: Entry, plan: Plan, folder: Path) -> Path:
    (ended,) = run_plan(thaw(entry.work, plan.bench), folder / "runs", Watcher())
    assert ended.end.outcome == "finished", ended.end.reason
    return ended.path


def kept(path: Path) -> tuple[set[float], set[str]]:
    """What the run has of its short: its resistance, and where it says it is from."""
    with RunFile.open(path) as found:
        table = found.table("compensation")
        return set(table["z_real_ohm"]), set(table["source"])


def test_a_file_that_changed_or_went_since_does_not_matter(queue: RunQueue, tmp_path: Path) -> None:
    write_short(tmp_path / "short.csv", LEAD_ohm)
    plan = plan_with(tmp_path, 'compensation = { short = "short.csv" }')
    first, _ = submit(plan, tmp_path / "runs", queue)
    write_short(tmp_path / "short.csv", 3 * LEAD_ohm)
    second, _ = submit(plan, tmp_path / "runs", queue)
    (tmp_path / "short.csv").unlink()
    assert kept(run(first, plan, tmp_path)) == ({LEAD_ohm}, {"short.csv"})
    of_second = run(second, plan, tmp_path)
    assert kept(of_second) == ({3 * LEAD_ohm}, {"short.csv"})
    with pytest.raises(BadInput, match=r"short\.csv"):
        submit(plan, tmp_path / "runs", queue)

    files = PlanFiles(bench_folder(plan.bench))
    for copy in files.folder.iterdir():
        os.utime(copy, LONG_AGO)
    queue.end(first.id, "finished", "")
    files.clean(queue.files)
    assert [one.name for one in files.folder.iterdir()] == second.work["files"], "only what nobody needs is gone"
    assert kept(run(queue.get(second.id), plan, tmp_path)) == ({3 * LEAD_ohm}, {"short.csv"})
    queue.remove(second.id)
    files.clean(queue.files)
    assert list(files.folder.iterdir()) == []


def test_a_run_as_standard_is_taken_along(queue: RunQueue, tmp_path: Path) -> None:
    """The run's folder may be renamed, as people do, while a plan that names it waits."""
    plain = plan_with(tmp_path)
    measured = run(submit(plain, tmp_path / "runs", queue)[0], plain, tmp_path)
    files = PlanFiles(bench_folder(plain.bench))
    copies = {files.keep(measured), files.keep(measured / "run.db"), files.keep(Path(files.keep(measured)))}
    measured.rename(tmp_path / "elsewhere")
    (copy,) = copies
    with RunFile.open(Path(copy)) as one, RunFile.open(tmp_path / "elsewhere") as other:
        assert one.id == other.id == measured.name
        assert len(one.table("impedance")["frequency_Hz"]) == len(other.table("impedance")["frequency_Hz"]) > 0
    with pytest.raises(BadInput, match="not there any more"):
        files.keep(measured)
