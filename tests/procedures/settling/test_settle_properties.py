"""Whatever comes in: READY only with every gate true at that instant, and no stream of readings breaks it."""

from __future__ import annotations

import math
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from procedures.settling import SettleSpec, SettleState, Settling

_spec = st.builds(
    SettleSpec,
    band_K=st.floats(0.2, 2),
    slope_K_per_min=st.floats(0.02, 1),
    window_min=st.floats(1, 4),
    min_soak_min=st.none() | st.floats(0, 5),
    sensor=st.sampled_from(["sample", "control", "auto"]),
    agree_percent=st.none() | st.floats(0.1, 2),
    agree_repeats=st.integers(2, 4),
    agree_max_min=st.floats(2, 30),
    fallback_soak_min=st.floats(5, 20),
    timeout_min=st.floats(5, 30),
    median_of=st.integers(1, 5),
)
_move = st.tuples(
    st.integers(1, 20),  # for how many readings
    st.floats(-2, 2),  # how the furnace wanders, K
    st.floats(-1, 1),  # how the sample differs, K
    st.sampled_from(["reading"] * 8 + ["lost", "fault", "no sample", "nan", "jump", "ramp"]),
    st.sampled_from([1.0, 1.0, 5.0, 30.0]),
    st.floats(0.95, 1.05),  # of the resistance
)


def _feed(settling: Settling, t_s: float, kind: str, furnace_C: float, sample_C: float) -> SettleState:
    if kind == "lost":
        return settling.lost(t_s)
    reading: dict[str, Any] = {
        "temperature_C": {"nan": math.nan, "jump": furnace_C + 30}.get(kind, furnace_C),
        "working_setpoint_C": 38.0 if kind == "ramp" else 40.0,
        "setpoint_C": 40.0,
        "sample_temperature_C": None if kind == "no sample" else sample_C,
        "faults": ("sensor break",) if kind == "fault" else (),
    }
    return settling.feed(t_s, **reading)


@settings(max_examples=250, deadline=None)
@given(_spec, st.lists(_move, min_size=1, max_size=12), st.floats(0.2, 1.0))
def test_ready_means_every_gate_holds_at_that_instant(spec: SettleSpec, moves: list, calm: float) -> None:
    settling = Settling(spec, target_C=40, start_C=39, sensor_noise_K=0.002)
    t_s, was = 0.0, settling.state
    for count, wander_K, offset_K, kind, interval_s, factor in [*moves, (400, 0.1 * calm, 0.05, "reading", 2.0, 1.0)]:
        for _ in range(count):
            t_s += interval_s
            furnace_C = 40 + wander_K
            if settling.monitor_due(t_s):
                settling.feed_monitor(t_s - 5, 1000 * factor, 0.003)
            state = _feed(settling, t_s, kind, furnace_C, furnace_C + offset_K)
            if state is SettleState.READY and was is not SettleState.READY:
                release = settling.release
                assert release is not None
                assert release.t_s == t_s
                open_gates = [name for name, gate in release.gates.items() if not gate.holds]
                assert not release.settled or not open_gates or "fell back" in release.reason
                near = abs(furnace_C - 40) <= spec.band_K or spec.median_of > 1
                assert near or not release.settled or "not reachable" in release.reason
                assert kind not in ("lost", "fault", "nan", "ramp")
                assert math.isfinite(release.estimated_sample_C or 0.0)
            if state in (SettleState.RAMP, SettleState.APPROACH, SettleState.SOAK, SettleState.CONFIRM):
                assert settling.release is None
            was = state
    assert settling.state in set(SettleState)


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.floats(allow_nan=True, allow_infinity=True),
            st.floats(allow_nan=True, allow_infinity=True),
            st.floats(allow_nan=True, allow_infinity=True),
            st.none() | st.floats(allow_nan=True, allow_infinity=True),
            st.floats(allow_nan=True, allow_infinity=True),
        ),
        max_size=30,
    )
)
def test_no_numbers_break_it(rows: list) -> None:
    settling = Settling(SettleSpec(), target_C=40, start_C=25)
    for t_s, value, setpoint, sample, resistance in rows:
        settling.feed(
            t_s,
            temperature_C=value,
            working_setpoint_C=setpoint,
            setpoint_C=setpoint,
            sample_temperature_C=sample,
            output_percent=value,
        )
        settling.feed_monitor(t_s, resistance, value)
        settling.monitor_due(t_s)
        settling.estimate_remaining_s()
        settling.sample_temperature_at(t_s)
    assert settling.state is not SettleState.READY
