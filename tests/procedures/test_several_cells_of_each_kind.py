"""Two cells with truths of their own in each procedure that a cycler runs: each cell's numbers are its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from daq.bench import BenchConfig
from daq.plan import make_plan
from daq.runfile.reader import RunFile
from daq.runner import Watcher, run_plan
from procedures.report.direct_current import cycling_content, polarisation_content
from procedures.report.facts import facts_of
from procedures.report.parts import Content, Plot, Table

AREA_CM2 = 0.6362


@pytest.fixture(autouse=True)
def own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CELLRIG_STATE", str(tmp_path / "state"))


def run_of(folder: Path, cell: str, truths: list[dict[str, Any]], sample: list[dict[str, Any]], **run: Any) -> RunFile:
    bench = {
        "bench": {"name": "two cells"},
        "instruments": {
            "furnace": {"driver": "simulated-furnace", "limits": {"max_temperature_C": 150}},
            "cycler": {"driver": "simulated-cycler"},
        },
        "simulation": {
            "cell": cell,
            "preset": "K001",
            "channels": {str(number): {"parameters": one} for number, one in enumerate(truths, 1)},
        },
        "source": None,
    }
    samples = [{"id": f"cell-{n}", "name": "cell", "channel": n, **one} for n, one in enumerate(sample, 1)]
    (ended,) = run_plan(
        make_plan({"sample": samples, "run": [run]}, BenchConfig.from_dict(bench)), folder / "runs", Watcher()
    )
    record = RunFile.open(ended.path)
    assert record.outcome == "finished", record.reason
    return record


def content_of(run: RunFile) -> Content:
    facts = facts_of(run)
    make = polarisation_content if facts.procedure == "critical-current" else cycling_content
    return make(run, facts)


def plot_of(run: RunFile, name: str) -> Plot:
    (plot,) = [one for one in content_of(run).plots if one.name == name]
    return plot


def tables_of(run: RunFile) -> list[Table]:
    return list(content_of(run).tables)


def curves_of(run: RunFile, name: str) -> list[str]:
    (axes,) = plot_of(run, name).figure.axes
    return [str(one.get_label()) for one in axes.get_lines()]


def found(run: RunFile, name: str, label: str, **where: Any) -> list[float]:
    """Refused ones are left out."""
    return [
        one.value
        for one in run.results()
        if one.name == name
        and one.value is not None
        and one.at.get("sample") == label
        and all(one.at.get(key) == at for key, at in where.items())
    ]


def test_symmetric_cells_of_two_areas_and_resistances(tmp_path: Path) -> None:
    areas, resistances = (0.6362, 0.9), (235.0, 400.0)
    truths = [
        {"area_cm2": area, "electrolyte_asr_ohm_cm2": asr, "growth_percent_per_h": 0.0}
        for area, asr in zip(areas, resistances, strict=True)
    ]
    samples = [{"electrode": {"area_cm2": area}} for area in areas]
    with run_of(tmp_path, "symmetric", truths, samples, procedure="symmetric-cycling", temperature_C=80,
                currents=["0.1 mA/cm2"], stage_h=4, record_s=60) as run:  # fmt: skip
        rows = run.table("cycling")
        for number, (area, asr) in enumerate(zip(areas, resistances, strict=True), 1):
            assert np.abs(rows["current_A"][rows["channel"] == number]).max() == pytest.approx(1e-4 * area, rel=1e-3)
            start, end = sorted(found(run, "polarisation", f"cell-{number}"))
            assert start == pytest.approx(0.1 * (asr + 12), rel=0.03)
            assert end == pytest.approx(0.1 * (asr + 12), rel=0.03)
            assert found(run, "hours_cycled", f"cell-{number}") == [pytest.approx(4, rel=0.01)]


def test_ladders_of_two_cells_end_each_at_its_own_short(tmp_path: Path) -> None:
    """The first shorts early, and is stopped; the other climbs on."""
    truths = [{"area_cm2": AREA_CM2, "critical_current_density_mA_cm2": one} for one in (0.35, 0.61)]
    samples = [{"electrode": {"area_cm2": AREA_CM2}}] * 2
    ladder = [f"{0.1 * one:.1f} mA/cm2" for one in range(1, 10)]
    with run_of(tmp_path, "symmetric", truths, samples, procedure="critical-current", on="cycler", temperature_C=80,
                currents=ladder, half_min=10, interval_s=2) as run:  # fmt: skip
        assert found(run, "critical_current_density", "cell-1") == [pytest.approx(0.3, rel=0.01)]
        assert found(run, "critical_current_density", "cell-2") == [pytest.approx(0.6, rel=0.01)]
        rows = run.table("cycling")
        last_s = [float(rows["time_s"][rows["channel"] == number].max()) for number in (1, 2)]
        assert last_s[0] < last_s[1] - 1200  # two rungs and more
        assert {one["state"] for one in run.recall("cells").values()} == {"stopped"}
        (cells,) = [one for one in tables_of(run) if one.title == "Cells"]
        assert [row[0].text for row in cells.rows] == ["cell-1", "cell-2"]
        assert "critical current density / mA/cm2" in cells.columns
        assert curves_of(run, "over_time") == ["cell-1", "cell-2"]


def test_each_of_two_cells_has_its_capacity_at_each_rate(tmp_path: Path) -> None:
    truths = [{"active_mass_mg": mass, "capacity_mAh_g": capacity} for mass, capacity in ((1.4, 121.1), (1.1, 100.0))]
    samples = [
        {"active": {"mass_mg": one["active_mass_mg"], "capacity_mAh_g": one["capacity_mAh_g"], "diameter_mm": 10}}
        for one in truths
    ]
    with run_of(tmp_path, "lfp", truths, samples, procedure="rate-capability", temperature_C=120,
                rates=["C/2", "1 C"], cycles_each=2, record_s=30) as run:  # fmt: skip
        for number, truth in enumerate(truths, 1):
            for order in (1, 2):
                (capacity,) = found(run, "discharge_capacity", f"cell-{number}", order=order)
                assert capacity == pytest.approx(truth["capacity_mAh_g"], rel=0.03)
        assert curves_of(run, "discharge_capacity") == ["cell-1", "cell-2"]
        (axes,) = plot_of(run, "discharge_capacity").figure.axes
        assert [one.get_text() for one in axes.get_xticklabels()] == ["0.5 C", "1.0 C"]
        for line, number in zip(axes.get_lines(), (1, 2), strict=True):
            assert np.asarray(line.get_ydata()).tolist() == found(run, "discharge_capacity", f"cell-{number}")


def test_a_ladder_on_a_cycler_shows_its_potential_as_one_on_a_potentiostat_does(tmp_path: Path) -> None:
    samples = [{"electrode": {"area_cm2": AREA_CM2}}]
    truth = {"area_cm2": AREA_CM2, "critical_current_density_mA_cm2": 0.35}
    ladder = [f"0.{one} mA/cm2" for one in range(1, 5)]
    with run_of(tmp_path, "symmetric", [truth], samples, procedure="critical-current", on="cycler", temperature_C=80,
                currents=ladder, half_min=10, interval_s=2) as run:  # fmt: skip
        potential, current = plot_of(run, "over_time").figure.axes
        rows = run.table("cycling")
        time_min, volt = (np.asarray(one, dtype=float) for one in potential.get_lines()[0].get_data())
        assert [time_min[0], time_min[-1]] == pytest.approx([rows["t_s"][0] / 60, rows["t_s"][-1] / 60])
        assert np.nanmax(volt) == pytest.approx(rows["voltage_V"].max(), rel=1e-6)
        assert current.get_xlabel() == "time since the start / min"
        shorts = [one.value for one in run.results() if one.name == "short_circuit"]
        assert shorts
        dashed_min = sorted(float(np.asarray(one.get_xdata())[0]) for one in potential.get_lines()[1:])
        assert dashed_min == pytest.approx(sorted(60 * one for one in shorts if one is not None))
        told = [one.label for one in content_of(run).headlines]
        assert told.count("area specific resistance") == 1  # not of each rung
