"""The main job through the public door: truths set in the simulator, found by the sweep."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from daq.bench import BenchConfig, BenchFileModel
from daq.contracts import Result
from daq.plan import Plan, load_plan, make_plan
from daq.runfile.reader import RunFile
from daq.runner import Watcher, resume_run, run_plan
from daq.tables import parse

EXAMPLES = Path(__file__).parents[2] / "examples"
PELLET = {"name": "pellet", "pellet": {"thickness_mm": 0.9, "diameter_mm": 10}}


def simulated(**simulation: Any) -> BenchConfig:
    table = {
        "bench": {"name": "truth"},
        "instruments": {
            "furnace": {"driver": "simulated-furnace", "limits": {"max_temperature_C": 150}},
            "potentiostat": {"driver": "simulated-potentiostat"},
        },
        "simulation": {"cell": "blocking", "preset": "K001", "seed": 1, **simulation},
    }
    return BenchConfig(parse(BenchFileModel, table, "truth"), None)


def sweep(bench: BenchConfig, **parameters: Any) -> Plan:
    return make_plan({"sample": PELLET, "run": [{"procedure": "eis-sweep", **parameters}]}, bench)


def run(plan: Plan, folder: Path, watcher: Watcher | None = None) -> RunFile:
    (ended,) = run_plan(plan, folder, watcher or Watcher())
    return RunFile.open(ended.path)


def result(record: RunFile, name: str, **at: Any) -> Result:
    (found,) = [r for r in record.results() if r.name == name and at.items() <= r.at.items()]
    return found


def number(value: float | None) -> float:
    assert value is not None
    return value


def test_the_truth_of_k001_is_found(tmp_path: Path) -> None:
    with run(sweep(simulated(), temperatures_C=[25, 40, 60, 80, 100, 120]), tmp_path) as record:
        assert record.outcome == "finished"
        assert number(result(record, "conductivity_25C").value) == pytest.approx(4.49e-6, rel=0.03)
        assert number(result(record, "activation_energy").value) == pytest.approx(0.56, abs=0.01)
        assert number(result(record, "total_resistance", temperature_C=25.0).value) == pytest.approx(25_529, rel=0.01)
        spectra = record.table("spectra")
        assert list(spectra["settled"]) == [1] * 6
        assert np.all(np.abs(spectra["sample_temperature_C"] - spectra["setpoint_C"]) < 0.5)
        for before, mean, after in zip(
            spectra["temperature_before_C"], spectra["temperature_mean_C"], spectra["temperature_after_C"], strict=True
        ):
            assert min(before, after) - 0.1 <= mean <= max(before, after) + 0.1
        furnace = record.table("temperature")
        assert np.median(np.diff(furnace["t_s"])) == pytest.approx(1.0, abs=0.01)
        said = " ".join(event.text for event in record.events())
        assert said.count("made safe") == 2


def test_without_a_sensor_at_the_sample_its_lag_is_learned(tmp_path: Path) -> None:
    bench = simulated(parameters={"sample_lag_s": 600.0})
    bench.model.instruments["furnace"].__pydantic_extra__ = {"sample_sensor": False}
    with run(sweep(bench, temperatures_C=[30, 50, 70, 90]), tmp_path) as record:
        assert number(result(record, "activation_energy").value) == pytest.approx(0.56, abs=0.01)
        assert number(result(record, "conductivity_25C").value) == pytest.approx(4.49e-6, rel=0.03)
        assert record.table("spectra")["lag_s"][-1] == pytest.approx(600, rel=0.15)
        assert record.table("temperature")["t_s"][-1] < 4 * 3600


def test_the_same_seed_gives_the_same_rows_bit_for_bit(tmp_path: Path) -> None:
    tables = []
    for folder in ("one", "other"):
        with run(sweep(simulated(seed=5), temperatures_C=[40, 60]), tmp_path / folder) as record:
            tables.append({stream.name: record.table(stream.name) for stream in record.streams()})
    assert set(tables[0]) == set(tables[1])
    for name, columns in tables[0].items():
        for column, values in columns.items():
            other = tables[1][name][column]
            same = values.tolist() == other.tolist() if values.dtype == object else values.tobytes() == other.tobytes()
            assert same, f"{name}.{column}"
    with run(sweep(simulated(seed=6), temperatures_C=[40, 60]), tmp_path / "third") as record:
        assert not np.array_equal(record.table("impedance")["z_real_ohm"], tables[0]["impedance"]["z_real_ohm"])


def test_three_samples_are_measured_at_each_temperature_before_the_next(tmp_path: Path) -> None:
    with run(load_plan(EXAMPLES / "three_samples.toml"), tmp_path) as record:
        spectra = record.table("spectra")
        assert list(spectra["sample"]) == ["K001", "K010", "K001 thin"] * 5
        assert list(spectra["setpoint_C"]) == [t for t in (30, 50, 70, 90, 110) for _ in range(3)]
        for label, energy, sigma in (("K001", 0.56, 4.49e-6), ("K010", 0.62, 1.3e-6), ("K001 thin", 0.56, 4.49e-6)):
            assert number(result(record, "activation_energy", sample=label).value) == pytest.approx(energy, abs=0.01)
            assert number(result(record, "conductivity_25C", sample=label).value) == pytest.approx(sigma, rel=0.03)


def test_cooling_and_the_return_point_are_told_apart(tmp_path: Path) -> None:
    plan = sweep(simulated(), temperatures_C=[40, 60, 80], cooling=True, return_temperature_C=30)
    with run(plan, tmp_path) as record:
        spectra = record.table("spectra")
        assert list(spectra["direction"]) == ["heating"] * 3 + ["cooling"] * 2 + ["return"]
        assert list(spectra["setpoint_C"]) == [40, 60, 80, 60, 40, 30]


def test_the_transition_of_li2ohcl_shows_on_heating_and_not_on_cooling(tmp_path: Path) -> None:
    plan = load_plan(EXAMPLES / "li2ohcl_transition.toml")
    short = {"procedure": "eis-sweep", "temperatures_C": [38, 42, 47, 38, 30], "frequency_min_Hz": 0.1}
    plan = make_plan({"sample": PELLET, "run": [short]}, plan.bench)
    with run(plan, tmp_path) as record:
        rows = record.table("spectra")
        ohm = {
            (r.at["temperature_C"], r.at["direction"]): number(r.value)
            for r in record.results()
            if r.name == "total_resistance"
        }
        assert len(rows["spectrum"]) == 5
        assert ohm[42, "heating"] / ohm[47, "heating"] > 20
        assert ohm[38, "heating"] / ohm[38, "cooling"] > 20
        assert ohm[30, "cooling"] / ohm[38, "cooling"] < 2.5


def test_above_500_kohm_the_spectrum_goes_on_to_lower_frequencies(tmp_path: Path) -> None:
    plan = sweep(simulated(preset="Li2OHCl"), temperatures_C=[26, 40])
    with run(plan, tmp_path) as record:
        points = record.table("impedance")
        lowest = {int(n): points["frequency_Hz"][points["spectrum"] == n].min() for n in (1, 2)}
        assert lowest[1] == pytest.approx(0.1)
        assert lowest[2] == pytest.approx(1.0)


def test_an_open_thermocouple_ends_the_run_safely(tmp_path: Path) -> None:
    bench = simulated(faults=[{"instrument": "furnace", "kind": "thermocouple_open", "after_s": 1500.0}])
    with run(sweep(bench, temperatures_C=[30, 50]), tmp_path) as record:
        assert record.outcome == "failed"
        assert "furnace" in record.reason
        assert any("made safe" in event.text for event in record.events())


def test_a_stopped_run_is_resumed_at_its_step_in_the_world_as_it_was(tmp_path: Path) -> None:
    """Stopped in the second step; meanwhile the furnace cools for two hours of bench time."""
    controls = []

    def stop_in_the_second_step(progress: Any) -> None:
        if progress.step == 2 and "soak" in progress.text:
            controls[-1].stop()

    watcher = Watcher(on_start=lambda path, control: controls.append(control), on_progress=stop_in_the_second_step)
    with run(sweep(simulated(), temperatures_C=[30, 60, 90]), tmp_path, watcher) as record:
        assert record.outcome == "stopped"
        before_s = record.table("temperature")["t_s"][-1]
        assert record.table("temperature")["temperature_C"][-1] > 55
        path = record.path
    ended = resume_run(path, Watcher(), down_for_s=7200)
    assert ended.end.outcome == "finished"
    with RunFile.open(path) as record:
        furnace = record.table("temperature")
        first = int(np.argmax(furnace["t_s"] > before_s))
        assert furnace["t_s"][first] - before_s >= 7200
        assert furnace["temperature_C"][first] < 50
        assert [(s.key[:3], s.attempt, s.state) for s in record.attempts()] == [
            ("001", 1, "finished"),
            ("002", 1, "broken"),
            ("002", 2, "finished"),
            ("003", 1, "finished"),
        ]
        assert number(result(record, "activation_energy").value) == pytest.approx(0.56, abs=0.01)


def test_where_the_room_is_warmer_than_the_set_point_25_degrees_come_from_the_line(tmp_path: Path) -> None:
    bench = simulated(parameters={"ambient_C": 28.0})
    with run(sweep(bench, temperatures_C=[25, 40, 60]), tmp_path) as record:
        spectra = record.table("spectra")
        assert "set-point 25 °C not reachable" in spectra["release"][0]
        assert spectra["sample_temperature_C"][0] == pytest.approx(28, abs=0.1)
        assert number(result(record, "conductivity_25C").value) == pytest.approx(4.49e-6, rel=0.01)


def test_the_convention_of_the_line_is_chosen_and_told(tmp_path: Path) -> None:
    plan = sweep(simulated(), temperatures_C=[30, 60, 90], convention="ln sigma T")
    with run(plan, tmp_path) as record:
        energy = result(record, "activation_energy")
        assert number(energy.value) == pytest.approx(0.56 + 8.617e-5 * 333, abs=0.002)
        assert "ln sigma T" in energy.method


def test_overloaded_points_are_measured_again_and_both_are_kept(tmp_path: Path) -> None:
    with run(sweep(simulated(), temperatures_C=[40, 60, 80]), tmp_path / "calm") as record:
        began_s = float(record.table("spectra")["started_s"][1])
    fault = {"instrument": "potentiostat", "kind": "overload", "after_s": began_s + 3.0, "for_s": 4.0}
    with run(sweep(simulated(faults=[fault]), temperatures_C=[40, 60, 80]), tmp_path) as record:
        points = record.table("impedance")
        overloaded = points["overload"] == 1
        assert 5 <= overloaded.sum() <= 15
        good = set(zip(points["spectrum"][~overloaded], points["frequency_Hz"][~overloaded], strict=True))
        assert good >= set(zip(points["spectrum"][overloaded], points["frequency_Hz"][overloaded], strict=True))
        assert any("measured again" in event.text for event in record.events())
        assert number(result(record, "activation_energy").value) == pytest.approx(0.56, abs=0.01)
