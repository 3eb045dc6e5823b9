"""Direct current on a potentiostat: truths of a cell of known physics come back, and what is wrong is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from dc_doubles import DcPotentiostat, bench_of, conduct

from daq.contracts import Result
from daq.errors import BadInput, InstrumentLost, Stopped
from daq.plan import build_procedure, check_plan, load_plan, make_plan
from daq.runfile.reader import RunFile
from daq.runner import Watcher, run_plan
from daq.sample import Sample
from daq.tables import parse
from drivers.techniques import ConstantCurrent, OpenCircuit, Spectrum

CELL = {
    "name": "cell",
    "pellet": {"thickness_mm": 0.9, "diameter_mm": 10},
    "electrode": {"diameter_mm": 9},
}
AREA_CM2 = np.pi * 0.45**2


def nothing(value: float, t_s: float) -> float:
    return 0.0


def run_dc(name: str, folder: Path, cell: dict[str, Any], **parameters: Any) -> tuple[RunFile, DcPotentiostat]:
    bench, clock = bench_of(folder, furnace="simulated-furnace")
    laws: dict[str, Any] = {"current_A": nothing, "voltage_V": nothing, **cell}
    potentiostat = DcPotentiostat(clock, **laws)
    bench.instruments["potentiostat"] = potentiostat
    procedure: Any = build_procedure(name, parameters, "plan")
    _, path = conduct(procedure, bench, [parse(Sample, CELL, "plan")], folder)
    return RunFile.open(path), potentiostat


def value_of(record: RunFile, name: str, **at: Any) -> float:
    found = [one for one in record.results() if one.name == name and at.items() <= one.at.items()]
    assert found, [one.name for one in record.results()]
    assert found[0].value is not None, found[0].reason
    return found[0].value


def tafel(voltage_V: float, t_s: float) -> float:
    """5 µA/cm2 at 4.0 V, 60 mV per decade, at most 1 mA/cm2."""
    rising = 5e-6 * 10 ** ((voltage_V - 4.0) / 0.060)
    return AREA_CM2 * rising / (1 + rising / 1e-3)


def test_the_sweep_finds_rest_and_onset_at_its_temperature(tmp_path: Path) -> None:
    record, _ = run_dc("linear-sweep", tmp_path, {"current_A": tafel, "rest_V": 2.1}, temperature_C=80)
    with record:
        assert record.outcome == "finished"
        assert value_of(record, "open_circuit_potential") == pytest.approx(2.1, abs=0.001)
        assert value_of(record, "oxidation_onset") == pytest.approx(4.0, abs=0.01)
        rows, furnace = record.table("voltammetry"), record.table("temperature")
        assert len(rows["voltage_V"]) == 2901
        assert rows["current_density_mA_cm2"] == pytest.approx(1e3 * rows["current_A"] / AREA_CM2)
        swept = furnace["t_s"] > rows["t_s"][0]
        assert np.all(np.abs(furnace["temperature_C"][swept] - 80) < 1.0)


def plating(voltage_V: float, t_s: float) -> float:
    return AREA_CM2 * 0.5e-3 * np.sinh(np.clip(voltage_V, -0.5, 0.2) / 0.2) * (voltage_V < 0.2)


def test_a_voltammogram_is_stable_up_to_its_vertex(tmp_path: Path) -> None:
    cell = {"current_A": plating, "rest_V": 2.1}
    record, _ = run_dc("cyclic-voltammetry", tmp_path, cell, cycles=2, scan_rate_mV_s=5)
    with record:
        assert record.outcome == "finished"
        assert value_of(record, "plating_onset", cycle=1) < 0.01
        assert value_of(record, "stable_to", cycle=2) == pytest.approx(3.5, abs=0.01)


@pytest.mark.parametrize("start_V", [-0.5, 0.0, 0.13])
def test_a_voltammogram_that_begins_low_has_all_its_cycles(start_V: float, tmp_path: Path) -> None:
    cell = {"current_A": plating, "rest_V": 2.1}
    record, _ = run_dc("cyclic-voltammetry", tmp_path, cell, cycles=2, scan_rate_mV_s=5, start_V=start_V)
    with record:
        assert {one.at["cycle"] for one in record.results()} == {1, 2}
        assert value_of(record, "plating_charge", cycle=1) > 1
        assert value_of(record, "plating_onset", cycle=2) < 0.01


def ladder(fails_at_mA_cm2: float, left: float) -> Any:
    def voltage_V(current_A: float, t_s: float) -> float:
        density = abs(1e3 * current_A / AREA_CM2)
        return 0.247 * 1e3 * current_A / AREA_CM2 * (left if density > fails_at_mA_cm2 else 1.0)

    return {"voltage_V": voltage_V}


def test_a_hard_short_ends_the_ladder_and_the_last_passed_is_told(tmp_path: Path) -> None:
    currents = {"start": 0.1, "stop": 1.0, "step": 0.1, "unit": "mA/cm2"}
    record, asked = run_dc("critical-current", tmp_path, ladder(0.65, 0.02), currents=currents, half_min=5)
    with record:
        assert record.outcome == "finished"
        assert value_of(record, "critical_current_density") == pytest.approx(0.6, rel=1e-6)
        assert value_of(record, "area_specific_resistance") == pytest.approx(247, rel=0.02)
        assert value_of(record, "polarisation", step=1) == pytest.approx(24.7, rel=0.02)
        assert sum("the ladder ends here" in event.text for event in record.events()) == 1
    run = [one for one in asked.asked if isinstance(one, ConstantCurrent)]
    assert max(abs(one.current_A) for one in run) == pytest.approx(0.7e-3 * AREA_CM2)


def test_a_healthy_ladder_runs_to_its_end(tmp_path: Path) -> None:
    record, _ = run_dc("critical-current", tmp_path, ladder(9, 1), currents=["0.1 mA/cm2", "0.2 mA/cm2"], half_min=5)
    with record:
        assert not any("short circuit" in event.text for event in record.events() if event.source == "procedure")
        assert next(r for r in record.results() if r.name == "short_circuit").value is None


@pytest.mark.parametrize("instrument", ["potentiostat", "cycler"])
@pytest.mark.parametrize(("limit_V", "above"), [(0.155, 0.3), (0.12, 0.3), (0.06, 0.1)])
def test_a_ladder_that_ends_at_its_voltage_limit_says_above_what(
    instrument: str, limit_V: float, above: float, tmp_path: Path
) -> None:
    """247 ohm cm2, growing by half an hour: a current is cut off in its half, or (0.12 V) as it begins."""
    bench = f"""[bench]
name = "s"
[instruments.one]
driver = "simulated-{instrument}"
[simulation]
cell = "symmetric"
[simulation.parameters]
reference_temperature_C = 20
critical_current_density_mA_cm2 = 9
electrolyte_asr_ohm_cm2 = 127
interface_asr_ohm_cm2 = 120
growth_percent_per_h = 100
"""
    plan = f"""bench = "bench.toml"
[sample]
name = "s"
electrode = {{ diameter_mm = 9 }}
[[run]]
procedure = "critical-current"
on = "{instrument}"
currents = {{ start = 0.1, stop = 1.0, step = 0.1, unit = "mA/cm2" }}
half_min = 10
interval_s = 2
voltage_limit_V = {limit_V}
"""
    (tmp_path / "bench.toml").write_text(bench, encoding="utf-8")
    (tmp_path / "plan.toml").write_text(plan, encoding="utf-8")
    (ended,) = run_plan(load_plan(tmp_path / "plan.toml"), tmp_path / "runs", Watcher())
    with RunFile.open(ended.path) as record:
        (found,) = [one for one in record.results() if one.name == "critical_current_density"]
    assert found.value is None
    assert f"the critical current density is above {above:g}" in (found.reason or ""), found.reason
    assert "the voltage limit ended the ladder at" in (found.reason or "")


@pytest.mark.parametrize(("ohm", "word"), [(0.2, "shorted"), (3e9, "not connected")])
def test_a_dead_cell_is_reported_and_nothing_is_run(tmp_path: Path, ohm: float, word: str) -> None:
    record, asked = run_dc("critical-current", tmp_path, {"ohm": ohm}, temperature_C=80)
    with record:
        assert record.outcome == "failed"
        assert word in record.reason
        assert len(record.table("polarisation")["t_s"]) == 0
        assert np.max(record.table("temperature")["temperature_C"]) < 25
    assert all(isinstance(one, OpenCircuit | Spectrum) for one in asked.asked)


def test_constant_current_goes_on_with_the_charge_that_was_left(tmp_path: Path) -> None:
    bench, clock = bench_of(tmp_path, furnace="simulated-furnace")
    pulled = {"at": 400.0}

    def voltage_V(current_A: float, t_s: float) -> float:
        if t_s > pulled["at"]:
            raise Stopped("stopped by the user")
        return 0.247 * 1e3 * current_A / AREA_CM2

    sample = parse(Sample, CELL, "plan")
    parameters = {"currents": ["0.1 mA/cm2", "0.2 mA/cm2"], "half_min": 5}
    bench.instruments["potentiostat"] = DcPotentiostat(clock, nothing, voltage_V)
    end, path = conduct(build(parameters), bench, [sample], tmp_path)
    assert end.outcome == "stopped"
    pulled["at"] = np.inf
    bench, clock = bench_of(tmp_path, 7600.0, furnace="simulated-furnace")
    bench.instruments["potentiostat"] = DcPotentiostat(clock, nothing, voltage_V)
    end, path = conduct(build(parameters), bench, [sample], tmp_path, path)
    with RunFile.open(path) as record:
        assert record.outcome == "finished"
        rows = record.table("polarisation")
        second = rows["stage"] == 2
        assert set(rows["attempt"][second]) == {1, 2}
        passed = sum(np.max(np.abs(rows["charge_C"][second & (rows["attempt"] == n)])) for n in (1, 2))
        assert passed == pytest.approx(1e-4 * AREA_CM2 * 300, rel=0.01)
        assert all("spans a break" in one.method for one in record.results() if one.value is not None)


def test_an_instrument_lost_in_a_half_cycle_passes_only_the_charge_that_was_left(tmp_path: Path) -> None:
    """In one process, without a resume: what was passed is taken from the record all the same."""
    bench, clock = bench_of(tmp_path, furnace="simulated-furnace")
    losses = [400.0]

    def voltage_V(current_A: float, t_s: float) -> float:
        if losses and t_s > losses[0]:
            losses.pop()
            raise InstrumentLost("potentiostat", "no answer")
        return 0.247 * 1e3 * current_A / AREA_CM2

    bench.instruments["potentiostat"] = DcPotentiostat(clock, nothing, voltage_V)
    parameters = {"currents": ["0.1 mA/cm2", "0.2 mA/cm2"], "half_min": 5}
    end, path = conduct(build(parameters), bench, [parse(Sample, CELL, "plan")], tmp_path)
    assert end.outcome == "finished"
    with RunFile.open(path) as record:
        rows = record.table("polarisation")
        second = rows["stage"] == 2
        assert set(rows["attempt"][second]) == {1, 2}
        passed = sum(np.max(np.abs(rows["charge_C"][second & (rows["attempt"] == n)])) for n in (1, 2))
        assert passed == pytest.approx(1e-4 * AREA_CM2 * 300, rel=0.01)
        assert all("spans a break" in one.method for one in record.results() if one.value is not None)


def build(parameters: dict[str, Any]) -> Any:
    return of_name("critical-current", parameters)


def of_name(name: str, parameters: dict[str, Any]) -> Any:
    return build_procedure(name, parameters, "plan")


def decay(voltage_V: float, t_s: float) -> float:
    return voltage_V * (1e-9 * AREA_CM2 / 0.09 + 1e-7 * np.exp(-(t_s % 7200.0) / 300.0))


def test_the_electronic_conductivity_is_the_slope_of_the_steady_currents(tmp_path: Path) -> None:
    strong = {"current_A": lambda volt, t_s: 1e4 * decay(volt, t_s)}
    record, _ = run_dc("dc-polarisation", tmp_path, strong, potentials=["100 mV", "0.2 V"], interval_s=5)
    with record:
        assert value_of(record, "electronic_conductivity") == pytest.approx(1e-5, rel=0.05)


ELECTROLYTE_OHM, INTERFACE_OHM = 370.0, 60.0


def lithium_electrodes(frequency_Hz: float) -> complex:
    return ELECTROLYTE_OHM + INTERFACE_OHM / (1 + 2j * np.pi * frequency_Hz * INTERFACE_OHM * 6e-6)


def test_the_lithium_ions_share_is_told_by_first_and_steady_current(tmp_path: Path) -> None:
    """A salt's gradient builds up: the electrolyte's resistance rises from R to R / t, the interface's stays."""
    share = 0.62

    def current(volt: float, t_s: float) -> float:
        first, steady = (volt / (INTERFACE_OHM + ELECTROLYTE_OHM / part) for part in (1.0, share))
        return steady + (first - steady) * np.exp(-(t_s - began[0]) / 400.0)

    began: list[float] = []

    def from_the_first(volt: float, t_s: float) -> float:
        began[:] = began or [t_s]
        return current(volt, t_s)

    cell = {"current_A": from_the_first, "impedance_ohm": lithium_electrodes}
    record, _ = run_dc("dc-polarisation", tmp_path, cell, potentials=["10 mV"], interval_s=5, electrodes="lithium")
    with record:
        (found,) = [one for one in record.results() if one.name == "transference_number"]
        assert value_of(record, "interfacial_resistance") == pytest.approx(INTERFACE_OHM, rel=0.01)
    assert found.value == pytest.approx(share, abs=0.01)
    assert found.interval is not None
    assert found.interval[0] < share < found.interval[1]
    assert "Evans, Vincent & Bruce" in found.method


def test_a_single_ion_conductor_between_lithium_carries_all_with_its_ions(tmp_path: Path) -> None:
    bench = (
        '[bench]\nname = "s"\n[instruments.one]\ndriver = "simulated-potentiostat"\n[simulation]\ncell = "symmetric"'
    )
    (tmp_path / "bench.toml").write_text(
        f"{bench}\n[simulation.parameters]\nreference_temperature_C = 20\n", encoding="utf-8"
    )
    plan = """bench = "bench.toml"
    [sample]
    name = "s"
    pellet = { thickness_mm = 0.9, diameter_mm = 9 }
    electrode = { diameter_mm = 9 }
    [[run]]
    procedure = "dc-polarisation"
    potentials = ["10 mV", "20 mV"]
    electrodes = "lithium"
    hold_h = 0.2"""
    (tmp_path / "plan.toml").write_text(plan, encoding="utf-8")
    (ended,) = run_plan(load_plan(tmp_path / "plan.toml"), tmp_path / "runs", Watcher())
    with RunFile.open(ended.path) as record:
        found = [one.value for one in record.results() if one.name == "transference_number"]
        interfaces = [one.value for one in record.results() if one.name == "interfacial_resistance"]
    assert found == [pytest.approx(1.0, abs=0.005)] * 2
    assert interfaces == [pytest.approx(12 / 0.6362, rel=0.02)] * 2


@pytest.mark.parametrize("electrodes", ["blocking", "lithium"])
def test_a_hold_that_overloads_the_potentiostat_ends_and_is_no_result(electrodes: str, tmp_path: Path) -> None:
    """A cell of lithium shorts under the potentials that are meant for blocking electrodes."""
    (tmp_path / "bench.toml").write_text(
        '[bench]\nname = "s"\n[instruments.one]\ndriver = "simulated-potentiostat"\n'
        '[simulation]\ncell = "symmetric"\nseed = 1\n[simulation.parameters]\nreference_temperature_C = 20\n'
        "time_to_short_s = 60\n",
        encoding="utf-8",
    )
    plan = f"""bench = "bench.toml"
    [sample]
    name = "s"
    pellet = {{ thickness_mm = 0.4, diameter_mm = 10 }}
    [[run]]
    procedure = "dc-polarisation"
    electrodes = "{electrodes}"
    potentials = ["10 mV", "1.0 V", "1.1 V", "1.2 V"]
    hold_h = 0.1"""
    (tmp_path / "plan.toml").write_text(plan, encoding="utf-8")
    (ended,) = run_plan(load_plan(tmp_path / "plan.toml"), tmp_path / "runs", Watcher())
    with RunFile.open(ended.path) as record:
        assert record.outcome == "failed"
        assert "can measure (0.1 A read" in record.reason
        assert "give lower potentials" in record.reason
        assert not any("points were overloaded" in event.text for event in record.events())  # once is enough
        overload = record.table("polarisation")["overload"]
        assert 1 < overload.sum() <= 7
        assert overload[-1]
        steady = {one.at["voltage_V"]: one for one in record.results() if one.name == "steady_current"}
        others = [one for one in record.results() if one.name in ("electronic_conductivity", "transference_number")]
    assert steady[min(steady)].value == pytest.approx(0.01 / 400, rel=0.5)
    assert "overloaded" in (steady[max(steady)].reason or "")
    assert others[-1].value is None
    assert electrodes == "lithium" or "overloaded" in (others[-1].reason or "")


@pytest.mark.parametrize("value", ["-0.1 V", "0 mV"])
def test_a_potential_of_the_other_sign_says_what_to_do(value: str) -> None:
    with pytest.raises(BadInput, match="above 0: for the other sign exchange the cell's leads"):
        of_name("dc-polarisation", {"potentials": [value]})


def test_ionic_and_electronic_conductivity_make_the_transference_number(tmp_path: Path) -> None:
    """210 ohm before a blocking line, and a tenth of its conductivity for electrons."""

    def blocking(frequency_Hz: float) -> complex:
        jw = 2j * np.pi * frequency_Hz
        return 10 + 200 / (1 + (jw * 200 * 3e-9) ** 0.9) + 1 / (5e-5 * jw**0.8)

    cell = {"current_A": lambda volt, t_s: volt * (5e-8 + 1e-6 * np.exp(-(t_s % 7200.0) / 300.0)) * 1e4}
    record, _ = run_dc("dc-polarisation", tmp_path, cell | {"impedance_ohm": blocking},
                       potentials=["0.1 V", "0.2 V"], interval_s=5)  # fmt: skip
    with record:
        assert value_of(record, "electronic_conductivity") == pytest.approx(5e-4 * 0.09 / AREA_CM2, rel=0.05)
        assert value_of(record, "transference_number") == pytest.approx(1 - 5e-4 * 210, abs=0.01)


def test_open_circuit_through_the_public_door(tmp_path: Path) -> None:
    plan = make_plan({"sample": CELL, "run": [{"procedure": "open-circuit", "duration_h": 0.1, "temperature_C": 40}]})
    (ended,) = run_plan(plan, tmp_path, Watcher())
    with RunFile.open(ended.path) as record:
        assert record.outcome == "finished"
        found: dict[str, Result] = {one.name: one for one in record.results()}
        assert abs(found["open_circuit_potential"].value or 1.0) < 0.001
        assert "drift" in found


@pytest.mark.parametrize(
    ("name", "parameters", "word"),
    [
        ("critical-current", {"currents": ["0.2 mA/cm2", "0.1 mA/cm2"]}, "rise"),
        ("critical-current", {"currents": ["0.1 furlongs"]}, "mA/cm2"),
        ("critical-current", {"currents": [-0.1]}, "mA/cm2"),
        ("linear-sweep", {"temperature_C": 2000}, "beyond"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_moves(
    tmp_path: Path, name: str, parameters: dict[str, Any], word: str
) -> None:
    bench, clock = bench_of(tmp_path, furnace="simulated-furnace")
    potentiostat = DcPotentiostat(clock, nothing, nothing)
    bench.instruments["potentiostat"] = potentiostat
    with pytest.raises(BadInput, match=word):
        conduct(of_name(name, parameters), bench, [parse(Sample, CELL, "plan")], tmp_path)
    assert potentiostat.asked == []


def test_a_potentiostat_that_cannot_is_named(tmp_path: Path) -> None:
    plan = make_plan({"sample": CELL, "run": [{"procedure": "linear-sweep", "end_V": 11}]})
    with pytest.raises(BadInput, match=r"cannot do|beyond"):
        check_plan(plan)


def test_a_sweep_that_was_broken_off_ends_with_what_it_has(tmp_path: Path) -> None:
    stops = {"at_V": 4.3}

    def current_A(voltage_V: float, t_s: float) -> float:
        if voltage_V > stops["at_V"]:
            raise Stopped("stopped by the user")
        return tafel(voltage_V, t_s)

    sample = parse(Sample, CELL, "plan")
    bench, clock = bench_of(tmp_path, furnace="simulated-furnace")
    bench.instruments["potentiostat"] = DcPotentiostat(clock, current_A, nothing, 2.1)
    end, path = conduct(of_name("linear-sweep", {}), bench, [sample], tmp_path)
    assert end.outcome == "stopped"
    stops["at_V"] = np.inf
    bench, clock = bench_of(tmp_path, 9600.0, furnace="simulated-furnace")
    again = DcPotentiostat(clock, current_A, nothing, 2.1)
    bench.instruments["potentiostat"] = again
    end, path = conduct(of_name("linear-sweep", {}), bench, [sample], tmp_path, path)
    assert end.outcome == "finished"
    assert again.asked == []
    with RunFile.open(path) as record:
        assert value_of(record, "oxidation_onset") == pytest.approx(4.0, abs=0.01)
        assert all("spans a break: the sweep ended at 4.3 V" in one.method for one in record.results())


@pytest.mark.parametrize("on", ["potentiostat", "cycler"])
def test_a_ladder_ends_where_a_soft_short_turns_hard(on: str, tmp_path: Path) -> None:
    """The simulated cell is damaged above 0.72 mA/cm2: softly shorted during 0.75, for good during 0.8."""
    bench = tmp_path / "bench.toml"
    bench.write_text(
        f"""
        [bench]
        name = "shorting"
        [instruments.furnace]
        driver = "simulated-furnace"
        [instruments.{on}]
        driver = "simulated-{on}"
        [simulation]
        cell = "symmetric"
        seed = 3
        [simulation.parameters]
        time_to_short_s = 70
        """
    )
    currents = [f"{one} mA/cm2" for one in (0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95)]
    ladder = {"procedure": "critical-current", "on": on, "currents": currents, "half_min": 10,
              "interval_s": 10, "temperature_C": 80}  # fmt: skip
    plan = make_plan({"bench": str(bench), "sample": CELL, "run": [ladder]})
    (end,) = run_plan(plan, tmp_path / "runs", Watcher())
    with RunFile.open(end.path) as record:
        assert record.outcome == "finished", record.reason
        shorts = {one.at["kind"]: one for one in record.results() if one.name == "short_circuit"}
        assert sorted(shorts) == ["hard", "soft"]
        rows = record.table("polarisation" if on == "potentiostat" else "cycling")
        found = {kind: np.interp(3600 * (one.value or 0), rows["t_s"], np.abs(rows["current_density_mA_cm2"]))
                 for kind, one in shorts.items()}  # fmt: skip
        assert found == {"soft": pytest.approx(0.75, abs=0.02), "hard": pytest.approx(0.8, abs=0.02)}
        assert value_of(record, "critical_current_density") == pytest.approx(0.7, rel=0.01)
        assert max(rows["current_density_mA_cm2"]) < 0.88  # a cycler too is judged at the end of each step
        assert any("hard short circuit" in event.text for event in record.events())
