"""What "at temperature" shall mean: the numbers a person can set, checked before anything is heated."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, get_args

from daq.errors import BadInput

Sensor = Literal["sample", "control", "auto"]
OnTimeout = Literal["measure_flagged", "skip", "hold_for_operator", "abort_safe"]

SENSOR_SOAK_MIN = 15.0

# inclusive ranges of the numbers; None in front: the key may be left out to mean "decide for me" or "off"
_RANGES: dict[str, tuple[float, float]] = {
    "band_K": (0.05, 20),
    "slope_K_per_min": (1e-4, 5),
    "window_min": (0.5, 120),
    "min_soak_min": (0, 1440),
    "soak_tau": (0, 20),
    "max_sample_offset_K": (0.1, 100),
    "agree_percent": (0.01, 50),
    "agree_repeats": (2, 10),
    "agree_apart_min": (0.25, 60),
    "agree_max_min": (1, 1440),
    "drift_limit_K": (0.02, 10),
    "tolerance_percent": (0.05, 50),
    "observer_gap_max_K": (0.05, 10),
    "fallback_soak_min": (5, 1440),
    "timeout_min": (1, 2880),
    "ceiling_min": (1, 10080),
    "median_of": (1, 15),
}
_MAY_BE_OFF = {"min_soak_min", "soak_tau", "agree_percent", "ceiling_min"}
_WHOLE = {"agree_repeats", "median_of"}
_WORDS: dict[str, tuple[str, ...]] = {"sensor": get_args(Sensor), "on_timeout": get_args(OnTimeout)}


@dataclass(frozen=True)
class SettleSpec:
    """The settle rule of one step. Gates A-E: see docs/explanation/settling.md.

    band_K               A: control sensor within this of the set-point
    slope_K_per_min      B: slope of the sensor over `window_min` (sample or control sensor)
    max_sample_offset_K  B: sample sensor within this of the control sensor
    min_soak_min         C: time in band; None: 0 where R(t) tells the sample's temperature, else 15
    soak_tau             C: time in band in units of the fixture's lag; None: off
    drift_limit_K        D: change of the sample's temperature during the spectrum
    agree_percent        E: monitor spectra agree within this, or within 3 standard errors; None: off
    agree_repeats, agree_apart_min, agree_max_min: how many, how far apart, how long E may hold things up
    sensor               "sample": a sensor at the sample; "control": the controller's, which knows nothing of
                         the sample's lag; "auto": the sample's where there is one, else R(t) as a thermometer
    tolerance_percent    what the uncertainty left in the sample's temperature may cost in conductivity
    observer_gap_max_K   sample and furnace may differ by this at release (the estimate is what is reported)
    fallback_soak_min    soak when the lag can't be learned from R(t)
    timeout_min          without progress; ceiling_min: from the end of the ramp, None: 3 x timeout_min
    cooling              other numbers for cooling steps
    """

    band_K: float = 0.5
    slope_K_per_min: float = 0.02
    window_min: float = 10.0
    min_soak_min: float | None = None
    soak_tau: float | None = None
    sensor: Sensor = "auto"
    max_sample_offset_K: float = 5.0
    agree_percent: float | None = 0.5
    agree_repeats: int = 2
    agree_apart_min: float = 0.75
    agree_max_min: float = 90.0
    drift_limit_K: float = 0.2
    tolerance_percent: float = 1.0
    observer_gap_max_K: float = 1.0
    fallback_soak_min: float = 60.0
    timeout_min: float = 120.0
    ceiling_min: float | None = None
    on_timeout: OnTimeout = "measure_flagged"
    median_of: int = 5
    cooling: SettleSpec | None = None

    def __post_init__(self) -> None:
        for name in (*_RANGES, *_WORDS):
            _check_value(name, getattr(self, name), place=name)
        if self.cooling is not None and self.cooling.cooling is not None:
            raise BadInput("cooling can't have a cooling rule of its own", place="cooling.cooling")
        if self.ceiling_min is not None and self.ceiling_min < self.timeout_min:
            raise BadInput(
                f"the ceiling of {self.ceiling_min:g} min is below the time-out",
                place="ceiling_min",
                allowed=f"{self.timeout_min:g} (timeout_min) or more",
            )

    @property
    def ceiling_s(self) -> float:
        return 60 * (3 * self.timeout_min if self.ceiling_min is None else self.ceiling_min)

    def min_soak_s(self, *, observed: bool) -> float:
        """Gate C's least time in band, s; `observed`: R(t) tells the sample's temperature."""
        if self.min_soak_min is not None:
            return 60 * self.min_soak_min
        return 0.0 if observed else 60 * SENSOR_SOAK_MIN

    def for_step(self, start_C: float, target_C: float) -> SettleSpec:
        """The rule for a step in this direction."""
        return self.cooling if self.cooling is not None and target_C < start_C else self

    def smallest_slope_K_per_min(self, sensor_noise_K: float, interval_s: float) -> float:
        """Smallest slope limit the noise allows: 3 standard errors of a fitted slope, noise sqrt(12)/(w sqrt N)."""
        readings = max(2.0, self.window_min * 60 / interval_s)
        return 3 * sensor_noise_K * math.sqrt(12) / (self.window_min * math.sqrt(readings))

    def check(self, sensor_noise_K: float, interval_s: float) -> None:
        """Raise `BadInput` when the rule asks for less than this sensor's noise (one sigma) can show."""
        least_slope = self.smallest_slope_K_per_min(sensor_noise_K, interval_s)
        if self.slope_K_per_min < least_slope:
            raise BadInput(
                f"a slope limit of {self.slope_K_per_min:g} K/min can't be told from {sensor_noise_K:g} K of sensor "
                f"noise in {self.window_min:g} min at one reading per {interval_s:g} s",
                place="slope_K_per_min",
                allowed=f"{least_slope:.2g} or more, or a longer window_min",
            )
        for name in ("band_K", "drift_limit_K"):
            least = 4 * sensor_noise_K / math.sqrt(self.median_of)  # 3 sigma of a median
            if getattr(self, name) < least:
                raise BadInput(
                    f"{getattr(self, name):g} K is within {sensor_noise_K:g} K of sensor noise",
                    place=name,
                    allowed=f"{least:.2g} or more",
                )
        if self.cooling is not None:
            self.cooling.check(sensor_noise_K, interval_s)

    @classmethod
    def from_mapping(cls, table: Mapping[str, Any], place: str = "settle") -> SettleSpec:
        """From a TOML table; what is left out keeps its default, `cooling` takes what it leaves out from here.

        Raises `BadInput` for unknown keys and for values out of range, with what is allowed.
        """
        return _from_mapping(table, place, cls())


def _from_mapping(table: Mapping[str, Any], place: str, base: SettleSpec) -> SettleSpec:
    if not isinstance(table, Mapping):
        raise BadInput(f"{table!r} is not a table of settle rules", place=place)
    names = [f.name for f in fields(SettleSpec)]
    unknown = [key for key in table if key not in names]
    if unknown:
        raise BadInput(f"unknown key {unknown[0]!r}", place=place, allowed=", ".join(names))
    values = {key: value for key, value in table.items() if key != "cooling"}
    for key, value in values.items():
        _check_value(key, value, place=f"{place}.{key}")
    try:
        spec = replace(base, **values, cooling=None)
        if "cooling" in table:
            spec = replace(spec, cooling=_from_mapping(table["cooling"], f"{place}.cooling", spec))
    except BadInput as bad:
        if bad.place.startswith(place):
            raise
        raise BadInput(bad.problem, place=f"{place}.{bad.place}", allowed=bad.allowed) from None
    return spec


def _check_value(name: str, value: Any, *, place: str) -> None:
    if name in _WORDS:
        if value not in _WORDS[name]:
            raise BadInput(f"{value!r} is not one of the choices", place=place, allowed=", ".join(_WORDS[name]))
        return
    if value is None and name in _MAY_BE_OFF:
        return
    low, high = _RANGES[name]
    allowed = f"{low:g} to {high:g}"
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not number or (name in _WHOLE and not float(value).is_integer()):
        raise BadInput(f"{value!r} is not a {'whole ' if name in _WHOLE else ''}number", place=place, allowed=allowed)
    if not low <= value <= high:
        raise BadInput(f"{value:g} is out of range", place=place, allowed=allowed)
