"""What the analysis of a spectrum assumes. Every number is stated, printed and stored with the run."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, fields

from daq.errors import BadInput


@dataclass(frozen=True)
class FitOptions:
    """Assumptions of the fit; `asdict` of it is stored with the results.

    arc_capacitance_max_F
        An arc with a larger effective capacitance (tau / R) belongs to an electrode, not to the electrolyte, and
        is left out of the total. Grain boundaries have 1e-11..1e-8 F, electrode interfaces 1e-7 F and more
        (Irvine, Sinclair, West, Adv. Mater. 2 (1990) 132). A statement about the material: infinity takes all arcs.
    bulk_capacitance_max_F
        Up to here an arc is the bulk's (geometric: some pF), above it a grain boundary's.
    decades_below_valley
        The fit ends this many decades below the point where arc and blocking line meet: the electrode is no
        ideal element, and further down it would be fitted at the cost of the electrolyte.
    lead_resistance_ohm, lead_resistance_uncertainty_ohm
        Subtracted from every resistance; what a compensation leaves, one standard error. 0.3 ohm is a two-point
        cable without compensation.
    gain_uncertainty
        Relative standard error of a current range.
    phase_uncertainty_deg
        Standard error of the phase at 1 MHz; it grows with the frequency. A recorded open/short/load compensation
        allows less. It decides whether a bulk resistance that is only an intercept can be told.
    stray_capacitance_F
        Capacitance of leads, holder and pellet beside the arcs that is not compensated, one standard error.
    part_uncertainty_max
        Bulk and grain-boundary resistance are refused when their relative standard error is larger.
    total_uncertainty_max
        The total is refused when its relative standard error is larger.
    residual_max
        A fit that leaves more than this (rms, relative to |Z|) describes nothing: refused.
    residual_ratio_max
        The circuit describes the whole spectrum when it leaves no more than this times the noise; otherwise the
        window of `decades_below_valley` is fitted.
    noise_floor
        Relative noise that is assumed at least, so that rounded or computed data claim no false certainty.
    kk_accuracy
        Relative accuracy of a good instrument: residuals below are nobody's fault.
    kk_residual_ratio_max, kk_outlier_max, kk_structure_p_min
        Limits of the Kramers-Kronig test; see `kramers_kronig`.
    """

    arc_capacitance_max_F: float = 3e-8
    bulk_capacitance_max_F: float = 5e-11
    decades_below_valley: float = 2.0
    lead_resistance_ohm: float = 0.0
    lead_resistance_uncertainty_ohm: float = 0.3
    gain_uncertainty: float = 0.001
    phase_uncertainty_deg: float = 2.0
    stray_capacitance_F: float = 1e-11
    part_uncertainty_max: float = 0.2
    total_uncertainty_max: float = 0.5
    residual_max: float = 0.1
    residual_ratio_max: float = 1.3
    noise_floor: float = 1e-4
    kk_accuracy: float = 0.003
    kk_residual_ratio_max: float = 1.7
    kk_outlier_max: float = 5.0
    kk_structure_p_min: float = 0.002

    def __post_init__(self) -> None:
        for item in fields(self):
            value = getattr(self, item.name)
            if isinstance(value, bool) or not isinstance(value, int | float) or math.isnan(value) or value < 0:
                raise BadInput(f"{value!r} is no value", place=item.name, allowed="a number from 0 upwards")

    def __str__(self) -> str:
        """What decides most, for a report."""
        return (
            f"arcs up to {self.arc_capacitance_max_F:.3g} F are the electrolyte's, up to "
            f"{self.bulk_capacitance_max_F:.3g} F the bulk's; leads {self.lead_resistance_ohm:g} ± "
            f"{self.lead_resistance_uncertainty_ohm:g} Ω; range ± {100 * self.gain_uncertainty:g} %; phase ± "
            f"{self.phase_uncertainty_deg:g}° at 1 MHz"
        )

    def as_dict(self) -> dict[str, float]:
        return asdict(self)
