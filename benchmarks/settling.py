"""How long an EIS temperature sweep takes and how wrong its worst conductivity is: our settle rule against dwells.

    python benchmarks/settling.py [seeds]

Model: a PI-controlled furnace (heater, dead time, sensor with its own lag), the sample behind it with one lag;
11 set-points 25-120 degC, ramp as fast as the controller can, Ea 0.56 eV, 0.3 % noise in R, spectra of 35 s and
monitor spectra of 20 s, both counted. The error is that of the conductivity against the truth at the
temperature that is reported with it: noise and temperature together.
"""

from __future__ import annotations

import math
import random
import sys
from dataclasses import dataclass

from procedures.settling import SampleObserver, SettleSpec, SettleState, Settling

BOLTZMANN_EV_PER_K = 8.617333262e-5
SET_POINTS_C = (25, 35, 45, 55, 65, 75, 85, 95, 105, 115, 120)
LAGS_MIN = (2, 5, 10, 15, 20)
SPECTRUM_S, MONITOR_S, DECIDED_S = 35, 20, 12
DWELLS_MIN = (30, 45, 60)


class Furnace:
    """Heater with dead time, furnace, control sensor and sample; one second per `step`."""

    def __init__(
        self,
        lag_s: float,
        seed: int = 0,
        *,
        ambient_C: float = 25.0,
        furnace_lag_s: float = 900.0,
        sensor_lag_s: float = 15.0,
        sensor_noise_K: float = 0.01,
        ramp_K_per_min: float | None = None,
        integral_s: float = 600.0,
    ) -> None:
        self.random = random.Random(seed)
        self.ambient_C, self.noise_K, self.ramp_K_per_min = ambient_C, sensor_noise_K, ramp_K_per_min
        self.t_s = 0
        self.furnace_C = self.sensor_C = self.sample_C = self.reading_C = self.working_C = ambient_C
        self.output_percent = 0.0
        self._integral, self._integral_s = 0.0, integral_s
        self._delay = [0.0] * 10
        self._shares = [-math.expm1(-1 / lag) for lag in (furnace_lag_s, sensor_lag_s, lag_s)]

    def step(self, setpoint_C: float) -> None:
        if self.ramp_K_per_min is None:
            self.working_C = setpoint_C
        else:
            most = self.ramp_K_per_min / 60
            self.working_C += min(max(setpoint_C - self.working_C, -most), most)
        self.reading_C = self.sensor_C + self.random.gauss(0, self.noise_K)
        error = self.working_C - self.reading_C
        wanted = 12 * error + self._integral
        power = min(max(wanted, 0.0), 400.0)
        if power == wanted:
            self._integral += 12 * error / self._integral_s
        self.output_percent = power / 4
        self._delay.append(power)
        heat_K = 0.45 * self._delay.pop(0)
        to_furnace, to_sensor, to_sample = self._shares
        self.furnace_C += to_furnace * (self.ambient_C + heat_K - self.furnace_C)
        self.sensor_C += to_sensor * (self.furnace_C - self.sensor_C)
        self.sample_C += to_sample * (self.furnace_C - self.sample_C)
        self.t_s += 1


@dataclass(frozen=True)
class Cell:
    """Thermally activated resistance with measurement noise."""

    activation_energy_eV: float = 0.56
    resistance_25C_ohm: float = 25_529.0
    noise: float = 0.003

    def log_resistance(self, temperature_C: float) -> float:
        per_K = self.activation_energy_eV / BOLTZMANN_EV_PER_K
        return math.log(self.resistance_25C_ohm) + per_K * (1 / (temperature_C + 273.15) - 1 / 298.15)

    def measure(self, mean_C: float, noise: random.Random) -> float:
        return self.log_resistance(mean_C) + noise.gauss(0, self.noise)


@dataclass(frozen=True)
class Point:
    """One spectrum of a sweep: what is reported, and what was true."""

    setpoint_C: float
    reported_C: float
    log_resistance: float
    sample_C: float
    t_s: float
    settled: bool = True
    lag_s: float | None = None


def observed_sweep(
    lag_min: float, seed: int, spec: SettleSpec | None = None, cell: Cell | None = None
) -> tuple[float, list[Point]]:
    """Hours and points of a sweep under the settle rule."""
    spec, cell = spec or SettleSpec(), cell or Cell()
    furnace, observer = Furnace(60 * lag_min, seed), SampleObserver()
    points: list[Point] = []
    for setpoint_C in SET_POINTS_C:
        settling = Settling(
            spec,
            target_C=setpoint_C,
            start_C=furnace.reading_C,
            sensor_noise_K=furnace.noise_K,
            observer=observer,
            spectrum_s=SPECTRUM_S,
        )

        def run(seconds: int, settling: Settling = settling, setpoint_C: float = setpoint_C) -> float:
            begun_C = furnace.sample_C
            decided_C = begun_C
            for second in range(seconds):
                furnace.step(setpoint_C)
                settling.feed(
                    furnace.t_s,
                    temperature_C=furnace.reading_C,
                    working_setpoint_C=furnace.working_C,
                    setpoint_C=setpoint_C,
                    output_percent=furnace.output_percent,
                )
                if second + 1 == DECIDED_S:
                    decided_C = furnace.sample_C
            return 0.5 * (begun_C + decided_C)

        while settling.release is None:
            if settling.monitor_due(furnace.t_s):
                at_s = furnace.t_s + DECIDED_S / 2
                log_resistance = cell.measure(run(MONITOR_S), furnace.random)
                settling.feed_monitor(at_s, math.exp(log_resistance), cell.noise)
            else:
                run(1)
        at_s = furnace.t_s + DECIDED_S / 2
        mean_C = run(SPECTRUM_S)
        log_resistance = cell.measure(mean_C, furnace.random)
        settling.feed_monitor(at_s, math.exp(log_resistance), cell.noise)
        reported_C = settling.sample_temperature_at(at_s)[0]
        lag = observer.lag()
        settled = settling.release.settled and settling.state is SettleState.READY
        points.append(
            Point(
                setpoint_C,
                reported_C,
                log_resistance,
                mean_C,
                furnace.t_s,
                settled,
                None if lag is None else lag.lag_s,
            )
        )
    return furnace.t_s / 3600, points


def dwell_sweep(lag_min: float, seed: int, dwell_min: float, cell: Cell | None = None) -> tuple[float, list[Point]]:
    """Hours and points of a sweep with a fixed dwell after the control sensor came within 0.5 K."""
    cell = cell or Cell()
    furnace = Furnace(60 * lag_min, seed)
    points: list[Point] = []
    for setpoint_C in SET_POINTS_C:
        furnace.step(setpoint_C)
        while abs(furnace.reading_C - setpoint_C) > 0.5:
            furnace.step(setpoint_C)
        for _ in range(int(60 * dwell_min)):
            furnace.step(setpoint_C)
        begun_C, reading_C = furnace.sample_C, furnace.reading_C
        for second in range(SPECTRUM_S):
            furnace.step(setpoint_C)
            if second + 1 == DECIDED_S:
                begun_C = 0.5 * (begun_C + furnace.sample_C)
        points.append(Point(setpoint_C, reading_C, cell.measure(begun_C, furnace.random), begun_C, furnace.t_s))
    return furnace.t_s / 3600, points


def worst_error_percent(points: list[Point], cell: Cell | None = None) -> float:
    """Largest error of the conductivity against the truth at the reported temperature."""
    cell = cell or Cell()
    return max(100 * abs(math.expm1(p.log_resistance - cell.log_resistance(p.reported_C))) for p in points)


def main(seeds: int = 6) -> None:
    print(f"hours, worst error of conductivity in % (mean over {seeds} seeds; highest)")
    print(f"{'lag of the sample / min':28s}" + "".join(f"{lag:>22d}" for lag in LAGS_MIN) + "     mean hours")
    rows = {f"dwell {d} min": (lambda lag, seed, d=d: dwell_sweep(lag, seed, d)) for d in DWELLS_MIN}
    hours_of: dict[str, float] = {}
    for name, sweep in {**rows, "settle rule": observed_sweep}.items():
        line, total = "", 0.0
        for lag in LAGS_MIN:
            runs = [sweep(lag, seed) for seed in range(seeds)]
            hours = sum(h for h, _ in runs) / seeds
            errors = [worst_error_percent(points) for _, points in runs]
            flagged = sum(not p.settled for _, points in runs for p in points)
            mark = f" {flagged}!" if flagged else ""
            line += f"{f'{hours:.2f} h  {sum(errors) / seeds:.2f} ({max(errors):.2f}){mark}':>22s}"
            total += hours / len(LAGS_MIN)
        hours_of[name] = total
        print(f"{name:28s}{line}{total:12.2f}", flush=True)
    print(f"sweep time: settle rule {hours_of['settle rule'] / hours_of['dwell 60 min']:.2f} x the 60 min dwell")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 6)
