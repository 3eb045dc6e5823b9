"""Schedules on a cycler: truths come back, a break is back-filled, and what can't be is refused by its key."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cycler_double import DcCycler, Kept
from dc_doubles import bench_of, conduct

from daq.engine import Progress
from daq.errors import BadInput, InstrumentError, InstrumentLost
from daq.plan import build_procedure
from daq.runfile.reader import RunFile
from daq.sample import Sample
from daq.tables import parse
from drivers.schedule import Current, Protection, Schedule
from drivers.step_sheet import step_sheet
from procedures import cycled_cell

CELL = {
    "name": "cell",
    "electrode": {"diameter_mm": 9},
    "active": {"mass_mg": 1.4, "capacity_mAh_g": 121.1, "diameter_mm": 10},
}
AREA_CM2 = np.pi * 0.45**2
FULL_AH = 1.4e-3 * 0.1211


def ohmic(held_Ah: float, current_A: float) -> float:
    return 247 * current_A / AREA_CM2


def lfp(held_Ah: float, current_A: float) -> float:
    """A plateau of 3.42 V between steep ends; 30 mV of polarisation either way."""
    x = held_Ah / FULL_AH
    return 3.42 + 0.03 * np.sign(current_A) + 0.4 * np.exp(-(1 - x) / 0.004) - 0.6 * np.exp(-x / 0.004)


def procedure_of(name: str, **parameters: Any) -> Any:
    return build_procedure(name, parameters, "plan")


def run_on(folder: Path, tests: Kept, procedure: Any, **more: Any) -> RunFile:
    bench, clock = bench_of(folder, more.get("start_s", 0.0), furnace="simulated-furnace")
    bench.instruments["cycler"] = more.get("cycler", DcCycler)(clock, tests)
    _, path = conduct(procedure, bench, [parse(Sample, more.get("cell", CELL), "plan")], folder, more.get("resumed"),
                      on_progress=more.get("on_progress"))  # fmt: skip
    return RunFile.open(path)


def values_of(record: RunFile, name: str) -> list[float]:
    return [one.value for one in record.results() if one.name == name and one.value is not None]


def test_symmetric_cycling_tells_hours_and_polarisation(tmp_path: Path) -> None:
    procedure = procedure_of("symmetric-cycling", stage_h=10, temperature_C=80)
    with run_on(tmp_path, Kept(ohmic, 0.0), procedure) as record:
        assert record.outcome == "finished"
        assert values_of(record, "hours_cycled") == [pytest.approx(20, rel=0.01)]
        found = sorted(values_of(record, "polarisation"))
        assert found == [pytest.approx(one, rel=0.02) for one in (24.7, 24.7, 49.4, 49.4)]
        assert [r for r in record.results() if r.name == "short_circuit" and r.value is not None] == []


def test_capacities_of_every_cycle_come_back(tmp_path: Path) -> None:
    procedure = procedure_of("galvanostatic-cycling", cycles=6)
    with run_on(tmp_path, Kept(lfp, 3.4), procedure) as record:
        discharge = values_of(record, "discharge_capacity")
        assert len(discharge) == 6
        assert discharge == [pytest.approx(121.1, rel=0.02)] * 6
        assert values_of(record, "coulombic_efficiency")[1:] == [pytest.approx(100, abs=0.5)] * 5


def test_each_rate_has_its_capacity(tmp_path: Path) -> None:
    procedure = procedure_of("rate-capability", rates=["C/2", "1 C"], cycles_each=2)
    with run_on(tmp_path, Kept(lfp, 3.4), procedure) as record:
        assert values_of(record, "discharge_capacity") == [pytest.approx(121.1, rel=0.03)] * 2


def shorting(held_Ah: float, current_A: float) -> float:
    return ohmic(held_Ah, current_A) * (0.02 if abs(current_A) > 0.45e-3 * AREA_CM2 else 1.0)


def test_a_ladder_on_the_cycler_is_stopped_at_its_short(tmp_path: Path) -> None:
    currents = {"start": 0.1, "stop": 1.0, "step": 0.1, "unit": "mA/cm2"}
    tests = Kept(shorting, 0.0)
    procedure = procedure_of("critical-current", on="cycler", currents=currents, half_min=30, interval_s=5)
    with run_on(tmp_path, tests, procedure) as record:
        assert record.outcome == "finished"
        assert values_of(record, "critical_current_density") == [pytest.approx(0.4, rel=0.01)]
        assert max(record.table("cycling")["current_density_mA_cm2"]) < 0.75
    assert list(tests.stopped_s) == ["test-1"]


def dead(held_Ah: float, current_A: float) -> float:
    return 0.2 * current_A


@pytest.mark.parametrize(
    ("name", "parameters"),
    [("symmetric-cycling", {"stage_h": 20}), ("critical-current", {"on": "cycler", "interval_s": 5})],
)
def test_a_cell_shorted_from_the_start_is_stopped_at_its_first_records(
    name: str, parameters: dict[str, Any], tmp_path: Path
) -> None:
    """At rest it shows 0 V, as a sound symmetric cell does."""
    tests = Kept(dead, 0.0)
    with run_on(tmp_path, tests, procedure_of(name, **parameters)) as record:
        assert record.outcome == "failed"
        assert "cell is shorted (0.2 Ω in the first 10 records under current)" in record.reason
        assert record.table("cycling")["time_s"][-1] < 600
    assert list(tests.stopped_s) == ["test-1"]


class Unplugged(DcCycler):
    """Its driver fails after three hours: the cycler itself runs on."""

    def attach(self, ref: str) -> Any:
        if self._clock.monotonic() > 3 * 3600:
            raise InstrumentError(self.name, "the program was lost")
        return super().attach(ref)


def test_after_a_break_every_record_is_there_once(tmp_path: Path) -> None:
    tests = Kept(ohmic, 0.0)
    parameters = {"stage_h": 6, "currents": ["0.1 mA/cm2"]}
    with run_on(tmp_path, tests, procedure_of("symmetric-cycling", **parameters), cycler=Unplugged) as record:
        assert record.outcome == "failed"
        broken_at = len(record.table("cycling")["record"])
        path = record.path
    again = procedure_of("symmetric-cycling", **parameters)
    left_h: list[float] = []

    def look(progress: Progress) -> None:
        if progress.text.startswith("cycle ") and progress.remaining_s is not None:
            left_h.append((progress.bench_s + progress.remaining_s) / 3600)

    with run_on(tmp_path, tests, again, start_s=5 * 3600.0, resumed=path, on_progress=look) as record:
        began_s = float(record.recall("cycler began"))
        assert left_h == [pytest.approx(began_s / 3600 + 6, abs=0.01)] * len(left_h)  # not as if it began anew
        assert left_h
        assert record.outcome == "finished"
        rows = record.table("cycling")
        whole = tests.records["test-1"]
        assert 0 < broken_at < len(whole)
        assert list(rows["record"]) == [one.number for one in whole]
        assert np.all(np.diff(rows["t_s"]) >= 0)
        assert len(tests.submitted) == 1
        assert all("spans a break" in one.method for one in record.results() if one.value is not None)


class Faltering(DcCycler):
    """Every third question after its records is not answered, and for an hour none at all."""

    lost_after_s = 7200.0
    asked = 0

    def records(self, ref: str, after: int = 0, limit: int = 100_000) -> Any:
        self.asked += 1
        if self.asked % 3 == 0 or 3 * 3600 < self._clock.monotonic() < 4 * 3600:
            raise InstrumentLost(self.name, "does not answer")
        return super().records(ref, after, limit)


def test_a_cycler_that_falters_costs_no_record_and_no_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It fails in the middle of a back-fill, too: what was kept of it is not kept twice."""
    monkeypatch.setattr(cycled_cell, "AT_ONCE", 50)
    tests = Kept(ohmic, 0.0)
    procedure = procedure_of("symmetric-cycling", stage_h=6, currents=["0.1 mA/cm2"])
    with run_on(tmp_path, tests, procedure, cycler=Faltering) as record:
        assert record.outcome == "finished", record.reason
        assert list(record.table("cycling")["record"]) == [one.number for one in tests.records["test-1"]]
        said = [event.text for event in record.events()]
    assert any("does not answer; trying again" in text for text in said)
    assert any("answers again after" in text for text in said)


class Impatient(Faltering):
    lost_after_s = 600.0


def test_a_cycler_that_is_silent_beyond_its_patience_ends_the_run(tmp_path: Path) -> None:
    procedure = procedure_of("symmetric-cycling", stage_h=6, currents=["0.1 mA/cm2"])
    with run_on(tmp_path, Kept(ohmic, 0.0), procedure, cycler=Impatient) as record:
        assert record.outcome == "failed"
        assert "gave no records for" in record.reason


class LostForAWhile(DcCycler):
    """It does not answer for two questions, three hours in; the test on it runs on."""

    unanswered = 2

    def attach(self, ref: str) -> Any:
        if self._clock.monotonic() > 3 * 3600 and self.unanswered:
            self.unanswered -= 1
            raise InstrumentLost(self.name, "no answer")
        return super().attach(ref)


def test_a_cycler_lost_for_a_while_is_attached_to_again_and_every_record_is_there_once(tmp_path: Path) -> None:
    """In one process, without a resume; its test is neither stopped nor started anew."""
    tests = Kept(ohmic, 0.0)
    procedure = procedure_of("symmetric-cycling", stage_h=6, currents=["0.1 mA/cm2"])
    with run_on(tmp_path, tests, procedure, cycler=LostForAWhile) as record:
        assert record.outcome == "finished", record.reason
        assert [one.state for one in record.attempts() if one.key == "schedule"] == ["broken", "broken", "finished"]
        assert list(record.table("cycling")["record"]) == [one.number for one in tests.records["test-1"]]
    assert len(tests.submitted) == 1
    assert tests.stopped_s == {}


def test_a_cell_that_is_not_there_is_not_cycled(tmp_path: Path) -> None:
    tests = Kept(lfp, 0.0)
    with run_on(tmp_path, tests, procedure_of("galvanostatic-cycling", cycles=1)) as record:
        assert record.outcome == "failed"
        assert "nothing was run" in record.reason
    assert tests.submitted == []


def test_the_plan_s_own_schedule_is_resolved_and_printed(tmp_path: Path) -> None:
    own = [
        {"kind": "current", "direction": "charge", "current": "80 mA/g", "until": ["voltage 3.8 V", "time 3 h"]},
        {"kind": "current", "direction": "discharge", "current": "C/2", "until": ["voltage 2.9 V"]},
        {"kind": "loop", "to": 1, "times": 2},
    ]
    tests = Kept(lfp, 3.4)
    with run_on(tmp_path, tests, procedure_of("galvanostatic-cycling", own_schedule=own)) as record:
        assert len(values_of(record, "discharge_capacity")) == 2
    (schedule,) = tests.submitted
    first = schedule.steps[0]
    assert isinstance(first, Current)
    assert first.current_A == pytest.approx(0.080 * 1.4e-3)
    sheet = step_sheet(schedule)
    assert "  1  charge at 0.112 mA, until V > 3.8 V or 3 h" in sheet
    assert "back to step 1, 2 times in all" in sheet[3]


def test_zero_volt_is_a_cut_off_like_any_other() -> None:
    own = [{"kind": "current", "direction": "discharge", "current": "1 mA", "until": ["voltage 0 V"]}]
    from procedures.schedule_text import read_steps

    steps = read_steps(own, parse(Sample, CELL, "plan"), "plan")
    assert "until V < 0 V" in step_sheet(Schedule("x", steps, Protection(-1, 5, 1)))[1]


CHARGE = {"kind": "current", "direction": "charge", "current": "1 mA", "until": ["voltage 3.8 V"]}


@pytest.mark.parametrize(
    ("own_schedule", "word"),
    [([{**CHARGE, "until": ["voltage 3.8 Ah"]}], "unit"), ([{**CHARGE, "untl": []}], "untl")],
)
def test_a_step_that_cannot_be_read_is_refused_by_its_word(
    tmp_path: Path, own_schedule: list[dict[str, Any]], word: str
) -> None:
    tests = Kept(ohmic, 0.0)
    with pytest.raises(BadInput, match=word):
        run_on(tmp_path, tests, procedure_of("galvanostatic-cycling", own_schedule=own_schedule))
    assert tests.submitted == []
