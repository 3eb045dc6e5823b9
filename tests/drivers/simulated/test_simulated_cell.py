"""The blocking cell against formulas and the published numbers."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.simulated.cells.blocking import BlockingCell
from drivers.simulated.parameters import BlockingParameters
from drivers.simulated.simulation import read_simulation

BOLTZMANN = 8.617333262e-5
AREA_cm2, THICKNESS_cm = math.pi * 0.25, 0.09


def preset(name: str, **parameters: float) -> BlockingCell:
    table = {"preset": name, "parameters": parameters}
    return read_simulation(table, "bench.toml").channels[0].build()


def conductivity_mS_cm(cell: BlockingCell, temperature_C: float, high_phase: float = 1.0) -> float:
    return 1e3 * THICKNESS_cm / (cell.total_resistance_ohm(temperature_C, high_phase) * AREA_cm2)


@pytest.mark.parametrize(
    ("temperature_C", "total_ohm"),
    [(25, 25529), (40, 8987), (60, 2586), (80, 857), (100, 320), (120, 132)],
)
def test_k001_has_the_resistances_of_the_paper(temperature_C: float, total_ohm: float) -> None:
    assert preset("K001").total_resistance_ohm(temperature_C) == pytest.approx(total_ohm, rel=4e-3)


def test_li2ohcl_has_the_published_conductivities_of_both_phases() -> None:
    cell = preset("Li2OHCl")
    assert conductivity_mS_cm(cell, 25, high_phase=0) == pytest.approx(1.37e-4, rel=1e-3)
    for temperature_C in (45, 80, 120):
        cubic = conductivity_mS_cm(preset("K001"), temperature_C) * 0.85
        assert conductivity_mS_cm(cell, temperature_C) == pytest.approx(cubic, rel=1e-9)


def test_k010_conducts_less_with_a_steeper_slope() -> None:
    cell = preset("K010")
    assert conductivity_mS_cm(cell, 25) == pytest.approx(1.3e-3, rel=1e-9)
    assert slope_eV(cell, 25, 120) == pytest.approx(0.62, abs=1e-9)


def slope_eV(cell: BlockingCell, cold_C: float, hot_C: float) -> float:
    """Activation energy between two temperatures from ln sigma over 1/T."""
    ratio = math.log(cell.total_resistance_ohm(cold_C) / cell.total_resistance_ohm(hot_C))
    return ratio * BOLTZMANN / (1 / (cold_C + 273.15) - 1 / (hot_C + 273.15))


@given(energy_eV=st.floats(0.1, 1.5), cold_C=st.floats(-20, 60), span_K=st.floats(5, 100))
def test_activation_energy_set_is_the_activation_energy_found(energy_eV: float, cold_C: float, span_K: float) -> None:
    cell = preset("K001", activation_energy_eV=energy_eV)
    assert slope_eV(cell, cold_C, cold_C + span_K) == pytest.approx(energy_eV, rel=1e-6)


def test_one_arc_can_have_an_energy_of_its_own() -> None:
    cell = preset("K001", activation_energy_eV=0.5, bulk_activation_energy_eV=0.3)
    bulk, boundary = cell.resistances_ohm(80)
    x = (1 / 298.15 - 1 / 353.15) / BOLTZMANN
    assert bulk == pytest.approx(529 * math.exp(-0.3 * x))
    assert boundary == pytest.approx(25e3 * math.exp(-0.5 * x))


def test_low_frequency_limit_of_the_arcs_is_the_total_resistance() -> None:
    cell = preset("K001")
    assert cell.electrolyte_impedance_ohm(0.0, 60) == pytest.approx(cell.total_resistance_ohm(60), rel=1e-12)
    assert abs(cell.electrolyte_impedance_ohm(1e-3, 60) / cell.total_resistance_ohm(60) - 1) < 1e-4


def test_grain_boundary_arc_peaks_at_one_over_rc() -> None:
    cell = preset("K001", bulk_resistance_ohm=1e-3)
    apex_Hz = 1 / (2 * math.pi * 25e3 * 2.5e-10)
    at_apex = -cell.electrolyte_impedance_ohm(apex_Hz, 25).imag
    assert at_apex == pytest.approx(25e3 / 2 * math.tan(0.9 * math.pi / 4), rel=1e-3)  # height of a depressed arc
    for factor in (0.9, 1.1):
        assert -cell.electrolyte_impedance_ohm(apex_Hz * factor, 25).imag < at_apex


def test_leads_are_what_is_left_of_a_perfect_conductor() -> None:
    cell = preset("K001", bulk_resistance_ohm=1e-6, grain_boundary_resistance_ohm=1e-6, blocking_cpe_S_sn=10)
    z = cell.impedance_ohm(1e6, 25)
    assert z.real == pytest.approx(0.3, rel=1e-3)
    assert z.imag == pytest.approx(2 * math.pi * 1e6 * 1e-6, rel=1e-3)


def test_blocking_line_has_the_phase_of_its_exponent() -> None:
    cell = preset("K001", blocking_exponent=0.7)
    z = cell.impedance_ohm(1e-4, 25) - cell.total_resistance_ohm(25)
    assert math.degrees(math.atan2(-z.imag, z.real)) == pytest.approx(63.0, abs=0.1)


@given(
    temperature_C=st.floats(-20, 200),
    log_f=st.floats(-4, 6),
    high_phase=st.floats(0, 1),
    exponent=st.floats(0.4, 1),
)
def test_every_cell_is_passive(temperature_C: float, log_f: float, high_phase: float, exponent: float) -> None:
    cell = preset("Li2OHCl", grain_boundary_exponent=exponent, blocking_exponent=exponent)
    assert cell.impedance_ohm(10**log_f, temperature_C, high_phase).real > 0


def test_phases_mix_between_their_pure_resistances() -> None:
    cell = preset("Li2OHCl")
    values = [cell.total_resistance_ohm(40, share) for share in (0, 0.25, 0.5, 0.75, 1)]
    assert values == sorted(values, reverse=True)
    assert values[0] == pytest.approx(227e3, rel=0.01)
    assert values[-1] == pytest.approx(10.6e3, rel=0.01)


def test_a_cell_without_a_low_phase_ignores_the_share() -> None:
    cell = BlockingCell(BlockingParameters())
    assert cell.total_resistance_ohm(25, 0.0) == cell.total_resistance_ohm(25, 1.0)
