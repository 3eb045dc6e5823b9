"""Cycling runs as BDF, one csv per cell (https://github.com/battery-data-alliance): fixed labels and units, charge is
positive current, capacities cumulative since the start of the test, by integration of the current."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd

from daq.errors import BadInput
from daq.runfile.reader import RunFile
from procedures.interchange.output import OutputFile
from procedures.interchange.run_spectra import file_name

STREAM = "cycling"
DIGITS = "%.10g"


def has_cycling(run: RunFile) -> bool:
    return any(one.name == STREAM and one.rows for one in run.streams())


def cycling_bdf_files(run: RunFile) -> list[OutputFile]:
    """For each cell `<run>_<sample>.bdf.csv` and a JSON beside it that says what the columns mean and where they are
    from. Raises BadInput for a run without rows of a cycler."""
    rows = run.table(STREAM)
    if not len(rows["t_s"]):
        raise BadInput("there are no rows of a cycler in this run", place=f"{run.id}, export", allowed="csv, parquet")
    files = []
    for name in dict.fromkeys(rows["sample"].tolist()):
        mine = rows["sample"] == name
        stem = file_name(f"{run.id}_{name}" if name else run.id)
        files.append(OutputFile(f"{stem}.bdf.csv", _table(run, {key: one[mine] for key, one in rows.items()})))
        files.append(OutputFile(f"{stem}.bdf.json", _sidecar(run, str(name), f"{stem}.bdf.csv")))
    return files


def _table(run: RunFile, rows: dict[str, np.ndarray]) -> bytes:
    time_s, current_A = rows["time_s"], rows["current_A"]
    columns = {
        "Test Time / s": time_s,
        "Voltage / V": rows["voltage_V"],
        "Current / A": current_A,
        "Unix Time / s": run.unix_of(float(rows["t_s"][0])) - rows["t_s"][0] + rows["t_s"],
        "Cycle Count / 1": rows["cycle"],
        "Step Count / 1": 1 + np.cumsum(np.diff(rows["schedule_step"], prepend=rows["schedule_step"][:1]) != 0),
        "Ambient Temperature / degC": rows["temperature_C"],
        "Charging Capacity / Ah": _passed_h(time_s, np.maximum(current_A, 0.0)),
        "Discharging Capacity / Ah": _passed_h(time_s, np.maximum(-current_A, 0.0)),
        "Charging Energy / Wh": _passed_h(time_s, np.maximum(current_A, 0.0) * rows["voltage_V"]),
        "Discharging Energy / Wh": _passed_h(time_s, np.maximum(-current_A, 0.0) * rows["voltage_V"]),
    }
    return pd.DataFrame(columns).to_csv(index=False, float_format=DIGITS, lineterminator="\n").encode("utf-8")


def _passed_h(time_s: np.ndarray, rate: np.ndarray) -> np.ndarray:
    """Integral up to every row, in hours: Ah of A, Wh of W."""
    part = 0.5 * (rate[1:] + rate[:-1]) * np.diff(time_s)
    return np.concatenate([[0.0], np.cumsum(part)]) / 3600


def _sidecar(run: RunFile, sample: str, data_file: str) -> bytes:
    told = {
        "data_file": data_file,
        "format": "BDF csv, preferred labels",
        "current_sign": "charge is positive",
        "capacities": "cumulative since the start of the test, trapezoid over the recorded rows",
        "cycle_count": "the cycler's own",
        "step_count": "every change of the schedule's step",
        "temperature": "of the furnace, as the cycler's record carries it",
        "sample": sample,
        "run": {"id": run.id, "procedure": run.procedure, "outcome": run.outcome, "started": run.started},
        "samples": dict(run.sample),
        "versions": dict(run.versions),
    }
    return (json.dumps(told, indent=2, ensure_ascii=False) + "\n").encode("utf-8")
