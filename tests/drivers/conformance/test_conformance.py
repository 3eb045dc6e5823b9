"""What every driver must do, real or simulated: the same tests for all, and for hardware with `--bench FILE`.

On hardware nothing is heated or polarised: set-points beyond the limits are tried, for they must be refused.
"""

from __future__ import annotations

import json
import math
import re
from contextlib import suppress
from dataclasses import asdict, replace

import pytest
from conformance_cases import Case

from daq.bench import DriverContext, SharedParts
from daq.contracts import Instrument
from daq.errors import BadInput, InstrumentError
from drivers.roles import ObservedCycler, Potentiostat, TemperatureController
from drivers.techniques import ConstantCurrent, ConstantPotential, OpenCircuit, Spectrum

ROLES = {"temperature": TemperatureController, "potentiostat": Potentiostat, "cycler": ObservedCycler}
UNITLESS = re.compile(r"(channel|status|state|mode|count|number|text|fault|.*_name)")


def is_furnace(case: Case) -> bool:
    return case.instrument.role == "temperature"


def context_of(case: Case, **changes: object) -> DriverContext:
    table = case.bench.config.model.instruments[case.instrument.name]
    context = DriverContext(
        name=case.instrument.name,
        options=dict(table.model_extra or {}),
        limits=table.limits,
        clock=case.clock,
        state_folder=case.bench.state_folder,
        simulation={},
        place="bench.toml, instruments.one",
        shared=SharedParts(),
    )
    return replace(context, **changes)  # type: ignore[arg-type]


def test_its_role_is_complete(case: Case) -> None:
    role = case.instrument.role
    assert isinstance(case.instrument, Instrument)
    assert isinstance(case.instrument, ROLES[role])
    assert 0 < case.instrument.safe_within_s <= 120
    # a cycler keeps its own record, whoever looks
    slowest_s = 600 if isinstance(case.instrument, ObservedCycler) else 60
    assert 0 < case.instrument.monitor_interval_s <= slowest_s


def test_it_says_who_it_is_and_says_it_twice(case: Case) -> None:
    identity = case.instrument.identity()
    assert identity.maker
    assert identity.model
    assert case.instrument.identity() == identity


def test_its_capabilities_are_those_it_abides_by(case: Case) -> None:
    capabilities = case.instrument.capabilities()
    assert json.loads(json.dumps(capabilities))
    abilities = asdict(case.instrument.abilities())
    assert {key: capabilities[key] for key in abilities} == abilities


def test_a_reading_fits_its_stream_and_every_number_has_a_unit(case: Case) -> None:
    stream = case.instrument.snapshot_stream
    snapshot = case.instrument.read()
    assert set(snapshot.values) == set(stream.column_names)
    for column in stream.columns:
        value = snapshot.values[column.name]
        if column.kind == "float":
            assert column.unit or UNITLESS.fullmatch(column.name), f"{column.name} has no unit"
            assert value is None or (isinstance(value, float | int) and math.isfinite(value))
    for limit in case.instrument.limits():
        assert limit.quantity in stream.column_names
        value = snapshot.values[limit.quantity]
        assert isinstance(value, float | int), f"{limit.quantity} is limited, and not read"


def test_its_docstring_tells_units(case: Case) -> None:
    text = f"{case.driver.__doc__} {' '.join(base.__doc__ or '' for base in case.driver.__mro__[1:-1])}"
    assert re.search(r"\b(degC|volt|V|A|ohm|Hz|K/min)\b", text), "say in the class's docstring which units it speaks"


def test_typing_mistakes_in_the_bench_file_are_refused(case: Case) -> None:
    with pytest.raises(BadInput, match="no_such_option"):
        case.driver.check(context_of(case, options={**context_of(case).options, "no_such_option": 1}))
    with pytest.raises(BadInput, match="no_such_limit"):
        case.driver.check(context_of(case, limits={**context_of(case).limits, "no_such_limit": 1.0}))
    case.driver.check(context_of(case))


def test_building_it_touches_nothing_and_using_it_unconnected_is_told(case: Case) -> None:
    case.instrument.disconnect()
    built = case.driver(context_of(case))
    if case.unplug is not None:
        case.unplug()
    with pytest.raises(InstrumentError):
        built.read()
    if case.plug is not None:
        case.plug()


def test_made_safe_again_and_again_it_is_verified(case: Case) -> None:
    for reason in ("stopped", "failed", "engine_lost", "finished"):
        began = case.clock.monotonic()
        report = case.instrument.make_safe(reason)
        assert report.verified
        assert report.text
        assert case.clock.monotonic() - began <= case.instrument.safe_within_s
    if is_furnace(case) and not case.is_hardware:
        assert not case.instrument.read_temperature().output_percent


def test_disconnected_and_connected_again_it_is_the_same(case: Case) -> None:
    identity = case.instrument.identity()
    for _ in range(2):
        case.instrument.disconnect()
        case.instrument.disconnect()
        case.instrument.connect()
        assert case.instrument.identity() == identity
        assert case.instrument.read().values


def test_a_pulled_cable_is_told_soon_and_heals(case: Case) -> None:
    if case.unplug is None or case.plug is None:
        assert getattr(case.driver, "in_process", False) or case.is_hardware
        return
    before = set(case.instrument.read().values)
    case.unplug()
    case.clock.sleep(0.1)
    for _ in range(2):
        began = case.clock.monotonic()
        with pytest.raises(InstrumentError, match=case.instrument.name):
            case.instrument.read()
        assert case.clock.monotonic() - began < 10
    case.plug()
    case.clock.sleep(1)
    with suppress(InstrumentError):
        case.instrument.read()
    assert set(case.instrument.read().values) == before


# ---------------------------------------------------------------- furnaces
def test_targets_beyond_its_limits_are_refused_and_change_nothing(case: Case) -> None:
    if not is_furnace(case):
        return
    furnace = case.instrument
    able = furnace.abilities()
    before = furnace.read_temperature().setpoint_C
    refused = [(able.temperature_max_C + 1, None), (able.temperature_min_C - 1, None), (math.nan, None)]
    refused += [(able.temperature_min_C + 1, ramp) for ramp in (0, -1, able.ramp_max_K_per_min * 1.01, math.nan)]
    for target, ramp in refused:
        with pytest.raises(BadInput, match=r"allowed"):
            furnace.set_target(target, ramp)
    after = furnace.read_temperature()
    assert after.setpoint_C == pytest.approx(before, abs=0.2)


def test_a_furnace_goes_where_it_is_sent_and_holds(case: Case) -> None:
    if not is_furnace(case) or case.is_hardware:
        return
    furnace = case.instrument
    furnace.set_target(60.0, 5.0)
    case.clock.sleep(1)
    reading = furnace.read_temperature()
    assert reading.setpoint_C == pytest.approx(60)
    assert reading.working_setpoint_C < 59
    furnace.hold()
    held = furnace.read_temperature()
    assert held.setpoint_C < 59
    assert held.setpoint_C == pytest.approx(held.temperature_C, abs=2)
    assert not held.faults


# ---------------------------------------------------------------- potentiostats
def test_a_technique_beyond_its_abilities_is_refused_before_it_starts(case: Case) -> None:
    if case.instrument.role != "potentiostat":
        return
    able = case.instrument.abilities()
    if "spectrum" not in able.techniques:
        check_source_meter(case)
        return
    fit = Spectrum((1000.0,))
    beyond = [
        (Spectrum((able.frequency_max_Hz * 10,)), 1),
        (Spectrum((able.frequency_min_Hz / 10,)), 1),
        (Spectrum((1000.0,), amplitude_V=able.amplitude_max_V * 2), 1),
        (Spectrum((1000.0,), bias_V=able.voltage_max_V * 2), 1),
        (fit, max(able.channels) + 1),
    ]
    for technique, channel in beyond:
        with pytest.raises(BadInput):
            next(iter(case.instrument.measure(technique, channel)))
    if not case.is_hardware:
        assert len(list(case.instrument.measure(fit, able.channels[0]))) == 1


def check_source_meter(case: Case) -> None:
    """Of a potentiostat without a frequency-response analyser."""
    able = case.instrument.abilities()
    fit = OpenCircuit(1.0, 0.5)
    beyond = [
        (Spectrum((1000.0,)), 1),
        (ConstantCurrent(max(able.current_ranges_A) * 2, 1.0), 1),
        (ConstantPotential(able.voltage_max_V * 2, 1.0), 1),
        (fit, max(able.channels) + 1),
    ]
    for technique, channel in beyond:
        with pytest.raises(BadInput):
            next(iter(case.instrument.measure(technique, channel)))
    if not case.is_hardware:
        assert len(list(case.instrument.measure(fit, able.channels[0]))) == 3
