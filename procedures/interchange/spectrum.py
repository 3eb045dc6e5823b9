"""A spectrum of another program, and the checks that every one passes whatever its format.

Left out with a note: rows without a frequency (direct-current rows), rows of zeros or NaN, points that are
there twice. Refused: too few points, a sign that contradicts the modulus, frequencies that run twice unmarked.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from procedures.interchange.text import SourceText

FEWEST_POINTS = 5
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ForeignSpectrum:
    """A spectrum that another program recorded.

    `frequency_Hz` (n,) and `z_ohm` (n,) complex, Im < 0 capacitive, both finite; in the order of the file when
    that is monotone, else from high to low. `loop` is the number the file gives its loops. `notes` say what was
    left out or is doubtful, for a person to read. `aborted` names the line where the file says that its experiment
    was aborted.
    """

    path: Path
    label: str
    frequency_Hz: Floats
    z_ohm: NDArray[np.complex128]
    temperature_C: float | None
    loop: int | None
    program: str
    notes: tuple[str, ...] = ()
    aborted: str = ""


@dataclass(frozen=True)
class RawSpectrum:
    """Points as the file has them, before any check; `lines` (n,) are their line numbers.

    `sign_header` is what fixed the sign of Im: a header, or the name of the format.
    """

    lines: NDArray[np.int64]
    frequency_Hz: Floats
    z_ohm: NDArray[np.complex128]
    sign_header: str
    temperature_C: Floats | None = None
    loop: int | None = None
    notes: tuple[str, ...] = ()
    aborted: str = ""

    def part(self, keep: NDArray[np.bool_] | NDArray[np.intp], *notes: str) -> RawSpectrum:
        """The points of a mask or an order, with more notes."""
        temperature_C = None if self.temperature_C is None else self.temperature_C[keep]
        return replace(
            self,
            lines=self.lines[keep],
            frequency_Hz=self.frequency_Hz[keep],
            z_ohm=self.z_ohm[keep],
            temperature_C=temperature_C,
            notes=(*self.notes, *notes),
        )

    def as_loop(self, loop: int) -> RawSpectrum:
        return replace(self, loop=loop)


def checked(
    raw: RawSpectrum, source: SourceText, program: str, temperature_C: float | None, *, may_be_inductive: bool = False
) -> ForeignSpectrum:
    """The spectrum after all checks. Raises BadInput naming file and line."""
    points = _without_empty_rows(raw, source)
    points = _without_doubles(points)
    if len(points.lines) < FEWEST_POINTS:
        raise source.refuse(
            f"{_count(points.lines, 'point')} in the spectrum, at least {FEWEST_POINTS} are needed",
            int(raw.lines[0]) if len(raw.lines) else None,
        )
    _refuse_second_run(points, source)
    points = _in_order(points)
    _refuse_wrong_sign(points, source, may_be_inductive=may_be_inductive)
    if points.temperature_C is not None and np.isfinite(points.temperature_C).any():
        temperature_C = round(float(np.nanmean(points.temperature_C)), 6)
    stem = source.path.stem.removesuffix(".bdf")
    label = stem if points.loop is None else f"{stem}, loop {points.loop}"
    return ForeignSpectrum(
        source.path,
        label,
        points.frequency_Hz,
        points.z_ohm,
        temperature_C,
        points.loop,
        program,
        points.notes,
        points.aborted,
    )


def _count(items: Iterable[object], noun: str) -> str:
    number = len(list(items))
    return f"{number} {noun}" + ("" if number == 1 else "s")


def _without_empty_rows(raw: RawSpectrum, source: SourceText) -> RawSpectrum:
    f, z = raw.frequency_Hz, raw.z_ohm
    if (f < 0).any():
        raise source.refuse("a frequency is negative", int(raw.lines[int(np.argmax(f < 0))]))
    no_frequency = f == 0
    unreadable = ~np.isfinite(f) | ~np.isfinite(z)
    zero = (z == 0) & ~no_frequency & ~unreadable
    if len(f) and (unreadable | no_frequency | zero).all():
        raise source.refuse("no row holds a finite frequency and impedance", int(raw.lines[0]))
    notes = []
    if no_frequency.any():
        notes.append(f"{_count(raw.lines[no_frequency], 'row')} without a frequency (direct current) left out")
    if unreadable.any():
        notes.append(f"{_count(raw.lines[unreadable], 'row')} with NaN left out: line {_lines(raw.lines[unreadable])}")
    if zero.any():
        notes.append(f"{_count(raw.lines[zero], 'row')} with impedance zero left out: line {_lines(raw.lines[zero])}")
    return raw.part(~(no_frequency | unreadable | zero), *notes)


def _lines(lines: NDArray[np.int64]) -> str:
    shown = ", ".join(str(line) for line in lines[:5])
    return shown if len(lines) <= 5 else f"{shown} and {len(lines) - 5} more"


def _without_doubles(raw: RawSpectrum) -> RawSpectrum:
    """Drop a whole point that comes right again or once more; a whole spectrum twice is not touched here."""
    seen: set[tuple[float, complex]] = set()
    keep = np.ones(len(raw.lines), dtype=bool)
    for index, point in enumerate(zip(raw.frequency_Hz.tolist(), raw.z_ohm.tolist(), strict=True)):
        keep[index] = point not in seen
        seen.add(point)
    doubles = raw.lines[~keep]
    if not len(doubles) or 2 * len(doubles) >= len(raw.lines) > FEWEST_POINTS:
        return raw
    return raw.part(keep, f"{_count(doubles, 'point')} there twice, the second left out: line {_lines(doubles)}")


def _runs(f: Floats) -> list[tuple[int, int]]:
    """Longest stretches [first, last) of strictly rising or strictly falling frequency."""
    signs = np.sign(np.diff(f))
    runs, first = [], 0
    while first < len(f) - 1:
        last = first + 1
        while last < len(signs) and signs[last] == signs[first] != 0:
            last += 1
        runs.append((first, last + 1))
        # A turn shares its point; a jump back from one sweep to the next is a step of its own.
        first = last
    return runs


def _refuse_second_run(raw: RawSpectrum, source: SourceText) -> None:
    """Two spectra in one table without a mark between them can't be told apart by a fit."""
    f = raw.frequency_Hz
    long = [run for run in _runs(f) if run[1] - run[0] >= FEWEST_POINTS]
    if sum(last - first for first, last in long) >= 0.8 * len(f):
        for before, after in pairwise(long):
            low = max(f[before[0] : before[1]].min(), f[after[0] : after[1]].min())
            high = min(f[before[0] : before[1]].max(), f[after[0] : after[1]].max())
            if high > 3 * low:
                raise _second_run(raw, source, int(raw.lines[after[0]]))
    _, first_seen, counts = np.unique(f, return_index=True, return_counts=True)
    if (counts > 1).sum() > max(3, 0.2 * len(counts)):
        again = next(index for index in range(len(f)) if index not in set(first_seen.tolist()))
        raise _second_run(raw, source, int(raw.lines[again]))


def _second_run(raw: RawSpectrum, source: SourceText, line: int) -> Exception:
    where = f" in loop {raw.loop}" if raw.loop is not None else ""
    return source.refuse(
        f"the frequencies run a second time from here{where}: these are two spectra in one table; give each "
        "its own file, or a column loop_index",
        line,
    )


def _in_order(raw: RawSpectrum) -> RawSpectrum:
    steps = np.diff(raw.frequency_Hz)
    same = int((steps == 0).sum()) if len(steps) else 0
    if (steps > 0).all() or (steps < 0).all():
        return raw
    order = np.argsort(-raw.frequency_Hz, kind="stable")
    ordered = raw.part(order)
    same = int((np.diff(ordered.frequency_Hz) == 0).sum())
    notes = [f"{same} frequencies measured twice, both kept"] if same else []
    if not ((steps >= 0).all() or (steps <= 0).all()):
        notes.append("the points were not in order of frequency; they are sorted")
    return ordered.part(np.arange(len(order)), *notes)


def _refuse_wrong_sign(raw: RawSpectrum, source: SourceText, *, may_be_inductive: bool) -> None:
    """Refuse a spectrum whose Im(Z) has the wrong sign."""
    header = raw.sign_header
    negated = header.lstrip().startswith(("-", "−"))
    other = header.lstrip()[1:] if negated else f"-{header}"
    remedy = f"; if the column holds {'' if negated else '-'}Z'', name it {other!r}"
    first = int(raw.lines[0])
    if (raw.z_ohm.imag > 0).all() and not may_be_inductive:
        raise source.refuse(
            f"every point is inductive (Im(Z) > 0) when {header!r} is taken at its word; a cell is capacitive "
            f"somewhere{remedy}",
            first,
        )
    if _phase_agreement(raw.frequency_Hz, raw.z_ohm) < -0.5:
        raise source.refuse(
            f"the sign of Im(Z) contradicts the modulus: over the sweep |Z| changes as a capacitance does, but "
            f"{header!r} says inductive{remedy}",
            first,
        )


def _phase_agreement(frequency_Hz: Floats, z_ohm: NDArray[np.complex128]) -> float:
    """Correlation of ln|Z| with the integral of the phase over ln f; near 1 with the true sign, -1 with the other.

    Bode's gain-phase relation of a minimum-phase system, dln|Z|/dln f = 2/pi phase; in its integral form, for
    the differences of noisy points say nothing. 0 where the phase is too small to say anything.
    """
    order = np.argsort(frequency_Hz, kind="stable")
    log_f, phase = np.log(frequency_Hz[order]), np.angle(z_ohm[order])
    log_z = np.log(np.abs(z_ohm[order]))
    expected = np.concatenate(([0.0], np.cumsum((phase[1:] + phase[:-1]) / np.pi * np.diff(log_f))))
    if np.ptp(expected) < 0.1:
        return 0.0
    log_z, expected = log_z - log_z.mean(), expected - expected.mean()
    size = float(np.linalg.norm(log_z) * np.linalg.norm(expected))
    return float(log_z @ expected) / size if size else 0.0
