"""What people may write in a bench file about a simulation, and what they are told when it can't be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from truth_bench import build, truth_bench

from daq.bench import DriverContext, SharedParts
from daq.clock import SystemClock
from daq.errors import BadInput
from drivers.simulated.furnace import Furnace, cold
from drivers.simulated.furnace_driver import SimulatedFurnace
from drivers.simulated.noise import StepNoise
from drivers.simulated.parameters import AnalyserParameters, BlockingParameters, FurnaceParameters, HolderParameters
from drivers.simulated.potentiostat_driver import SimulatedPotentiostat
from drivers.simulated.simulation import read_simulation

ALL_PARAMETERS = [
    name
    for model in (FurnaceParameters, HolderParameters, AnalyserParameters, BlockingParameters)
    for name in model.model_fields
]
REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"cell": "gold", "preset": "K010"}, r"simulation\.preset: there is no preset 'K010' for a gold cell"),
    ({"cell": "gold", "parameters": {"bulk_resistance_ohm": 5.0}}, "bulk_resistance_ohm"),
    ({"cell": "bloking"}, "did you mean 'blocking'"),
    ({"cell": 5}, r"simulation, cell"),
    ({"preset": "Li2OHCL"}, "did you mean 'Li2OHCl'. K001, K010, Li2OHCl"),
    ({"presett": "K001"}, "did you mean 'preset'"),
    ({"seed": -1}, "seed"),
    ({"seed": 1.5}, "seed"),
    ({"seed": "one"}, "seed"),
    ({"parameters": {"sample_lag": 300}}, "simulation.parameters, sample_lag: unknown parameter.*'sample_lag_s'"),
    ({"parameters": {"activation_energy_ev": 0.5}}, "did you mean 'activation_energy_eV'"),
    ({"parameters": {"bulk_resistance_ohm": -5}}, "bulk_resistance_ohm.*greater than 0.*-5"),
    ({"parameters": {"bulk_resistance_ohm": "529"}}, "bulk_resistance_ohm"),
    ({"parameters": {"bulk_resistance_ohm": True}}, "bulk_resistance_ohm"),
    ({"parameters": {"bulk_resistance_ohm": float("nan")}}, "bulk_resistance_ohm"),
    ({"parameters": {"bulk_resistance_ohm": float("inf")}}, "bulk_resistance_ohm"),
    ({"parameters": {"adc_bits": 16.5}}, "adc_bits"),
    ({"parameters": {"ambient_C": 293}}, "ambient_C"),
    ({"parameters": 5}, "parameters"),
    ({"parameters": {"transition_heating_C": 50}}, "transition_heating_C asks for a low phase, which also needs"),
    ({"parameters": {"low_phase_activation_energy_eV": 0.7}}, "also needs low_phase_bulk_resistance_ohm"),
    (
        {"preset": "Li2OHCl", "parameters": {"transition_heating_C": 20}},
        "transition_heating_C = 20 is below transition_cooling_C = 27",
    ),
    ({"channels": {"0": {"preset": "K010"}}}, "there is no channel '0' .allowed: 1 to"),
    ({"channels": {"two": {"preset": "K010"}}}, "there is no channel 'two'"),
    ({"channels": {"2": {"preset": "K100"}}}, r"simulation\.channels\.2\.preset.*did you mean"),
    ({"channels": {"2": {"parameters": {"ambient_C": 30}}}}, r"channels\.2\.parameters, ambient_C"),
    ({"channels": {"2": {"cell": "lpf"}}}, "there is no cell 'lpf'"),
    ({"channels": {"6": {"preset": "K010"}}}, "channel 6 has a sample, but there are 4 channels"),
    ({"faults": [{"instrument": "furnace", "kind": "fire"}]}, r"faults\[0\], kind"),
    ({"faults": [{"instrument": "furnace", "kind": "overload"}]}, "furnace cannot have the fault 'overload'"),
    ({"faults": [{"instrument": "potentiostat", "kind": "thermocouple_open"}]}, "allowed: reading_lost, measure"),
    ({"faults": [{"instrument": "furnace", "kind": "hang", "for_s": -1}]}, "for_s"),
    ({"faults": [{"instrument": "furnace", "kind": "hang"}]}, "a hang needs for_s"),
    ({"faults": [{"kind": "hang"}]}, "instrument: is missing"),
]


@pytest.mark.parametrize(("simulation", "says"), REFUSED)
def test_what_cannot_be_simulated_is_refused_in_a_sentence(
    tmp_path: Path, simulation: dict[str, Any], says: str
) -> None:
    with pytest.raises(BadInput, match=says) as refusal:
        build(tmp_path / "state", simulation)
    assert str(refusal.value).startswith("bench.toml")
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize(
    ("tables", "says"),
    [
        ({"furnace": {"sample_senser": True}}, "instruments.furnace, sample_senser.*did you mean 'sample_sensor'"),
        ({"furnace": {"sample_sensor": "maybe"}}, "instruments.furnace, sample_sensor"),
        ({"furnace": {"port": "COM4"}}, "unknown key"),
        ({"furnace": {"limits": {"max_temp_C": 150}}}, "limits, max_temp_C.*did you mean 'max_temperature_C'"),
        ({"furnace": {"limits": {"max_temperature_C": -5}}}, "-5 is out of range"),
        ({"furnace": {"limits": {"max_temperature_C": float("nan")}}}, "out of range"),
        ({"potentiostat": {"channels": 0}}, "instruments.potentiostat, channels"),
        ({"potentiostat": {"channels": 9}}, "instruments.potentiostat, channels"),
        ({"potentiostat": {"limits": {"max_temperature_C": 50}}}, "unknown limit"),
    ],
)
def test_options_and_limits_are_checked(tmp_path: Path, tables: dict[str, Any], says: str) -> None:
    with pytest.raises(BadInput, match=says):
        build(tmp_path, **tables)


@pytest.mark.parametrize("driver", [SimulatedFurnace, SimulatedPotentiostat])
def test_check_builds_and_touches_nothing(tmp_path: Path, driver: Any) -> None:
    shared = SharedParts()
    context = DriverContext("one", {}, {}, SystemClock(), tmp_path / "state", {}, "bench.toml, instruments.one", shared)
    driver.check(context)
    assert shared.parts == {}
    assert list(tmp_path.iterdir()) == []
    assert driver.in_process is True


def test_every_parameter_of_every_model_can_be_set_to_its_default() -> None:
    simulation = read_simulation({}, "bench.toml")
    defaults = {
        **simulation.furnace.model_dump(),
        **simulation.analyser.model_dump(),
        **simulation.channels[0].holder.model_dump(),
        **simulation.channels[0].parameters.model_dump(exclude_none=True),
    }
    assert read_simulation({"parameters": defaults}, "bench.toml") == simulation


def test_no_name_stands_for_two_things() -> None:
    assert len(ALL_PARAMETERS) == len(set(ALL_PARAMETERS))


values = st.one_of(st.floats(), st.integers(), st.text(max_size=3), st.booleans(), st.none(), st.lists(st.integers()))


@given(st.dictionaries(st.sampled_from(ALL_PARAMETERS) | st.text(max_size=5), values, max_size=4))
def test_any_table_is_read_or_refused_in_a_sentence(parameters: dict[str, Any]) -> None:
    says = ""
    try:
        simulation = read_simulation({"parameters": parameters}, "bench.toml")
        assert simulation.channels[0].build().impedance_ohm(1e3, 25.0).real > 0
    except BadInput as refusal:
        says = str(refusal)
    assert says == "" or says.startswith("bench.toml, simulation")


def bounds(name: str) -> tuple[float, float]:
    """Least and largest value that a furnace parameter takes; a bound that is excluded is left by a hair."""
    lowest, highest = -1e9, 1e9
    for mark in FurnaceParameters.model_fields[name].metadata:
        lowest = getattr(mark, "ge", getattr(mark, "gt", lowest - 1e-3) + 1e-3)
        highest = getattr(mark, "le", highest)
    return lowest, highest


EXTREMES = st.fixed_dictionaries(
    {}, optional={name: st.floats(*bounds(name)) for name in FurnaceParameters.model_fields}
)


@settings(max_examples=40, deadline=None)
@given(EXTREMES)
def test_no_furnace_that_is_accepted_blows_up(parameters: dict[str, float]) -> None:
    """Whatever is set, heat flows downhill: never below ambient, never above what full power can hold."""
    checked = FurnaceParameters(**parameters)
    furnace = Furnace(checked, StepNoise(1, 1), cold(checked))
    furnace.set_target(120, 3 / 60)
    blocks = furnace.advance(1, 1500).block_C
    hottest_C = checked.ambient_C + checked.max_power_W / checked.loss_conductance_W_per_K
    assert checked.ambient_C - 1e-6 <= min(blocks)
    assert max(blocks) <= hottest_C * (1 + 1e-9) + 1e-6


def test_ambient_and_lag_set_outside_are_what_the_bench_does(tmp_path: Path) -> None:
    with truth_bench(tmp_path, {"parameters": {"ambient_C": 23.0, "sensor_noise_K": 0}}) as truth:
        assert truth.furnace.read_temperature().temperature_C == 23.0
