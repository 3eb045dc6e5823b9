"""Exports of a run for other programs; the run file stays the primary record."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from daq.errors import BadInput
from daq.runfile.reader import RunFile
from procedures.interchange import spectrum_text
from procedures.interchange.cycling_bdf import cycling_bdf_files, has_cycling
from procedures.interchange.output import OutputFile, write_files
from procedures.interchange.run_spectra import RunSpectrum, file_name, spectra_of_run
from procedures.interchange.sidecar import file_sha256, sidecar
from procedures.interchange.stream_tables import as_csv, as_parquet

_SPECTRUM_TEXTS: dict[str, tuple[str, Callable[[RunSpectrum, str, float | None], bytes]]] = {
    "zview": (".z", spectrum_text.zview),
    "gamry": (".DTA", spectrum_text.gamry),
    "eclab": (".mpt", spectrum_text.eclab),
}
EXPORT_FORMATS = ("bdf", *_SPECTRUM_TEXTS, "csv", "parquet")


def export_run(run: RunFile, fmt: str, target: Path, overwrite: bool = False) -> list[Path]:
    """Write `run` into the folder `target`; returns the files.

    `bdf` (csv with a JSON beside it): of a cycler's run one file per cell, else one per finished spectrum. `zview`,
    `gamry`, `eclab`: one file per finished spectrum, its temperature in name and header. `csv`, `parquet`: one file
    per stream that has rows. Raises BadInput for an unknown format, a run without what the format is for, or a file
    that is there already (then nothing is written); StorageError when the disk does not take it.
    """
    if fmt in _SPECTRUM_TEXTS:
        files = _spectrum_files(run, fmt)
    elif fmt == "bdf":
        files = cycling_bdf_files(run) if has_cycling(run) else _bdf_files(run)
    elif fmt in ("csv", "parquet"):
        files = _stream_files(run, fmt)
    else:
        raise BadInput(f"{fmt!r} is no format of an export", place="export", allowed=", ".join(EXPORT_FORMATS))
    return write_files(Path(target), files, overwrite)


def _spectra(run: RunFile) -> list[RunSpectrum]:
    if not {"impedance", "spectra"} <= {stream.name for stream in run.streams()}:
        raise BadInput(
            f"a run of {run.procedure} holds no impedance spectra", place=f"{run.id}, export", allowed="csv, parquet"
        )
    found = [spectrum for spectrum in spectra_of_run(run) if len(spectrum.frequency_Hz)]
    if not found:
        raise BadInput("there is no finished spectrum in this run", place=f"{run.id}, export", allowed="csv, parquet")
    return found


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
