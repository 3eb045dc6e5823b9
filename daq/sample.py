"""The sample: what is in the cell. An area belongs to a role (pellet, electrode, active), never to the cell."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import Field, model_validator

from daq.tables import StrictModel, parse

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Millimetres = Annotated[float, Field(ge=1e-4, le=1000, allow_inf_nan=False)]  # a film of 100 nm to a very large plate


class Disc(StrictModel):
    """Something round with an area, by diameter or by area (one of them)."""

    diameter_mm: Millimetres | None = None
    area_cm2: Positive | None = None

    @model_validator(mode="after")
    def _one_of_them(self) -> Disc:
        if self.diameter_mm is not None and self.area_cm2 is not None:
            raise ValueError("give diameter_mm or area_cm2, not both")
        return self

    @property
    def area(self) -> float | None:
        """The area in cm2, None when it was not given."""
        if self.area_cm2 is not None:
            return self.area_cm2
        return math.pi * (self.diameter_mm / 20) ** 2 if self.diameter_mm is not None else None


class Pellet(Disc):
    """The electrolyte. `crystal_density_g_cm3` lets the density be checked."""

    thickness_mm: Millimetres | None = None
    thickness_uncertainty_mm: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    mass_mg: Positive | None = None
    crystal_density_g_cm3: Positive | None = None

    @model_validator(mode="after")
    def _thinner_than_uncertain(self) -> Pellet:
        if (
            self.thickness_mm
            and self.thickness_uncertainty_mm
            and self.thickness_uncertainty_mm > self.thickness_mm / 2
        ):
            raise ValueError("thickness_uncertainty_mm is more than half the thickness")
        return self


class Active(Disc):
    """The active material of an electrode."""

    mass_mg: Positive | None = None
    capacity_mAh_g: Positive | None = None


class Sample(StrictModel):
    name: str = Field(min_length=1, max_length=120)
    id: str = Field(default="", max_length=40)
    channel: int = Field(default=1, ge=1)
    pellet: Pellet | None = None
    electrode: Disc | None = None
    active: Active | None = None
    max_temperature_C: float | None = None
    min_temperature_C: float | None = None
    max_voltage_V: Annotated[float, Field(allow_inf_nan=False)] | None = None
    min_voltage_V: Annotated[float, Field(allow_inf_nan=False)] | None = None
    fixture: str = ""
    notes: str = ""

    @property
    def label(self) -> str:
        """What tells it apart from the others in the same furnace."""
        return self.id or self.name


def samples_of(table: Mapping[str, Any]) -> list[Sample]:
    """The samples of a run's `sample` entry: one table, or `{name, samples = [...]}` when there are several."""
    several = table.get("samples")
    return [parse(Sample, one, "stored sample") for one in (several if several is not None else [table])]


def sample_table(samples: Sequence[Sample]) -> dict[str, Any]:
    """What is stored with a run; `samples_of` reads it back."""
    tables = [sample.model_dump(exclude_none=True) for sample in samples]
    if len(tables) == 1:
        return tables[0]
    return {"name": ", ".join(sample.label for sample in samples), "samples": tables}
