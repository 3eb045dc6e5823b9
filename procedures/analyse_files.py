"""`cellrig analyse FILE… or FOLDER`: the analysis of our own sweeps on spectra that other programs recorded."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from daq.contracts import Result
from daq.errors import BadInput
from daq.sample import Disc, Pellet, Sample
from daq.tables import parse
from procedures.analysis.options import FitOptions
from procedures.analysis.spectrum import SpectrumData
from procedures.analysis.sweep import MeasuredSpectrum, SweepAnalysis, analyse_sweep
from procedures.eis_compensation import read_standards
from procedures.interchange import ForeignSpectrum, read_spectra
from procedures.interchange import temperature as spelled
from procedures.interchange.file_settings import FileSettings, read_settings
from procedures.sample_geometry import electrode_area_cm2, geometry_of

SPECTRUM_ENDINGS = frozenset(
    {".asc", ".csv", ".dat", ".dfr", ".dta", ".idf", ".mpt", ".p00", ".par", ".tsv", ".txt", ".z"}
)
_NO_DATA = re.compile(r"(licen[cs]e|readme|notice|copying)\b", re.IGNORECASE)
_DISAGREEMENT_K = 1.0


@dataclass(frozen=True)
class AnalyseRequest:
    """What is to be analysed. `settings` is a TOML file; an option here wins over what it says.

    `temperature_C` holds for all files. `temperature_pattern` shows where the temperature stands in a file name,
    e.g. '{T}C' or 'cell3_T{T}_*'. `thickness_mm` with `diameter_mm` or `area_cm2` give the conductivity.
    `accept_aborted`: analyse what there is of an experiment that its file calls aborted. `compensation` names the
    files of standards: `short`, `open`, `load` with `load_ohm`.
    """

    paths: tuple[Path, ...]
    thickness_mm: float | None = None
    diameter_mm: float | None = None
    area_cm2: float | None = None
    temperature_C: float | None = None
    temperature_uncertainty_K: float | None = None
    temperature_pattern: str | None = None
    settings: Path | None = None
    accept_aborted: bool = False
    compensation: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class RefusedFile:
    """A file that could not be read, and the sentence that says why."""

    path: Path
    reason: str


@dataclass(frozen=True)
class FilesAnalysis:
    """`results` as of an eis-sweep; `notes` for a person; `refusals` of files that were left out."""

    results: list[Result]
    notes: list[str]
    refusals: list[RefusedFile]
    spectra: list[MeasuredSpectrum]
    analysis: SweepAnalysis


def analyse_files(request: AnalyseRequest) -> FilesAnalysis:
    """Read, find the temperatures, fit, and fit the sweep where there are several temperatures.

    One bad file among several is a refusal in the result. Raises BadInput when an option is wrong, a path is not
    there, or no file at all could be read (then with the reason of the first).
    """
    files, notes = _collect(request.paths)
    settings = read_settings(request.settings, files) if request.settings else FileSettings()
    sample = sample_of(request, settings)
    standards = read_standards(request.compensation, Path(), "compensation")
    spectra: list[MeasuredSpectrum] = []
    refusals: list[RefusedFile] = []
    errors: list[BadInput] = []
    said_of: list[tuple[str, str]] = []
    for path in files:
        try:
            foreign = read_spectra(path)
            _refuse_aborted(foreign, request)
            if standards is not None:
                foreign = [replace(f, z_ohm=standards.applied(f.frequency_Hz, f.z_ohm)) for f in foreign]
        except BadInput as error:
            refusals.append(RefusedFile(path, str(error)))
            errors.append(error)
            continue
        for one in foreign:
            temperature_C, said = _temperature(one, request, settings)
            said_of += [(one.label, note) for note in (*one.notes, *said)]
            spectra.append(_measured(one, sample, temperature_C, request, settings))
    if not spectra:
        if len(files) == 1:
            raise errors[0]
        raise BadInput(f"none of the {len(files)} files could be read; the first: {errors[0]}")
    options = FitOptions() if standards is None else standards.options(FitOptions())
    analysis = analyse_sweep(spectra, geometry_of(sample), options)
    notes += [f"the spectra are {standards}"] if standards is not None else []
    notes += [*_together(said_of), *_half_a_geometry(sample), *analysis.notes]
    return FilesAnalysis(list(analysis.results), notes, refusals, spectra, analysis)


def _refuse_aborted(foreign: Sequence[ForeignSpectrum], request: AnalyseRequest) -> None:
    """Somebody broke it off, for a reason that the file does not tell: a number is made of it only on request."""
    for one in foreign:
        if one.aborted and not request.accept_aborted:
            raise BadInput(
                f"the experiment was aborted after {len(one.frequency_Hz)} points",
                place=f"{one.path}, {one.aborted}",
                allowed="--accept-aborted analyses what there is of it",
            )


def _collect(paths: Sequence[Path]) -> tuple[list[Path], list[str]]:
    """The files, folders opened (not the folders in them), each once, sorted as people count."""
    files: dict[Path, Path] = {}
    notes: list[str] = []
    for path in map(Path, paths):
        if path.is_dir():
            entries = sorted((entry for entry in path.iterdir() if entry.is_file()), key=_as_people_count)
            inside = [entry for entry in entries if _may_be_spectrum(entry)]
            if not inside:
                inner = sorted(entry.name for entry in path.iterdir() if entry.is_dir())
                raise BadInput(
                    "there are no spectra in this folder; folders in it are not searched",
                    place=str(path),
                    allowed=", ".join(f"{path / name}" for name in inner[:6]),
                )
            if len(inside) < len(entries):
                aside = ", ".join(entry.name for entry in entries if entry not in inside)
                notes.append(f"{path}: not looked at: {aside}")
        elif path.exists():
            inside = [path]
        else:
            raise BadInput("there is no such file or folder", place=str(path))
        for entry in inside:
            files.setdefault(entry.resolve(), entry)
    if not files:
        raise BadInput("no files were given", place="analyse")
    return list(files.values()), notes


def _may_be_spectrum(path: Path) -> bool:
    hidden = path.name.startswith(".") or _NO_DATA.match(path.name)
    return not hidden and path.suffix.lower() in SPECTRUM_ENDINGS


def _as_people_count(path: Path) -> list[tuple[int, float, str]]:
    """2C before 10C."""
    parts = re.split(r"(\d+)", path.name.casefold())
    return [(0, float(part), "") if part.isdigit() else (1, 0.0, part) for part in parts]


def sample_of(request: AnalyseRequest, settings: FileSettings | None = None) -> Sample:
    """What options and settings file say of the sample. `settings`: the file, where it was read already."""
    if settings is None:
        settings = read_settings(request.settings, request.paths) if request.settings else FileSettings()
    sample = settings.sample or Sample(name="sample")
    if request.diameter_mm is not None and request.area_cm2 is not None:
        raise BadInput("give the diameter or the area, not both", place="--diameter, --area")
    disc = {"diameter_mm": request.diameter_mm, "area_cm2": request.area_cm2}
    pellet = sample.pellet
    if request.thickness_mm is not None:
        known = pellet.model_dump(exclude_none=True) if pellet else {}
        pellet = parse(Pellet, {**known, "thickness_mm": request.thickness_mm}, "--thickness")
    electrode = sample.electrode
    if any(value is not None for value in disc.values()):
        given = {key: value for key, value in disc.items() if value is not None}
        electrode = parse(Disc, given, "--diameter or --area")
    return sample.model_copy(update={"pellet": pellet, "electrode": electrode})


def _half_a_geometry(sample: Sample) -> list[str]:
    """What is missing when somebody gave a part of what a conductivity needs."""
    has_thickness = sample.pellet is not None and sample.pellet.thickness_mm is not None
    has_area = electrode_area_cm2(sample) is not None
    if has_thickness and not has_area:
        return ["a conductivity needs the area too: give --diameter or --area"]
    if has_area and not has_thickness:
        return ["a conductivity needs the thickness too: give --thickness"]
    return []


def _together(said_of: Sequence[tuple[str, str]]) -> list[str]:
    """A note that holds for many spectra is said once."""
    labels: dict[str, list[str]] = {}
    for label, note in said_of:
        labels.setdefault(note, []).append(label)
    return [
        f"{of[0]}: {note}" if len(of) == 1 else f"{len(of)} spectra ({of[0]} … {of[-1]}): {note}"
        for note, of in labels.items()
    ]


def _temperature(
    spectrum: ForeignSpectrum, request: AnalyseRequest, settings: FileSettings
) -> tuple[float | None, list[str]]:
    """The temperature with what is to be said about where it comes from.

    In this order: the option, the settings file, a pattern for the name, the file itself, the usual spelling in
    its name.
    """
    stem = spectrum.path.stem
    if request.temperature_C is not None:
        if not -273.15 <= request.temperature_C <= 2000:
            raise BadInput(f"{request.temperature_C:g} °C is no temperature", place="--temperature")
        return request.temperature_C, []
    given = settings.temperature_of(spectrum.path)
    if given is not None:
        return given, []
    said = []
    pattern = request.temperature_pattern or settings.temperature_pattern
    if pattern:
        matched = spelled.from_pattern(stem, pattern)
        if matched is not None:
            return matched, []
        said.append(f"its name does not fit the pattern {pattern!r}")
    named = spelled.from_name(stem)
    if spectrum.temperature_C is not None:
        if named is not None and abs(named - spectrum.temperature_C) > _DISAGREEMENT_K:
            said.append(f"its name says {named:g} °C, the file itself {spectrum.temperature_C:g} °C; the file is taken")
        return spectrum.temperature_C, said
    if named is not None:
        return named, [*said, f"temperature {named:g} °C from its name"]
    return None, [*said, "no temperature in the file or its name: resistances only; give --temperature or a pattern"]


def _measured(
    spectrum: ForeignSpectrum,
    sample: Sample,
    temperature_C: float | None,
    request: AnalyseRequest,
    settings: FileSettings,
) -> MeasuredSpectrum:
    uncertainty_K = request.temperature_uncertainty_K
    if uncertainty_K is None:
        uncertainty_K = settings.temperature_uncertainty_K
    return MeasuredSpectrum(
        sample=sample.label if settings.sample else "",
        direction="",
        setpoint_C=None,
        temperature_C=math.nan if temperature_C is None else temperature_C,
        temperature_uncertainty_K=uncertainty_K or 0.0,
        data=SpectrumData(frequency_Hz=spectrum.frequency_Hz, z_ohm=spectrum.z_ohm),
        label=spectrum.label,
    )
