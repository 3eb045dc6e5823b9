"""Records whose steps end with a row of their own, as a computer that cycles by itself leaves them."""

from __future__ import annotations

import numpy as np
import pytest

from procedures.analysis.capacity import HalfCycles, cycles_of, integrate_half_cycles
from procedures.analysis.cycling_results import cycling_results
from procedures.half_ends import HalfBounds, broken_off, broken_off_told

AMPS, EVERY_S, HALF_S, REST_S = 1e-3, 60.0, 3600.0, 1800.0
BOUNDS = HalfBounds(2.9, 3.8, 100.0, EVERY_S)


def cycled(pairs: int, share: float = 1.0, passes: int = 1) -> HalfCycles:
    """Charge, discharge (to `share` of it in the last of all) and a rest whose first row comes at once; `passes` pairs
    are one pass of the schedule, each with steps of its own."""
    rows: list[tuple[float, float, float, int, int]] = []  # time, current, voltage, cycle, step
    now_s = 0.0
    for pair in range(pairs):
        length_s = HALF_S / (1 + pair % passes)
        ended = length_s * (share if pair == pairs - 1 else 1.0)
        for step, (seconds, amps, first) in enumerate(((length_s, AMPS, 1), (ended, -AMPS, 1), (REST_S, 0.0, 0))):
            for at_s in np.arange(first * EVERY_S, seconds + 1e-6, EVERY_S).tolist():
                volt = 3.3 + np.sign(amps) * (0.5 if amps > 0 else 0.4) * at_s / length_s
                rows.append((now_s + at_s, amps, volt, 1 + pair // passes, 1 + step + 3 * (pair % passes)))
            now_s += seconds
    time_s, current, voltage, cycle, step = np.array(rows).T
    return integrate_half_cycles(time_s, current, voltage, cycle, "charge", step=step)


def test_a_rest_right_behind_a_step_costs_no_charge() -> None:
    """What flowed before the first row of a discharge is its own: the row before it ended the charge."""
    cycles = cycles_of(cycled(3))
    assert cycles.discharge_Ah * 3600 == pytest.approx([AMPS * HALF_S] * 3, rel=1e-9)
    assert cycles.charge_Ah[1:] * 3600 == pytest.approx([AMPS * HALF_S] * 2, rel=1e-9)
    assert cycles.coulombic_efficiency_percent[1:] == pytest.approx([100.0] * 2, rel=1e-9)


def test_a_pass_of_several_charges_and_discharges_is_a_cycle() -> None:
    """Of different depths: counted by charges every other cycle would keep half of the one before."""
    results = cycling_results(cycled(8, passes=2))
    efficiencies = [one.value for one in results if one.name == "coulombic_efficiency"]
    assert len(efficiencies) == 4
    assert efficiencies[1:] == pytest.approx([100.0] * 3, rel=1e-9)
    (retention,) = [one for one in results if one.name == "capacity_retention"]
    assert retention.value == pytest.approx(100.0, rel=1e-9)


def test_of_a_cycle_that_was_broken_off_no_efficiency_is_told() -> None:
    halves = cycled(1, share=0.3)
    assert broken_off(halves, BOUNDS) == 1
    found = {one.name: one for one in broken_off_told(cycling_results(halves), 1)}
    assert found["coulombic_efficiency"].value is None
    assert found["coulombic_efficiency"].reason == "cycle 1 has not come to its cut-off"
    assert found["discharge_capacity"].value == pytest.approx(0.3 * AMPS * HALF_S / 3.6, rel=1e-6)


def test_one_that_came_to_its_cut_off_was_not() -> None:
    assert broken_off(cycled(1), BOUNDS) is None
