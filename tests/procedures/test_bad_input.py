"""What a person may get wrong in a plan of direct current, for every procedure that it can go wrong in: refused before
anything is asked of an instrument, with what would be right; and cells that are dead before they are measured."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from cycler_double import DcCycler, Kept
from dc_doubles import DcPotentiostat, bench_of, conduct

from daq.errors import BadInput
from daq.plan import build_procedure
from daq.runfile.reader import RunFile
from daq.sample import Sample
from daq.tables import parse

FULL = {
    "name": "cell",
    "pellet": {"thickness_mm": 0.9, "diameter_mm": 10},
    "electrode": {"diameter_mm": 9},
    "active": {"mass_mg": 1.4, "capacity_mAh_g": 121.1, "diameter_mm": 10},
}
BARE = {"name": "bare"}
NO_MASS = {"name": "cell", "electrode": {"diameter_mm": 9}}
NO_CAPACITY = {"name": "cell", "electrode": {"diameter_mm": 9}, "active": {"mass_mg": 1.4}}
TENDER = {**FULL, "max_voltage_V": 3.0, "min_voltage_V": -0.2}
UP = {"kind": "current", "direction": "charge", "current": "1 mA", "until": ["voltage 3.8 V"]}
DOWN = {"kind": "current", "direction": "discharge", "current": "1 mA", "until": ["voltage 2.9 V"]}

POTENTIOSTAT = ("open-circuit", "cyclic-voltammetry", "linear-sweep", "critical-current", "dc-polarisation")
CYCLER = ("symmetric-cycling", "galvanostatic-cycling", "rate-capability")
ON_CYCLER = {"on": "cycler"}


def own(*steps: dict[str, Any]) -> dict[str, Any]:
    return {"own_schedule": list(steps)}


Case = tuple[str, str, dict[str, Any], dict[str, Any], str, str]  # why, procedure, parameters, sample, problem, allowed
CASES: list[Case] = [
    # currents without an area or a mass
    ("no area", "critical-current", {}, BARE, "needs an area", "diameter_mm"),
    ("no area", "critical-current", ON_CYCLER, BARE, "needs an area", "diameter_mm"),
    ("no area", "symmetric-cycling", {}, BARE, "needs an area", "diameter_mm"),
    ("no area", "cyclic-voltammetry", {}, BARE, "needs an area", "diameter_mm"),
    ("no area", "linear-sweep", {}, BARE, "needs an area", "diameter_mm"),
    ("no area", "dc-polarisation", {}, BARE, "needs a thickness", "thickness_mm"),
    ("no area", "galvanostatic-cycling", {"charge_current": ["0.1 mA/cm2"]}, BARE, "needs an area", "diameter_mm"),
    ("no area", "rate-capability", {"rates": ["0.1 mA/cm2"]}, BARE, "needs an area", "diameter_mm"),
    ("no area", "symmetric-cycling", {"currents": ["1 mA"], "half_capacity_mAh_cm2": 0.1}, BARE, "needs an area", "9"),
    ("no mass", "critical-current", {"currents": ["80 mA/g"]}, NO_MASS, "needs mass_mg", "active ="),
    ("no mass", "symmetric-cycling", {"currents": ["80 mA/g"]}, NO_MASS, "needs mass_mg", "active ="),
    ("no mass", "galvanostatic-cycling", {}, NO_MASS, "needs mass_mg", "active ="),
    ("no mass", "rate-capability", {"rates": ["80 mA/g"]}, NO_MASS, "needs mass_mg", "active ="),
    ("no mass", "galvanostatic-cycling", own({**UP, "current": "80 mA/g"}), NO_MASS, "needs mass_mg", "active ="),
    # C-rates without a capacity
    ("no capacity", "critical-current", {"currents": ["C/2"]}, NO_CAPACITY, "needs capacity_mAh_g", "active ="),
    ("no capacity", "symmetric-cycling", {"currents": ["C/2"]}, NO_CAPACITY, "needs capacity_mAh_g", "active ="),
    ("no capacity", "galvanostatic-cycling", {"charge_current": ["C/2"]}, NO_CAPACITY, "needs capacity", "active"),
    ("no capacity", "galvanostatic-cycling", {"formation_cycles": 1, "formation_current": ["C/20"]}, NO_CAPACITY,
     "needs capacity_mAh_g", "active"),
    ("no capacity", "rate-capability", {}, NO_CAPACITY, "needs capacity_mAh_g", "active ="),
    ("no capacity", "galvanostatic-cycling", own({**UP, "current": "C/2"}), NO_CAPACITY, "needs capacity", "active ="),
    # cut-offs on the wrong side
    ("wrong side", "cyclic-voltammetry", {"lower_V": 3.6}, FULL, "not below the upper", "below 3.5 V"),
    ("wrong side", "cyclic-voltammetry", {"start_V": 3.7}, FULL, "outside of the vertices", "ocp"),
    ("wrong side", "galvanostatic-cycling", {"lower_V": 3.9}, FULL, "not below the upper", "below 3.8 V"),
    ("wrong side", "rate-capability", {"lower_V": 3.9}, FULL, "not below the upper", "below 3.8 V"),
    ("wrong side", "galvanostatic-cycling", own(UP, {**DOWN, "until": ["voltage 3.85 V"]}), FULL,
     "the charge before it already at 3.8 V", "below 3.8 V"),
    ("wrong side", "galvanostatic-cycling", own(DOWN, {"kind": "rest", "hours": 1}, {**UP, "until": ["voltage 2.8 V"]}),
     FULL, "the discharge before it already at 2.9 V", "above 2.9 V"),
    # what never ends
    ("endless", "galvanostatic-cycling", own({**UP, "until": []}), FULL, "never ends", "time 3 h"),
    ("endless", "galvanostatic-cycling", own({**UP, "until": ["current 0.1 mA"]}), FULL, "its current is held", "time"),
    ("endless", "galvanostatic-cycling",
     own({**UP, "kind": "current-then-voltage", "voltage_V": 3.8, "until": ["voltage 3.8 V"]}), FULL,
     "its voltage is held", "current 0.1 mA"),
    ("endless", "galvanostatic-cycling", own(UP, DOWN, {"kind": "loop", "to": 1, "times": 10**9}), FULL, "passes",
     "a loop must end"),
    ("endless", "galvanostatic-cycling", own(UP, DOWN, {"kind": "loop", "to": 1, "times": 0}), FULL, "0 passes", "1"),
    ("endless", "galvanostatic-cycling", own(UP, {"kind": "loop", "to": 2, "times": 3}), FULL, "goes back", "1 to 1"),
    ("endless", "galvanostatic-cycling",
     own(UP, DOWN, {"kind": "loop", "to": 1, "times": 10**4}, {"kind": "loop", "to": 1, "times": 10**4}), FULL,
     "loops within loops", "must end"),
    # what ends at once
    ("at once", "galvanostatic-cycling",
     own({"kind": "voltage", "voltage_V": 3.8, "current": "1 mA", "until": ["current 2 mA"]}), FULL,
     "ends at once: its current is at most 1 mA, below its end of 2 mA", "less than 1 mA"),
    ("at once", "galvanostatic-cycling",
     own({**UP, "kind": "current-then-voltage", "voltage_V": 3.8, "until": ["current 2 mA"]}), FULL, "ends at once",
     "less than 1 mA"),
    # beyond the protection
    ("protection", "galvanostatic-cycling", own(UP, {**UP, "until": ["voltage 4.2 V"]}), FULL,
     "4.2 V is beyond the protection, which this plan's lower_V and upper_V set (2.9 and 3.8 V", "2.7 to 4 V"),
    ("protection", "galvanostatic-cycling",
     own({"kind": "voltage", "voltage_V": 2.5, "current": "1 mA", "hours": 1}), FULL, "lower_V and upper_V", "2.7 to"),
    # what would not count
    ("would not count", "symmetric-cycling", {"stage_cycles": 10}, FULL, "10 do not count while stage_h says 500 h",
     'stage_h = "by cycles"'),
    # times below the instrument's
    ("too quick", "cyclic-voltammetry", {"scan_rate_mV_s": 1e5, "step_mV": 0.1}, FULL, "stair's time", "0.001"),
    ("too quick", "linear-sweep", {"scan_rate_mV_s": 1e5, "step_mV": 0.1}, FULL, "stair's time", "0.001"),
    ("too quick", "critical-current", {"half_min": 0.1}, FULL, "fewer than 30 points", "longer halves"),
    ("too quick", "critical-current", {**ON_CYCLER, "interval_s": 0.01}, FULL, "every 0.01 s", "0.1 s or more"),
    ("too quick", "open-circuit", {"duration_h": 0.001, "interval_s": 3}, FULL, "fewer than 8 points", "up to"),
    ("too quick", "dc-polarisation", {"hold_h": 0.001}, FULL, "fewer than 30 points", "up to 0.12 s"),
    ("too quick", "symmetric-cycling", {"record_s": 0.01}, FULL, "a record every 0.01 s", "0.1 s or more"),
    ("too quick", "symmetric-cycling", {"record_s": 600}, FULL, "fewer than 12", "up to 150 s"),
    ("too quick", "galvanostatic-cycling", {"record_s": 0.01}, FULL, "a record every 0.01 s", "0.1 s or more"),
    ("too quick", "rate-capability", {"record_s": 0.01}, FULL, "a record every 0.01 s", "0.1 s or more"),
    ("too quick", "galvanostatic-cycling", own({"kind": "rest", "hours": 1e-4}), FULL, "0.36 s", "1 s or more"),
    # beyond the instrument
    ("instrument", "cyclic-voltammetry", {"upper_V": 12}, FULL, "12 V is beyond potentiostat", "-10 to 10 V"),
    ("instrument", "linear-sweep", {"end_V": 12}, FULL, "12 V is beyond potentiostat", "-10 to 10 V"),
    ("instrument", "dc-polarisation", {"potentials": ["12 V"]}, FULL, "12 V is beyond potentiostat", "-10 to 10 V"),
    ("instrument", "critical-current", {"voltage_limit_V": 12}, FULL, "12 V is beyond potentiostat", "-10 to 10 V"),
    ("instrument", "critical-current", {"currents": ["5 A"]}, FULL, "5 A is beyond potentiostat", "up to 0.1 A"),
    ("instrument", "cyclic-voltammetry", {"current_max_mA": 500}, FULL, "0.5 A is beyond potentiostat", "up to 0.1 A"),
    ("instrument", "symmetric-cycling", {"currents": ["5 A"]}, FULL, "5 A", "to 0.1 A"),
    ("instrument", "galvanostatic-cycling", {"upper_V": 5.5}, FULL, "5.5 V", "to 5 V"),
    ("instrument", "rate-capability", {"upper_V": 5.5}, FULL, "5.5 V", "to 5 V"),
    # beyond the sample
    ("sample", "cyclic-voltammetry", {}, TENDER, "beyond what sample cell bears", "-0.2 to 3 V"),
    ("sample", "linear-sweep", {}, TENDER, "5 V is beyond what sample cell bears", "-0.2 to 3 V"),
    ("sample", "dc-polarisation", {"potentials": ["3.5 V"]}, TENDER, "3.5 V is beyond what sample", "-0.2 to 3 V"),
    ("sample", "critical-current", {}, TENDER, "5 V is beyond what sample", "-0.2 to 3 V"),
    ("sample", "critical-current", ON_CYCLER, TENDER, "5 V is beyond what sample", "-0.2 to 3 V"),
    ("sample", "symmetric-cycling", {}, TENDER, "5 V is beyond what sample", "-0.2 to 3 V"),
    ("sample", "galvanostatic-cycling", {}, TENDER, "3.8 V is beyond what sample", "-0.2 to 3 V"),
    ("sample", "rate-capability", {}, TENDER, "3.8 V is beyond what sample", "-0.2 to 3 V"),
    ("sample", "linear-sweep", {"temperature_C": 130}, {**FULL, "max_temperature_C": 120}, "beyond sample cell", "120"),
]  # fmt: skip


def on_bench(folder: Path, rest_V: float = 0.0, ohm: float = 400.0, with_cycler: bool = True) -> Any:
    bench, clock = bench_of(folder, furnace="simulated-furnace")
    potentiostat = DcPotentiostat(clock, lambda volt, t: 1e-6 * volt, lambda amps, t: 200 * amps, rest_V, ohm)
    bench.instruments["potentiostat"] = potentiostat
    tests = Kept(lambda held_Ah, current_A: 200 * current_A, rest_V)
    if with_cycler:
        bench.instruments["cycler"] = DcCycler(clock, tests)
    return bench, potentiostat, tests


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case[0]}-{case[1]}-{CASES.index(case)}")
def test_it_is_refused_and_the_sentence_says_what_would_be_right(case: Case, tmp_path: Path) -> None:
    _, name, parameters, sample, problem, allowed = case
    bench, potentiostat, tests = on_bench(tmp_path)
    procedure: Any = build_procedure(name, parameters, "plan")
    with pytest.raises(BadInput) as refused:
        conduct(procedure, bench, [parse(Sample, sample, "plan")], tmp_path)
    assert problem in refused.value.problem
    assert allowed in refused.value.allowed
    assert refused.value.place.startswith("plan")
    assert potentiostat.asked == []
    assert tests.submitted == []
    assert not list(tmp_path.glob("runs/*"))


def test_every_procedure_and_every_kind_of_mistake_is_in_the_table() -> None:
    assert {case[1] for case in CASES} == {*POTENTIOSTAT, *CYCLER}
    assert len({case[0] for case in CASES}) == 11


DEAD = [(name, ohm, rest_V, word) for name in POTENTIOSTAT for ohm, rest_V, word in
        ((0.2, 2.1, "is shorted"), (3e9, 2.1, "is not connected"))]  # fmt: skip
DEAD += [(name, ohm, 3.0, word) for name in CYCLER for ohm, word in ((0.2, "is shorted"), (3e9, "is not connected"))]


@pytest.mark.parametrize(("name", "ohm", "rest_V", "word"), DEAD)
def test_a_dead_cell_is_told_and_nothing_is_run(
    name: str, ohm: float, rest_V: float, word: str, tmp_path: Path
) -> None:
    """On a potentiostat; where a procedure wants a cycler, this computer cycles on it."""
    bench, potentiostat, _ = on_bench(tmp_path, rest_V, ohm, with_cycler=False)
    procedure: Any = build_procedure(name, {"temperature_C": 80}, "plan")
    _, path = conduct(procedure, bench, [parse(Sample, FULL, "plan")], tmp_path)
    with RunFile.open(path) as run:
        assert run.outcome == "failed"
        assert word in run.reason
        assert "nothing was run" in run.reason
        assert max(run.table("temperature")["temperature_C"], default=20) < 25  # and nothing was heated
    assert {one.kind for one in potentiostat.asked} <= {"open-circuit", "spectrum"}


@pytest.mark.parametrize("name", CYCLER[1:])
@pytest.mark.parametrize("rest_V", [0.0, 4.9])
def test_a_cell_that_shows_no_sound_voltage_is_not_cycled(name: str, rest_V: float, tmp_path: Path) -> None:
    bench, _, tests = on_bench(tmp_path, rest_V)
    procedure: Any = build_procedure(name, {"temperature_C": 80}, "plan")
    _, path = conduct(procedure, bench, [parse(Sample, FULL, "plan")], tmp_path)
    with RunFile.open(path) as run:
        assert "nothing was run; look at the cables" in run.reason
    assert tests.submitted == []


def test_a_sweep_that_would_end_where_the_cell_rests_is_found_before_heating(tmp_path: Path) -> None:
    bench, potentiostat, _ = on_bench(tmp_path, 2.1)
    procedure: Any = build_procedure("linear-sweep", {"end_V": 2.0, "temperature_C": 80}, "plan")
    _, path = conduct(procedure, bench, [parse(Sample, FULL, "plan")], tmp_path)
    with RunFile.open(path) as run:
        assert "rests at 2.1 V, not below the end 2 V: nothing was swept; choose a higher end_V" in run.reason
        assert max(run.table("temperature")["temperature_C"], default=20) < 25
    assert {one.kind for one in potentiostat.asked} <= {"open-circuit", "spectrum"}


def test_a_voltammogram_that_comes_in_from_outside_its_vertices_says_so(tmp_path: Path) -> None:
    bench, _, _ = on_bench(tmp_path, 2.1)
    procedure: Any = build_procedure("cyclic-voltammetry", {"upper_V": 2.0, "cycles": 1, "scan_rate_mV_s": 50}, "plan")
    _, path = conduct(procedure, bench, [parse(Sample, FULL, "plan")], tmp_path)
    with RunFile.open(path) as run:
        told = [event.text for event in run.events() if event.level == "warning"]
        assert any("rests at 2.1 V, outside of -0.5 to 2 V" in text for text in told)
