"""Areas and thickness of a sample, as conductivities and current densities take them. Nothing is guessed."""

from __future__ import annotations

from daq.errors import BadInput
from daq.sample import Disc, Sample
from procedures.analysis.geometry import Geometry


def geometry_of(sample: Sample) -> Geometry | None:
    """Thickness of the pellet over the area of the electrode (or the pellet, where no electrode is given).

    None when thickness or area is missing.
    """
    pellet = sample.pellet
    if pellet is None or pellet.thickness_mm is None:
        return None
    area = electrode_area_cm2(sample)
    if area is None:
        return None
    return Geometry(
        thickness_mm=pellet.thickness_mm,
        area_cm2=area,
        thickness_uncertainty_mm=pellet.thickness_uncertainty_mm,
        mass_mg=pellet.mass_mg,
        pellet_area_cm2=pellet.area,
        crystal_density_g_cm3=pellet.crystal_density_g_cm3,
    )


def electrode_area_cm2(sample: Sample) -> float | None:
    """The area the current passes: the electrode's, else the pellet's."""
    for disc in (sample.electrode, sample.pellet):
        if isinstance(disc, Disc) and disc.area is not None:
            return disc.area
    return None


def require_geometry(sample: Sample, place: str) -> Geometry:
    """Raises BadInput naming what is missing: conductivity is never made of a guessed thickness or area."""
    if sample.pellet is None or sample.pellet.thickness_mm is None:
        raise BadInput(
            f"the conductivity of {sample.label} needs a thickness",
            place=f"{place}, sample.pellet.thickness_mm",
            allowed="pellet = { thickness_mm = 0.9, diameter_mm = 10 }",
        )
    geometry = geometry_of(sample)
    if geometry is None:
        raise BadInput(
            f"the conductivity of {sample.label} needs an electrode area",
            place=f"{place}, sample.electrode",
            allowed="electrode = { diameter_mm = 10 } or a diameter of the pellet",
        )
    return geometry
