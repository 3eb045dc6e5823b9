"""`write_report`: read the run, let its procedure's part tell what is special, set the page, write the files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from daq.errors import BadInput
from daq.runfile.reader import RunFile
from procedures.output_files import OutputFile, write_files
from procedures.report.common import plain_content
from procedures.report.facts import RunFacts, facts_of
from procedures.report.page import render
from procedures.report.parts import Content, Plot
from procedures.report.style import as_png

REPORT = "report.html"
FIGURES = "figures"
ContentOf = Callable[[RunFile, RunFacts], Content]
VOLTAMMETRY = ("cyclic-voltammetry", "linear-sweep")
POLARISATION = ("critical-current", "dc-polarisation", "open-circuit")
CYCLING = ("symmetric-cycling", "galvanostatic-cycling", "rate-capability")


def _content_of(procedure: str) -> ContentOf:
    """What is special to a procedure; only its own part is loaded: that of spectra brings the fits along."""
    if procedure == "eis-sweep":
        from procedures.report.eis_sweep import sweep_content

        return sweep_content
    if procedure in (*VOLTAMMETRY, *POLARISATION, *CYCLING):
        from procedures.report.direct_current import cycling_content, polarisation_content, voltammetry_content

        if procedure in VOLTAMMETRY:
            return voltammetry_content
        return polarisation_content if procedure in POLARISATION else cycling_content
    return plain_content


def write_report(run_path: Path, target: Path | None = None, png: bool = False, overwrite: bool = False) -> Path:
    """Write the report of the run in `run_path` (its folder or run.db); returns the HTML file.

    Without a `target` it is RUN/report.html, with `png` also RUN/figures/*.png; those are derived from the run and
    replaced when they are there. A `target` is a file name, or a folder to put `<run id>.html` into, with the figures
    beside it in `<name>_figures`; what is there is replaced with `overwrite` only. Works on a run that is going on.
    Raises RunFileError when the run can't be read, BadInput when the target may not be written, StorageError when
    it can't.
    """
    with RunFile.open(run_path) as run:
        facts = facts_of(run)
        content = _content_of(facts.procedure)(run, facts)
    page, figures = _places(facts, target)
    drawn = [OutputFile(f"{one.name}.png", as_png(one.figure)) for one in content.plots] if png else []
    if target is not None and not overwrite:
        _refuse_to_replace([page, *(figures / one.name for one in drawn)])
    html = render(facts, content)
    (written,) = write_files(page.parent, [OutputFile(page.name, html.encode("utf-8"))], overwrite=True)
    if drawn:
        write_files(figures, drawn, overwrite=True)
    return written


def figures_of(run_path: Path) -> list[Plot]:
    """The figures of the run's report, to be set elsewhere. Raises RunFileError."""
    with RunFile.open(run_path) as run:
        facts = facts_of(run)
        return list(_content_of(facts.procedure)(run, facts).plots)


def _refuse_to_replace(paths: Sequence[Path]) -> None:
    there = [path for path in paths if path.exists()]
    if there:
        raise BadInput(
            "is there already; nothing was written", place=str(there[0]), allowed="--overwrite, or another name"
        )


def _places(facts: RunFacts, target: Path | None) -> tuple[Path, Path]:
    """The page, and the folder of the figures."""
    if target is None:
        return facts.path / REPORT, facts.path / FIGURES
    page = target / f"{facts.id}.html" if target.is_dir() else target
    return page, page.with_name(f"{page.stem}_{FIGURES}")
