"""Which colour, marker and name a point or a line of an Arrhenius plot has."""

from __future__ import annotations

from dataclasses import dataclass

from procedures.analysis.branches import Branch
from procedures.analysis.sweep_points import MeasuredSpectrum
from procedures.report.style import DIRECTIONS, INK, MARKERS, SAMPLES, name_in_figure
from procedures.report.sweep_facts import SweepFacts
from procedures.result_words import number

_SHAPES = ("o", "s", "^", "D", "v", "P")


@dataclass(frozen=True)
class Look:
    color: str
    marker: str
    label: str
    size_pt: float


class Looks:
    """Colour by direction, or by sample where there are several; then those drawn first are larger, so that equal
    samples are seen side by side."""

    def __init__(self, sweep: SweepFacts) -> None:
        spectra = [one.point.spectrum for one in sweep.shown]
        self._samples = sweep.samples()
        self._names = names_in_figures(sweep)
        self._directions = {one.direction for one in spectra}
        self._lines = sweep.analysis.arrhenius
        self._placed = [one.point.spectrum for one in sweep.shown if one.point.counts]

    def of(self, spectrum: MeasuredSpectrum) -> Look:
        direction = spectrum.direction
        marker = MARKERS.get(direction, "o")
        if len(self._samples) == 1:
            return Look(DIRECTIONS.get(direction, INK), marker, direction or "measured", 6.0)
        number_of = self._samples.index(spectrum.sample)
        color, size = SAMPLES[number_of % len(SAMPLES)], max(8.0 - 1.4 * number_of, 4.0)
        if len(self._directions) > 1:
            return Look(color, marker, f"{self._names[spectrum.sample]}, {direction}", size)
        return Look(color, _SHAPES[number_of % len(_SHAPES)], self._names[spectrum.sample], size)

    def line_color(self, branch: Branch) -> str:
        if len(self._samples) > 1:
            return SAMPLES[self._samples.index(branch.sample) % len(SAMPLES)]
        directions = {point.spectrum.direction for point in branch.points}
        return DIRECTIONS.get(directions.pop() if len(directions) == 1 else branch.direction, INK)

    def line_marker(self, branch: Branch) -> str | None:
        """The marker of the points of a line, where they have one only."""
        markers = {self.of(one).marker for one in self._placed if _is_on(one, branch)}
        return markers.pop() if len(markers) == 1 else None

    def line_label(self, branch: Branch) -> str:
        """`K001, heating, below 44 °C: Eₐ = 0.560 ± 0.002 eV`, without what all lines share."""
        parts = [self._names[branch.sample]] if len(self._samples) > 1 else []
        if branch.direction or self._has_directions(branch.sample):
            parts.append(branch.direction or "all")
        place = branch.transition.temperature_C.value if branch.transition is not None else None
        if branch.name:
            parts.append(branch.name if place is None else f"{branch.name} {place:.3g} °C")
        energy = branch.fit.activation_energy_eV if branch.fit is not None else None
        text = number(energy.value, energy.uncertainty) if energy is not None else "–"
        return f"{', '.join(parts)}{': ' if parts else ''}Eₐ = {text} eV"

    def is_told(self, spectrum: MeasuredSpectrum) -> bool:
        """Whether the legend shows this point's marker at a line already."""
        lines = [branch for branch in self._lines if branch.fit is not None and _is_on(spectrum, branch)]
        color = self.of(spectrum).color
        return any(self.line_color(one) == color for one in lines if self.line_marker(one) is not None)

    def is_repeated(self, branch: Branch) -> bool:
        """A direction's own line beside one through all points of the sample: its points are on that one already."""
        together = any(not one.direction and one.sample == branch.sample for one in self._lines)
        return bool(branch.direction) and together

    def _has_directions(self, sample: str) -> bool:
        return any(one.direction and one.sample == sample for one in self._lines)


def names_in_figures(sweep: SweepFacts) -> dict[str, str]:
    """How each sample is called in a legend."""
    return {name: name_in_figure(name, number) for number, name in enumerate(sweep.samples(), 1)}


def _is_on(spectrum: MeasuredSpectrum, branch: Branch) -> bool:
    return spectrum.sample == branch.sample and branch.direction in ("", spectrum.direction)
