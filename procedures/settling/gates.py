"""The gates A, B, C and the observer's, computed from the readings; all are kept with the data."""

from __future__ import annotations

from dataclasses import dataclass

from procedures.settling.lag_bank import ZERO_C_K
from procedures.settling.lag_fit import BOLTZMANN_EV_PER_K
from procedures.settling.observer import SampleObserver
from procedures.settling.readings import Readings
from procedures.settling.release import Gate
from procedures.settling.spec import SettleSpec

RAMP_DONE_K = 0.05
UNCERTAINTY_SHARE = 0.5  # one standard error of the temperature may cost half the tolerance
RECENT_S = 30.0


@dataclass(frozen=True)
class Goal:
    """What a step aims at: the set-point, or the stable temperature where the furnace can't reach it."""

    temperature_C: float
    reachable: bool = True


def sensitivity_per_K(activation_energy_eV: float, temperature_C: float) -> float:
    """Relative change of conductivity per kelvin, Ea / (k T^2)."""
    return activation_energy_eV / (BOLTZMANN_EV_PER_K * (temperature_C + ZERO_C_K) ** 2)


def control_gates(readings: Readings, spec: SettleSpec, goal: Goal) -> dict[str, Gate]:
    """A: the controller is there."""
    latest = readings.latest
    left = None if latest is None else latest.working_setpoint_C - latest.setpoint_C
    gates = {"setpoint_ramp": Gate(left, RAMP_DONE_K, "K")}
    gates["control"] = Gate(readings.furnace_C - goal.temperature_C, spec.band_K, "K")
    return gates


def sensor_gates(readings: Readings, spec: SettleSpec, *, at_sample: bool) -> dict[str, Gate]:
    """B: the sensor's slope, and where it is the sample's, its offset from the control sensor."""
    window = readings.sample_window if at_sample else readings.furnace_window
    gates = {"slope": Gate(window.slope_K_per_min, spec.slope_K_per_min, "K/min")}
    if at_sample:
        offset = None if readings.sample_C is None else readings.sample_C - readings.furnace_C
        gates["sample_offset"] = Gate(offset, spec.max_sample_offset_K, "K")
    return gates


def soak_gate(spec: SettleSpec, soak_s: float, lag_s: float | None, *, observed: bool) -> dict[str, Gate]:
    """C: long enough in band. With `soak_tau` an unknown lag keeps the gate shut."""
    least = spec.min_soak_s(observed=observed)
    gates = {"soak": Gate(soak_s / 60, least / 60, "min", at_least=True)} if least > 0 else {}
    if spec.soak_tau is not None:
        in_lags = None if lag_s is None else soak_s / lag_s
        gates["soak_in_lags"] = Gate(in_lags, spec.soak_tau, "lags", at_least=True)
    return gates


def observer_gates(
    readings: Readings, spec: SettleSpec, observer: SampleObserver, sample: str, spectrum_s: float
) -> dict[str, Gate]:
    """The sample, told from R(t): near enough to the furnace, known well enough, and slow enough.

    The spectrum is reported at the estimated temperature, so it is not the gap that costs accuracy but the
    uncertainty of the estimate; the gap's limit keeps the estimate's model within what was tested.
    """
    latest = readings.latest
    name = f" of {sample}" if sample else ""
    if latest is None:
        return {f"sample_gap{name}": Gate(None, spec.observer_gap_max_K, "K")}
    sample_C, uncertainty_K = observer.temperature_at(latest.t_s, sample)
    furnace_C = readings.furnace_short.mean(RECENT_S)
    per_K = 100 * sensitivity_per_K(observer.activation_energy_eV(sample), sample_C)
    allowed_K = spec.tolerance_percent / per_K
    drift_K = observer.rate_K_per_s(latest.t_s, sample) * spectrum_s
    return {
        f"sample_gap{name}": Gate(None if furnace_C is None else sample_C - furnace_C, spec.observer_gap_max_K, "K"),
        f"sample_uncertainty{name}": Gate(
            uncertainty_K, min(UNCERTAINTY_SHARE * allowed_K, spec.observer_gap_max_K), "K"
        ),
        f"drift_in_spectrum{name}": Gate(drift_K, min(spec.drift_limit_K, allowed_K), "K"),
    }
