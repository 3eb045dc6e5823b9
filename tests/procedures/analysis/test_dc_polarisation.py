"""Electronic conductivities and transference numbers of known truth."""

from __future__ import annotations

import numpy as np
import pytest

from daq.errors import AnalysisRefused, BadInput
from procedures.analysis.dc_polarisation import (
    dc_polarisation_results,
    electronic_conductivity,
    first_current,
    ionic_transference_number,
    lithium_transference_number,
    steady_current,
)
from procedures.analysis.estimate import Estimate
from procedures.analysis.geometry import Geometry

PELLET = Geometry(0.9, 0.785)


def decay(steady_A=2e-9, amplitudes_A=(8e-8, 2e-8), times_s=(60.0, 600.0), hours=2.0, noise_A=2e-11, seed=0):
    time = np.arange(0, hours * 3600, 2.0)
    current = steady_A + sum(a * np.exp(-time / tau) for a, tau in zip(amplitudes_A, times_s, strict=True))
    return time, current + noise_A * np.random.default_rng(seed).standard_normal(len(time))


def test_the_conductivity_of_a_steady_current():
    step = steady_current(*decay(), 0.5)
    results = {r.name: r for r in dc_polarisation_results([step], PELLET, Estimate(4.5e-6, 2e-8), {"sample": "a"})}
    conductivity = results["electronic_conductivity"]
    assert conductivity.value == pytest.approx(2e-9 / 0.5 * 0.09 / 0.785, rel=0.005)
    assert conductivity.unit == "S/cm"
    assert results["transference_number"].value == pytest.approx(1 - (conductivity.value or 0) / 4.5e-6)
    assert results["steady_current"].at == {"sample": "a", "voltage_V": 0.5}


def test_random_decays_are_found_within_their_uncertainty():
    rng = np.random.default_rng(6)
    found = told = 0
    for k in range(30):
        steady = 10 ** rng.uniform(-9, -7)
        amplitudes = steady * 10 ** rng.uniform(-0.5, 1.5, 2)
        times = 10 ** rng.uniform([1.0, 2.0], [2.0, 3.0])
        noise = steady * 0.01 * rng.uniform(1, 5)
        current = steady_current(*decay(steady, amplitudes, times, 3, noise, k), 0.5).current_A
        told += current.interval is not None
        found += current.interval is not None and current.interval[0] < steady < current.interval[1]
    print(f"steady currents of 30: told {told}, within 95 % {found}")
    assert found >= 27


def test_a_current_that_still_falls_is_refused():
    falling = steady_current(*decay(times_s=(60.0, 9000.0)), 0.5)
    assert falling.current_A.value is None
    assert "not steady" in (falling.current_A.reason or "")
    assert "at 0.5 V: not steady" in (electronic_conductivity([falling], PELLET).reason or "")


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("hours", [2, 8])
def test_a_current_that_falls_as_a_diffusion_does_is_not_steady_above_its_end(hours: int, sign: int):
    """t^-1/2 for hours, to next to nothing: exponentials level off above what was measured at the end."""
    time = np.arange(1.0, hours * 3600)
    current = 1e-8 * time**-0.5 + 1e-11 + 2e-13 * np.random.default_rng(4).standard_normal(len(time))
    step = steady_current(time, sign * current, sign * 0.1)
    assert step.current_A.value is None
    under = {2: "131 p", 8: "70.48 p"}[hours]  # the mean of the last tenth
    assert f"the steady current is under {under}A" in (step.current_A.reason or "")
    assert "hold it longer" in (step.current_A.reason or "")
    results = {one.name: one for one in dc_polarisation_results([step], PELLET, Estimate(4.5e-6, 2e-8))}
    assert "still falls" in (results["electronic_conductivity"].reason or "")
    assert results["transference_number"].value is None


def test_a_current_of_nothing_is_refused_with_its_upper_limit():
    nothing = steady_current(*decay(steady_A=0.0), 0.5)
    assert "not distinct from zero: under" in (nothing.current_A.reason or "")


def test_several_potentials_are_free_of_the_instruments_offset():
    offset_A = 1e-9
    steps = []
    for k, volt in enumerate((0.2, 0.4, 0.6, 0.8)):
        time, current = decay(4e-9 * volt, seed=k)
        steps.append(steady_current(time, current + offset_A, volt))
    conductivity = electronic_conductivity(steps, PELLET)
    assert conductivity.value == pytest.approx(4e-9 * 0.09 / 0.785, rel=0.03)
    assert "4 potentials" in conductivity.method
    with pytest.raises(AnalysisRefused, match="no potential was applied"):
        electronic_conductivity([steady_current(*decay(), 0.0)], PELLET)


def test_transference_numbers():
    lithium = lithium_transference_number(0.01, Estimate(1e-5, 1e-8), Estimate(4e-6, 1e-8), 200, 220)
    assert lithium.value == pytest.approx(4e-6 * (0.01 - 2e-3) / (1e-5 * (0.01 - 8.8e-4)))
    assert 0 < (lithium.uncertainty or 0) < 0.01
    with pytest.raises(BadInput, match="whole potential"):
        lithium_transference_number(0.01, Estimate(1e-5), Estimate(4e-6), 2000, 220)
    above = ionic_transference_number(Estimate(1e-5, 0.0), Estimate(1e-6, 0.0))
    assert "above the total" in (above.reason or "")
    unknown = ionic_transference_number(Estimate(1e-9, 1e-10), Estimate.refused("no arc"))
    assert unknown.reason == "no total conductivity: no arc"


def test_an_overloaded_current_is_refused_unless_it_only_began_so():
    time, current = decay()
    clipped = np.minimum(current, 5e-8)
    overload = (current > 5e-8).astype(int)
    free = steady_current(time, clipped, 0.5, overload=overload).current_A
    assert 0 < overload.sum() < 100
    assert free.value == pytest.approx(2e-9, rel=0.01)
    assert "overloaded" in (first_current(time, clipped, overload).reason or "")
    shorted = steady_current(time, np.full(len(time), 0.1), 0.3, overload=np.ones(len(time)))
    assert f"overloaded in {len(time)} of {len(time)} rows" in (shorted.current_A.reason or "")
    assert "at 0.3 V: overloaded" in (electronic_conductivity([shorted], PELLET).reason or "")
    late = steady_current(time, current, 0.5, overload=time > 7000).current_A
    assert "overloaded" in (late.reason or "")


def test_a_current_that_grows_until_the_end_is_refused():
    time = np.arange(0, 360.0)
    growing = 0.12 * (1 - np.exp(-time / 200)) + 1e-6 * np.random.default_rng(0).standard_normal(len(time))
    for current in (growing, -growing):
        assert steady_current(time, current, 0.2).current_A.value is None
    nearly = 0.12 * (1 - np.exp(-time / 130))
    assert "grew until the end" in (steady_current(time, nearly, 0.2).current_A.reason or "")


def test_nonsense_holds_are_refused():
    time, current = decay()
    with pytest.raises(AnalysisRefused, match="needs 30"):
        steady_current(time[:10], current[:10], 0.5)
    with pytest.raises(BadInput, match="steady_share"):
        steady_current(time, current, 0.5, steady_share=2)
    with pytest.raises(BadInput, match="one length"):
        steady_current(time, current[1:], 0.5)
