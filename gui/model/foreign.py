"""Files of other programs, read and analysed in a thread of their own, shown as if they were runs."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PyQt5.QtCore import QObject, QThread, pyqtSignal, pyqtSlot

from daq.errors import AnalysisRefused, BadInput, CellrigError
from daq.runfile.schema import RUN_DB
from gui.model.analyser import CYCLING, SWEEP, Analysis
from gui.model.growing import GrowingTable
from gui.model.run_view import Head, RunView
from procedures.analyse_files import AnalyseRequest, FilesAnalysis, analyse_files
from procedures.analysis.capacity import integrate_half_cycles
from procedures.analysis.circuit import Complexes
from procedures.analysis.cycling_results import cycling_results
from procedures.analysis.record_shape import record_shape
from procedures.interchange.dc_file import DcFile, is_dc_file, read_dc_file
from procedures.interchange.voltammogram_file import VoltammogramFile, is_voltammogram, read_voltammogram

TURNED = 0.05  # of the range: so far beyond both of its ends has a sweep come back
log = logging.getLogger(__name__)


def is_foreign(path: Path) -> bool:
    """A file that is no run: what lies in a run's folder is the run's."""
    return path.is_file() and path.name != RUN_DB


class ForeignReader(QObject):
    """`found` with the file as a run and its analysis, or `failed` with the path and a sentence."""

    found = pyqtSignal(object, object)  # RunView, Analysis
    failed = pyqtSignal(object, str)
    _asked = pyqtSignal(object)

    def __init__(self) -> None:
        super().__init__()
        self._asked.connect(self._read)
        self._thread = QThread()
        self._thread.setObjectName("files of other programs")
        self.moveToThread(self._thread)
        self._thread.start(QThread.Priority.LowPriority)

    def read(self, path: Path) -> None:
        self._asked.emit(path)

    def close(self) -> None:
        self._thread.quit()
        self._thread.wait(10_000)

    @pyqtSlot(object)
    def _read(self, path: Path) -> None:
        try:
            self.found.emit(*read_foreign(path))
        except (CellrigError, OSError) as error:
            self.failed.emit(path, str(error))
        except Exception as error:  # a file of anybody's making must not take the window with it
            log.exception("reading %s failed", path)
            self.failed.emit(path, f"{path}: it could not be read: {error!r}; please send it with a bug report")


def read_foreign(path: Path) -> tuple[RunView, Analysis]:
    """Spectra, a voltammogram or cycling data. Raises BadInput naming file and line."""
    if is_dc_file(path):
        data = read_dc_file(path)
        kind = data.technique or record_shape(data.time_s, data.voltage_V, data.current_A)
        return _cycling(path, data) if kind == "cycling" else _direct_current(path, kind, data)
    if is_voltammogram(path):
        return _voltammogram(path, read_voltammogram(path))
    return _spectra(path, analyse_files(AnalyseRequest((path,), accept_aborted=True)))


def _view(path: Path, procedure: str, tables: Mapping[str, Mapping[str, Any]]) -> RunView:
    sample = {"name": path.stem}
    view = RunView(path, Head(str(path), procedure, path.stem, sample, {}, {}, "", 0.0), outcome="finished")
    for name, columns in tables.items():
        table = view.tables[name] = GrowingTable()
        arrays = {key: np.asarray(values) for key, values in columns.items()}
        count = len(next(iter(arrays.values())))
        table.extend({"id": np.arange(1, count + 1), "attempt": np.ones(count, np.int64), **arrays})
    return view


def _spectra(path: Path, found: FilesAnalysis) -> tuple[RunView, Analysis]:
    """Numbered as a run numbers its spectra, so that fits find theirs; one without a temperature has NaN."""
    points: dict[str, list[Any]] = {key: [] for key in ("spectrum", "setpoint_C", "frequency_Hz", "z_ohm")}
    for number, one in enumerate(found.spectra, 1):
        count = len(one.data.frequency_Hz)
        points["spectrum"] += [number] * count
        points["setpoint_C"] += [one.temperature_C] * count
        points["frequency_Hz"] += one.data.frequency_Hz.tolist()
        points["z_ohm"] += one.data.z_ohm.tolist()
    z: Complexes = np.asarray(points.pop("z_ohm"), dtype=np.complex128)
    impedance = {
        **points,
        "sample": np.full(len(z), "", dtype=object),
        "z_real_ohm": z.real,
        "z_imag_ohm": z.imag,
    }
    spectra = {
        "spectrum": np.arange(1, len(found.spectra) + 1),
        "sample": np.full(len(found.spectra), "", dtype=object),
        "direction": np.full(len(found.spectra), "", dtype=object),
        "setpoint_C": [one.temperature_C for one in found.spectra],
        "sample_temperature_C": [one.temperature_C for one in found.spectra],
    }
    numbers = {id(one.data): number for number, one in enumerate(found.spectra, 1)}
    fitted = [
        (replace(one, label=f"spectrum {numbers[id(one.data)]}"), fit, reason)
        for one, fit, reason in found.analysis.spectra
    ]
    sweep = replace(found.analysis, spectra=fitted)
    return _view(path, SWEEP, {"impedance": impedance, "spectra": spectra}), Analysis(path, found.results, sweep)


def _direct_current(path: Path, procedure: str, data: DcFile) -> tuple[RunView, Analysis]:
    """Swept or at rest. Without onsets: a density needs an area, and the file's is a program's default."""
    count = len(data.time_s)
    columns = {
        "sample": np.full(count, "", dtype=object),
        "cycle": np.ones(count, np.int64) if data.cycle is None else data.cycle,
        "t_s": data.time_s,
        "time_s": data.time_s,
        "voltage_V": data.voltage_V,
        "current_A": data.current_A,
        "current_density_mA_cm2": np.full(count, np.nan),
    }
    stream = "voltammetry"
    if procedure == "open-circuit":
        stream, columns["stage"] = "polarisation", np.zeros(count, np.int64)
    return _view(path, procedure, {stream: columns}), Analysis(path)


def _voltammogram(path: Path, data: VoltammogramFile) -> tuple[RunView, Analysis]:
    """Without onsets: whether oxidation is positive in it nobody has said."""
    count, volt = len(data.voltage_V), data.voltage_V
    ends = sorted((float(volt[0]), float(volt[-1])))
    beyond = max(float(np.nanmax(volt)) - ends[1], ends[0] - float(np.nanmin(volt)))
    procedure = "cyclic-voltammetry" if beyond > TURNED * float(np.ptp(volt)) else "linear-sweep"
    columns = {
        "sample": np.full(count, "", dtype=object),
        "cycle": data.cycle,
        "t_s": np.arange(count, dtype=float),
        "voltage_V": data.voltage_V,
        "current_A": data.current_A,
        "current_density_mA_cm2": data.density_mA_cm2,
    }
    return _view(path, procedure, {"voltammetry": columns}), Analysis(path)


def _cycling(path: Path, data: DcFile) -> tuple[RunView, Analysis]:
    count = len(data.time_s)
    columns = {
        "sample": np.full(count, "", dtype=object),
        "time_s": data.time_s,
        "voltage_V": data.voltage_V,
        "current_A": data.current_A,
        "current_density_mA_cm2": np.full(count, np.nan),
    }
    view = _view(path, "galvanostatic-cycling", {CYCLING: columns})
    try:
        halves = integrate_half_cycles(
            data.time_s, data.current_A, data.voltage_V, current_resolution_A=data.current_resolution_A
        )
    except AnalysisRefused as refusal:
        raise BadInput(str(refusal), place=str(path)) from refusal
    return view, Analysis(path, cycling_results(halves, None), halves={"": (halves, None)})
