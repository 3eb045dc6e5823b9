"""Whatever the rows are: a number with an uncertainty, a reason, or an error in words. Never anything else."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from daq.errors import AnalysisRefused, BadInput
from procedures.analysis.capacity import integrate_half_cycles
from procedures.analysis.critical_current import analyse_critical_current, critical_current_results
from procedures.analysis.cycling_results import cycling_results, rate_results
from procedures.analysis.dc_polarisation import dc_polarisation_results, steady_current
from procedures.analysis.geometry import Geometry
from procedures.analysis.symmetric import analyse_symmetric_cycling, symmetric_cycling_results
from procedures.analysis.voltammetry_results import (
    analyse_linear_sweep,
    analyse_open_circuit,
    linear_sweep_results,
    open_circuit_results,
    voltammogram_results,
)
from procedures.analysis.voltammogram import analyse_voltammogram

ANALYSES = {
    "cycling": lambda t, v, i: cycling_results(integrate_half_cycles(t, i, v), 1.4),
    "rates": lambda t, v, i: rate_results(integrate_half_cycles(t, i, v), 1.4),
    "critical current": lambda t, v, i: critical_current_results(analyse_critical_current(t, i, v, 0.6)),
    "symmetric": lambda t, v, i: symmetric_cycling_results(analyse_symmetric_cycling(t, i, v, 0.6)),
    "voltammogram": lambda t, v, i: voltammogram_results(analyse_voltammogram(t, v, i, 0.6)),
    "linear sweep": lambda t, v, i: linear_sweep_results(analyse_linear_sweep(v, i, 0.6)),
    "open circuit": lambda t, v, i: open_circuit_results(analyse_open_circuit(t, v)),
    "polarisation": lambda t, v, i: dc_polarisation_results([steady_current(t, i, v)], Geometry(0.9, 0.785)),
}


@st.composite
def rows(draw):
    """Time, voltage, current: steps, ramps, noise, zeros, constants, missing values, equal times."""
    count = draw(st.integers(0, 120))
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    time = np.cumsum(rng.choice([0.0, 1.0, 10.0, 5000.0], count, p=[0.1, 0.5, 0.35, 0.05]))
    shapes = {
        "steps": lambda: np.repeat(rng.normal(size=count // 7 + 1), 7)[:count],
        "ramp": lambda: np.linspace(rng.normal(), rng.normal() + 3, count),
        "triangle": lambda: 2 * np.abs((np.arange(count) / 40.0) % 2 - 1),
        "noise": lambda: rng.normal(size=count),
        "zero": lambda: np.zeros(count),
        "constant": lambda: np.full(count, rng.normal()),
    }
    columns = []
    for scale in (1.0, 10 ** draw(st.floats(-9, 0))):
        column = scale * shapes[draw(st.sampled_from(sorted(shapes)))]()
        if draw(st.booleans()):
            column = np.where(rng.random(count) < 0.05, rng.choice([np.nan, np.inf]), column)
        columns.append(column)
    return time, columns[0], columns[1]


@pytest.mark.parametrize("name", sorted(ANALYSES))
@given(rows())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_nonsense_gives_numbers_reasons_or_words(name, columns):
    try:
        results = ANALYSES[name](*columns)
    except (AnalysisRefused, BadInput):
        return
    assert results
    for one in results:
        if one.value is None:
            assert one.reason, one
            continue
        assert math.isfinite(one.value), one
        assert one.uncertainty is not None, one
        assert math.isfinite(one.uncertainty), one
        assert one.uncertainty >= 0, one
        if one.interval is not None:
            assert one.interval[0] <= one.interval[1], one
