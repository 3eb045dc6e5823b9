"""The small TOML beside foreign spectra: what they were measured on, and at which temperatures."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated

from pydantic import Field

from daq.errors import BadInput
from daq.sample import Sample
from daq.tables import StrictModel, parse, read_toml

TemperatureC = Annotated[float, Field(ge=-273.15, le=2000.0)]


class FileSettings(StrictModel):
    """`[sample]` as in a plan; `[temperatures_C]` maps a file name, or a pattern such as `"*_01.z"`, to degC."""

    sample: Sample | None = None
    temperatures_C: dict[str, TemperatureC] = Field(default_factory=dict)
    temperature_uncertainty_K: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    temperature_pattern: str | None = None

    def temperature_of(self, path: Path) -> float | None:
        """The temperature given for a file: its exact name, else the only pattern that fits, else None."""
        if path.name in self.temperatures_C:
            return self.temperatures_C[path.name]
        fitting = {value for name, value in self.temperatures_C.items() if fnmatchcase(path.name, name)}
        if len(fitting) > 1:
            raise BadInput(f"several patterns give {path.name} different temperatures", place="temperatures_C")
        return fitting.pop() if fitting else None


def read_settings(path: Path, files: Sequence[Path]) -> FileSettings:
    """The settings of `path`. Raises BadInput, also for a name in `[temperatures_C]` that none of `files` has."""
    settings = parse(FileSettings, read_toml(path), str(path))
    for name in settings.temperatures_C:
        if not any(file.name == name or fnmatchcase(file.name, name) for file in files):
            raise BadInput(
                f"none of the files is called {name!r}",
                place=f"{path}, temperatures_C",
                allowed=", ".join(sorted({file.name for file in files})[:12]),
            )
    return settings
