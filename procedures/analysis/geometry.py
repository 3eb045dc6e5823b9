"""From resistance to conductivity: sigma = thickness / (R area), and whether the pellet can be that dense."""

from __future__ import annotations

import math
from dataclasses import dataclass

from daq.errors import BadInput


@dataclass(frozen=True)
class Geometry:
    """A pellet and the area the current passes. Uncertainties are one standard error.

    `pellet_area_cm2` is the pellet's own area for its density, where it differs from the electrode's.
    Raises BadInput for a length, area, mass or density that is not positive.
    """

    thickness_mm: float
    area_cm2: float
    thickness_uncertainty_mm: float | None = None
    area_uncertainty_cm2: float | None = None
    mass_mg: float | None = None
    pellet_area_cm2: float | None = None
    crystal_density_g_cm3: float | None = None

    def __post_init__(self) -> None:
        for name in ("thickness_mm", "area_cm2", "mass_mg", "pellet_area_cm2", "crystal_density_g_cm3"):
            value = getattr(self, name)
            if value is not None and not (value > 0 and math.isfinite(value)):
                raise BadInput(f"{value!r} is no size of a pellet", place=name, allowed="a number above 0")
        for name in ("thickness_uncertainty_mm", "area_uncertainty_cm2"):
            value = getattr(self, name)
            if value is not None and not (value >= 0 and math.isfinite(value)):
                raise BadInput(f"{value!r} is no uncertainty", place=name, allowed="a number from 0 upwards")

    @property
    def cell_constant_per_cm(self) -> float:
        """thickness / area, 1/cm."""
        return self.thickness_mm / 10 / self.area_cm2

    @property
    def relative_uncertainty(self) -> float:
        """Of the cell constant; common to all temperatures, so it is in no Arrhenius slope. 0 when not given."""
        thickness = (self.thickness_uncertainty_mm or 0.0) / self.thickness_mm
        return math.hypot(thickness, (self.area_uncertainty_cm2 or 0.0) / self.area_cm2)

    def conductivity_S_cm(self, resistance_ohm: float) -> float:
        return self.cell_constant_per_cm / resistance_ohm

    @property
    def density_g_cm3(self) -> float | None:
        if self.mass_mg is None:
            return None
        area_cm2 = self.pellet_area_cm2 or self.area_cm2
        return self.mass_mg / 1000 / (self.thickness_mm / 10 * area_cm2)

    def density_note(self) -> str | None:
        """A warning when mass, thickness and area make a pellet denser than its crystal, else the density."""
        density = self.density_g_cm3
        if density is None:
            return None
        crystal = self.crystal_density_g_cm3
        if crystal is None:
            return f"pellet density {density:.3g} g/cm3 (no crystal density given to compare with)"
        if density <= crystal:
            return f"pellet density {density:.3g} g/cm3, {100 * density / crystal:.0f} % of the crystal's"
        least_mm = self.thickness_mm * density / crystal
        return (
            f"the pellet would be denser ({density:.3g} g/cm3) than its crystal ({crystal:.3g} g/cm3): with this mass "
            f"and area it is at least {least_mm:.3g} mm thick, so that the conductivity is low by at least "
            f"{100 * (density / crystal - 1):.0f} %; measure thickness, area and mass again"
        )
