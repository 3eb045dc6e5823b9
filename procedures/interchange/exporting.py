"""Exports of a run for other programs; the run file stays the primary record."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from daq.errors import BadInput
from daq.runfile.reader import RunFile
from procedures.interchange import dc_text, spectrum_text
from procedures.interchange.dc_bdf import dc_bdf_files
from procedures.interchange.dc_record import VOLTAMMOGRAMS, dc_records
from procedures.interchange.run_spectra import RunSpectrum, file_name, spectra_of_run
from procedures.interchange.sidecar import file_sha256, sidecar
from procedures.interchange.stream_tables import as_csv, as_parquet
from procedures.output_files import OutputFile, write_files

_SPECTRUM_TEXTS: dict[str, tuple[str, Callable[[RunSpectrum, str, float | None], bytes]]] = {
    "zview": (".z", spectrum_text.zview),
    "gamry": (".DTA", spectrum_text.gamry),
    "eclab": (".mpt", spectrum_text.eclab),
}
EXPORT_FORMATS = ("bdf", *_SPECTRUM_TEXTS, "nova", "csv", "parquet")


def export_run(run: RunFile, fmt: str, target: Path, overwrite: bool = False) -> list[Path]:
    """Write `run` into the folder `target`; returns the files.

    `bdf` (csv with a JSON beside it) and `eclab`: one file per finished spectrum, its temperature in name and header,
    and one per direct-current record and cell. `zview`, `gamry`: spectra. `nova`: voltammograms. `csv`, `parquet`: one
    file per stream that has rows. Raises BadInput for an unknown format, a run without what the format is for, or a
    file that is there already (then nothing is written); StorageError when the disk does not take it.
    """
    if fmt == "nova":
        records = [one for one in dc_records(run) if one.kind in VOLTAMMOGRAMS]
        if not records:
            text = f"a run of {run.procedure} holds no voltammogram"
            raise BadInput(text, place=f"{run.id}, export", allowed=_held_by(run))
        files = [OutputFile(f"{one.stem}.nova.txt", dc_text.nova(one)) for one in records]
    elif fmt == "eclab":
        files = [OutputFile(f"{one.stem}.mpt", dc_text.eclab(one, run.id)) for one in dc_records(run)]
        files += _spectrum_files(run, fmt) if not files or _has_spectra(run) else []
    elif fmt in _SPECTRUM_TEXTS:
        files = _spectrum_files(run, fmt)
    elif fmt == "bdf":
        files = dc_bdf_files(run)
        files += _bdf_files(run) if not files or _has_spectra(run) else []
    elif fmt in ("csv", "parquet"):
        files = _stream_files(run, fmt)
    else:
        raise BadInput(f"{fmt!r} is no format of an export", place="export", allowed=", ".join(EXPORT_FORMATS))
    return write_files(Path(target), files, overwrite)


def _has_spectra(run: RunFile) -> bool:
    """Whether a spectrum was finished."""
    return any(stream.name == "spectra" and stream.rows for stream in run.streams())


def _spectra(run: RunFile) -> list[RunSpectrum]:
    if not {"impedance", "spectra"} <= {stream.name for stream in run.streams()}:
        raise BadInput(
            f"a run of {run.procedure} holds no impedance spectra", place=f"{run.id}, export", allowed=_held_by(run)
        )
    found = [spectrum for spectrum in spectra_of_run(run) if len(spectrum.frequency_Hz)]
    if not found:
        raise BadInput("there is no finished spectrum in this run", place=f"{run.id}, export", allowed=_held_by(run))
    return found


def _held_by(run: RunFile) -> str:
    """The formats that what this run holds can leave in."""
    kinds, has_spectra = {one.kind for one in dc_records(run)}, _has_spectra(run)
    formats = ["bdf"] * (bool(kinds) or has_spectra) + ["zview", "gamry"] * has_spectra
    formats += ["eclab"] * (bool(kinds) or has_spectra) + ["nova"] * bool(kinds & set(VOLTAMMOGRAMS))
    return ", ".join([*formats, "csv", "parquet"])


def _spectrum_files(run: RunFile, fmt: str) -> list[OutputFile]:
    ending, write = _SPECTRUM_TEXTS[fmt]
    return [
        OutputFile(spectrum.stem + ending, write(spectrum, run.id, taken_unix(run, spectrum)))
        for spectrum in _spectra(run)
    ]


def _bdf_files(run: RunFile) -> list[OutputFile]:
    facts = {"id": run.id, "procedure": run.procedure, "outcome": run.outcome, "versions": dict(run.versions)}
    database = run.path / "run.db" if run.path.is_dir() else run.path
    # The file of a running run changes under our hands; its hash would name nothing.
    digest = file_sha256(database) if run.outcome != "running" and database.is_file() else None
    files = []
    for spectrum in _spectra(run):
        data_file = f"{spectrum.stem}.bdf.csv"
        beside = sidecar(spectrum, data_file, facts, digest, taken_unix(run, spectrum))
        files += [OutputFile(data_file, spectrum_text.bdf(spectrum)), OutputFile(f"{spectrum.stem}.bdf.json", beside)]
    return files


def _stream_files(run: RunFile, fmt: str) -> list[OutputFile]:
    files = []
    for stream in run.streams():
        if not stream.rows:
            continue
        table = run.table(stream.name)
        units = dict(zip(stream.columns, stream.units, strict=True)) | {"t_s": "s"}
        content = as_csv(table) if fmt == "csv" else as_parquet(table, units)
        files.append(OutputFile(f"{file_name(stream.name)}.{fmt}", content))
    if not files:
        raise BadInput("the run has no rows", place=f"{run.id}, export")
    return files


def taken_unix(run: RunFile, spectrum: RunSpectrum) -> float | None:
    """Unix time of the first point, from the last anchor before it; None without anchors."""
    t_s = float(spectrum.time_s[0])
    before = [anchor for anchor in run.anchors() if anchor.t_s <= t_s]
    return before[-1].unix + t_s - before[-1].t_s if before else None
