"""The finished spectra of a run as exports need them, with what was known about each."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daq.contracts import RunReader
from daq.errors import BadInput
from daq.sample import Disc, Sample, samples_of

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class RunSpectrum:
    """One finished spectrum; arrays (n,), Im < 0 capacitive, without overloaded points (`overloaded` of them).

    `time_s` counts from the start of the run. `temperature_C` is the sample's, NaN when nobody knew it.
    """

    number: int
    sample: Sample
    direction: str
    setpoint_C: float
    temperature_C: float
    temperature_uncertainty_K: float
    settled: bool
    attempt: int
    frequency_Hz: Floats
    z_ohm: NDArray[np.complex128]
    time_s: Floats
    amplitude_V: Floats
    bias_V: Floats
    dc_current_A: Floats
    current_range_A: Floats
    overloaded: int

    @property
    def area_cm2(self) -> float | None:
        """The electrode's area, else the pellet's, else nothing."""
        for disc in (self.sample.electrode, self.sample.pellet):
            if isinstance(disc, Disc) and disc.area is not None:
                return disc.area
        return None

    @property
    def thickness_mm(self) -> float | None:
        return self.sample.pellet.thickness_mm if self.sample.pellet else None

    @property
    def stem(self) -> str:
        """File name without ending: sample, number, temperature, direction."""
        known = self.temperature_C if np.isfinite(self.temperature_C) else self.setpoint_C
        temperature = f"_{known:.1f}C" if np.isfinite(known) else ""
        return "_".join(
            filter(None, [f"{file_name(self.sample.label)}_{self.number:03d}{temperature}", self.direction])
        )

    def facts(self) -> list[tuple[str, str]]:
        """Header lines (name with unit, value) that every text format carries; unknown ones are left out."""
        facts = [("Sample", " ".join(self.sample.label.split()))]
        if np.isfinite(self.temperature_C):
            facts.append(("Temperature (degC)", f"{self.temperature_C:.3f}"))
        if np.isfinite(self.temperature_uncertainty_K):
            facts.append(("Temperature uncertainty (K)", f"{self.temperature_uncertainty_K:.3f}"))
        facts += [
            ("Set-point (degC)", f"{self.setpoint_C:g}"),
            ("Direction", self.direction),
            ("Settled", "yes" if self.settled else "no"),
        ]
        if self.overloaded:
            facts.append(("Overloaded points left out", str(self.overloaded)))
        return facts


def file_name(text: str) -> str:
    """`text` as a part of a file name, on Windows too."""
    return re.sub(r"[^\w.+-]+", "_", text).strip("_.") or "sample"


def spectra_of_run(run: RunReader) -> list[RunSpectrum]:
    """The finished spectra of a run, in the order taken. A broken attempt has no row in `spectra`: left out.

    Raises BadInput when the run recorded no spectra.
    """
    rows, points = run.table("spectra"), run.table("impedance")
    if not len(rows["spectrum"]):
        raise BadInput("there is no finished spectrum in this run", place="export")
    samples = {sample.label: sample for sample in samples_of(run.sample)}
    return [_spectrum(rows, index, points, samples) for index in range(len(rows["spectrum"]))]


def _spectrum(
    rows: Mapping[str, Any], index: int, points: Mapping[str, Any], samples: Mapping[str, Sample]
) -> RunSpectrum:
    attempt = int(rows["attempt"][index])
    mine = (np.asarray(points["spectrum"]) == rows["spectrum"][index]) & (np.asarray(points["attempt"]) == attempt)
    mine &= np.isfinite(np.asarray(points["z_real_ohm"], dtype=float))
    overloaded = mine & (np.asarray(points["overload"]) != 0)
    keep = mine & ~overloaded

    def column(name: str) -> Floats:
        return np.asarray(points[name], dtype=float)[keep]

    label = str(rows["sample"][index])
    return RunSpectrum(
        number=int(rows["spectrum"][index]),
        sample=samples.get(label, Sample(name=label or "sample")),
        direction=str(rows["direction"][index]),
        setpoint_C=float(rows["setpoint_C"][index]),
        temperature_C=float(rows["sample_temperature_C"][index]),
        temperature_uncertainty_K=float(rows["sample_temperature_uncertainty_K"][index]),
        settled=bool(rows["settled"][index]),
        attempt=attempt,
        frequency_Hz=column("frequency_Hz"),
        z_ohm=column("z_real_ohm") + 1j * column("z_imag_ohm"),
        time_s=column("t_s"),
        amplitude_V=column("amplitude_V"),
        bias_V=column("bias_V"),
        dc_current_A=column("dc_current_A"),
        current_range_A=column("current_range_A"),
        overloaded=int(overloaded.sum()),
    )
