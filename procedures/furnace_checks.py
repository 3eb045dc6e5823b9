"""Temperatures and the ramp against what furnace, bench and sample allow, before anything is heated."""

from __future__ import annotations

from collections.abc import Sequence

from daq.errors import BadInput
from daq.sample import Sample
from drivers.roles import TemperatureController


def check_temperatures(
    targets_C: Sequence[float],
    ramp_K_per_min: float,
    furnace: TemperatureController,
    samples: Sequence[Sample],
    place: str,
    key: str = "temperatures_C",
) -> list[str]:
    """Raises BadInput for the first set-point beyond a limit, saying whose it is, and for too fast a ramp."""
    abilities = furnace.abilities()
    if ramp_K_per_min > abilities.ramp_max_K_per_min:
        raise BadInput(
            f"{ramp_K_per_min:g} K/min is faster than {furnace.name} ramps",
            place=f"{place}, ramp_K_per_min",
            allowed=f"above 0, up to {abilities.ramp_max_K_per_min:g} K/min",
        )
    bounds: list[tuple[str, float | None, float | None]] = [
        (furnace.name, abilities.temperature_min_C, abilities.temperature_max_C)
    ]
    for limit in furnace.limits():
        if limit.quantity == "temperature_C":
            bounds.append((f"the bench's limit for {furnace.name}", limit.minimum, limit.maximum))
    for sample in samples:
        bounds.append((f"sample {sample.label}", sample.min_temperature_C, sample.max_temperature_C))
    for target in targets_C:
        for whose, lowest, highest in bounds:
            low = "" if lowest is None else f"{lowest:g}"
            high = "" if highest is None else f"{highest:g}"
            if (lowest is not None and target < lowest) or (highest is not None and target > highest):
                raise BadInput(
                    f"{target:g} °C is beyond {whose}", place=f"{place}, {key}", allowed=f"{low} to {high} °C"
                )
    return []
