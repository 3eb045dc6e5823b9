"""The sentences of the settling machine: why it let a measurement go, or why not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from procedures.settling.gates import Goal
from procedures.settling.progress import ProgressTimer
from procedures.settling.release import Bracketing, Gate
from procedures.settling.spec import SettleSpec

if TYPE_CHECKING:
    from procedures.settling.machine import Settling

_HOW = {
    "observed": "sample temperature told from its resistance and the furnace reading",
    "sample": "sensor at the sample steady",
    "control": "control sensor steady (it knows nothing of the sample's lag)",
}


def settled(mode: str, goal: Goal, target_C: float, gates: Mapping[str, Gate]) -> str:
    values = ", ".join(f"{name.replace('_', ' ')} {gate}" for name, gate in gates.items())
    if not goal.reachable:
        return f"stable at {goal.temperature_C:.1f} °C, set-point {target_C:g} °C not reachable; {_HOW[mode]}: {values}"
    return f"settled; {_HOW[mode]}: {values}"


def _shut(gates: Mapping[str, Gate]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {gate}" for name, gate in gates.items() if not gate.holds)


def timed_out(timer: ProgressTimer, gates: Mapping[str, Gate]) -> str:
    return (
        f"not settled: {timer.since_ramp_s / 60:.0f} min after the ramp, {timer.idle_s / 60:.0f} min without "
        f"progress; still missing: {_shut(gates) or 'nothing'}"
    )


def fallback(machine: Settling) -> str:
    track = machine.observer.track()
    return (
        f"the sample's lag could not be learned from its resistance (activation energy "
        f"{track.energy_now_eV:.2f} eV, {len(track.points)} monitor spectra, scatter {100 * track.residual:.1f} %); "
        f"fell back to a soak of {machine.spec.fallback_soak_min:g} min in band; open: {_shut(machine.gates)}"
    )


def still_moving(spec: SettleSpec, gates: Mapping[str, Gate]) -> str:
    return (
        f"not settled: the temperature has been steady for {spec.agree_max_min:g} min but the resistance still "
        f"changes by itself ({_shut(gates)}): a phase transition, a reaction, or a contact that moves"
    )


def changed_by_hand(target_C: float, setpoint_C: float) -> str:
    return f"the set-point was changed from {target_C:g} to {setpoint_C:g} °C while settling"


def not_taken(target_C: float, setpoint_C: float) -> str:
    return f"the controller did not take the set-point {target_C:g} °C, it stands at {setpoint_C:g} °C"


def bracketing(drift_K: float, percent: float | None, spec: SettleSpec) -> Bracketing:
    limit = max(spec.agree_percent or 0.0, spec.tolerance_percent)
    within = abs(drift_K) <= spec.drift_limit_K and (percent is None or abs(percent) <= limit)
    text = f"sample moved {drift_K:+.2f} K during the spectrum (limit {spec.drift_limit_K:g} K)"
    if percent is not None:
        text += f", repeated point {percent:+.1f} % (limit {limit:g} %)"
    return Bracketing(drift_K, within, text, percent)
