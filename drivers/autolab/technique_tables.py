"""Techniques as plain tables and back, for the pipe between parent and child."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from daq.errors import BadInput
from drivers.techniques import (
    ConstantCurrent,
    ConstantPotential,
    CutOffs,
    CyclicVoltammetry,
    GalvanostaticSpectrum,
    LinearSweep,
    OpenCircuit,
    Spectrum,
    Technique,
)

KINDS: dict[str, type[Technique]] = {
    one.kind: one
    for one in (
        Spectrum,
        GalvanostaticSpectrum,
        OpenCircuit,
        CyclicVoltammetry,
        LinearSweep,
        ConstantCurrent,
        ConstantPotential,
    )
}


def to_table(technique: Technique) -> dict[str, Any]:
    return asdict(technique)


def from_table(table: Mapping[str, Any]) -> Technique:
    """Raises BadInput for a kind that there is not."""
    rest = dict(table)
    kind = rest.pop("kind", None)
    if kind not in KINDS:
        raise BadInput(f"there is no technique {kind!r}", allowed=", ".join(KINDS))
    if "cut_offs" in rest:
        rest["cut_offs"] = CutOffs(**rest["cut_offs"])
    if "frequencies_Hz" in rest:
        rest["frequencies_Hz"] = tuple(rest["frequencies_Hz"])
    return KINDS[kind](**rest)
