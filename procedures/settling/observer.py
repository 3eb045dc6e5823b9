"""Where a sample has no sensor of its own: its temperature, told from the furnace reading and the lag R(t) teaches."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from procedures.settling.first_gap import FirstGap
from procedures.settling.lag_bank import COARSE, ZERO_C_K, LagBank
from procedures.settling.lag_fit import (
    BOLTZMANN_EV_PER_K,
    GAP_MODEL_ERROR,
    LEARNED,
    PRIOR_ENERGY_SPREAD_EV,
    TIMING_S,
    MonitorPoint,
)
from procedures.settling.sample_track import SampleTrack

Direction = Literal["heating", "cooling"]
SENSOR_LAG_S = 10.0
COMMON_K = 0.3


@dataclass(frozen=True)
class LagEstimate:
    """The first-order lag of a sample behind the furnace sensor."""

    lag_s: float
    relative_uncertainty: float
    fixture: str = ""
    direction: Direction = "heating"
    determined_on: str = ""


class SampleObserver:
    """The samples' temperatures over a whole sweep. One observer lives as long as the samples stay in the furnace.

    Feed every reading of the furnace (also in ramps and during spectra, once a second) and every monitor
    spectrum; ask for temperatures of now or of the last 6 h. How far the samples are from the first reading when
    it starts is not known. A static offset between sensor and sample can't be seen from R and is not part of it.
    `sensor_lag_s` is the furnace sensor's own response time (sheathed thermocouples: 5-20 s).
    """

    def __init__(self, activation_energy_eV: float = 0.5, sensor_lag_s: float = SENSOR_LAG_S) -> None:
        self._prior_energy_eV = activation_energy_eV
        self._bank = LagBank(sensor_lag_s)
        self._tracks: dict[str, SampleTrack] = {}
        self._offered: list[LagEstimate] = []
        self._direction: Direction = "heating"
        self._general: SampleTrack | None = None
        self.spectrum_s = 0.0  # how long the last spectrum really took; long at high resistance

    # ------------------------------------------------------------ what comes in
    def feed(self, t_s: float, temperature_C: float) -> None:
        """One furnace reading. A time that was fed already is ignored, so two callers do no harm."""
        self._bank.feed(t_s, temperature_C)

    def offer(self, lag: LagEstimate) -> None:
        """A lag known from elsewhere, as a start; R(t) corrects it."""
        self._offered.append(lag)
        self._general = None
        for track in self._tracks.values():
            track.offer_lag(lag.lag_s, lag.relative_uncertainty, lag.direction)

    def begin_step(self, direction: Direction) -> None:
        """A new set-point. Turning from heating to cooling may change the lag, but not where the samples are now."""
        known_C = self._known_temperature_C() if direction != self._direction else None
        if known_C is not None:
            self._bank.start_from(known_C)
        self._direction = direction
        self._general = None
        for track in self._tracks.values():
            track.begin_step(direction, known_C)

    def _known_temperature_C(self) -> float | None:
        """The samples' common temperature, if they are known to have one."""
        now_s = self._bank.t_s or 0.0
        known = [track.temperature(self._bank.row, now_s) for track in self._tracks.values()]
        if not known or max(uncertainty for _, uncertainty in known) > COMMON_K:
            return None
        values = [value for value, _ in known]
        return sum(values) / len(values) if max(values) - min(values) <= COMMON_K else None

    def feed_monitor(
        self,
        t_s: float,
        resistance_ohm: float,
        relative_uncertainty: float,
        sample: str = "",
        temperature_C: float | None = None,
    ) -> None:
        """A monitor spectrum's resistance at `t_s`, the middle of the time in which it was decided.

        `temperature_C` where a sensor at the sample knows it. What can't be a resistance is ignored, as is
        one at an unknown temperature.
        """
        if not (1e-9 < resistance_ohm < 1e18 and math.isfinite(t_s)):
            return
        if temperature_C is not None and not math.isfinite(temperature_C):
            return
        noise = relative_uncertainty if math.isfinite(relative_uncertainty) else 0.1
        noise = min(max(noise, 5e-4), 1.0)
        row = self._bank.row_at(t_s) if temperature_C is None else np.full(COARSE, temperature_C)
        if row is None:
            return
        if sample not in self._tracks:
            self._tracks[sample] = self._new_track()
        track = self._tracks[sample]
        mean, _ = track.temperature(row, t_s)
        sensitivity = track.energy_now_eV / (BOLTZMANN_EV_PER_K * (mean + ZERO_C_K) ** 2)
        blur_K = 0.0
        if temperature_C is None:  # row[0], the shortest lag, is the furnace
            blur_K = math.hypot(TIMING_S * self.rate_K_per_s(t_s, sample), GAP_MODEL_ERROR * (mean - float(row[0])))
        error = math.hypot(noise, sensitivity * blur_K)
        track.add(MonitorPoint(t_s, math.log(resistance_ohm), error, row, temperature_C is None))

    def _new_track(self) -> SampleTrack:
        start_s = self._bank.start_s
        gap = None if start_s is None else FirstGap.unknown(start_s)
        track = SampleTrack(self._prior_energy_eV, PRIOR_ENERGY_SPREAD_EV, direction=self._direction, gap=gap)
        for lag in self._offered:
            track.offer_lag(lag.lag_s, lag.relative_uncertainty, lag.direction)
        return track

    # ------------------------------------------------------------ what can be asked
    @property
    def samples(self) -> Sequence[str]:
        """The samples of which a monitor spectrum has come."""
        return tuple(self._tracks)

    def track(self, sample: str = "") -> SampleTrack:
        """What is known of one sample. Asking doesn't make a sample: one without spectra has the general belief."""
        if sample in self._tracks:
            return self._tracks[sample]
        if self._general is None:
            self._general = self._new_track()
        return self._general

    def temperature_at(self, t_s: float, sample: str = "") -> tuple[float, float]:
        """Estimated sample temperature and its uncertainty, (degC, K). (nan, inf) before what is kept."""
        row = self._bank.row_at(t_s)
        return (math.nan, math.inf) if row is None else self.track(sample).temperature(row, t_s)

    def rate_K_per_s(self, t_s: float, sample: str = "", span_s: float = 30.0) -> float:
        """How fast the estimated temperature moves, fitted over the `span_s` before."""
        now, before = self._bank.row_at(t_s), self._bank.row_at(t_s - span_s)
        if now is None or before is None:
            return 0.0
        track = self.track(sample)
        return (track.mean_temperature(now, t_s) - track.mean_temperature(before, t_s - span_s)) / span_s

    def lag(self, sample: str = "") -> LagEstimate | None:
        """The lag, once R(t) or the store has told it to 30 %."""
        track = self.track(sample)
        if track.lag_uncertainty > LEARNED:
            return None
        return LagEstimate(track.lag_s, track.lag_uncertainty, direction=self._direction)

    def activation_energy_eV(self, sample: str = "") -> float:
        return self.track(sample).energy_now_eV
