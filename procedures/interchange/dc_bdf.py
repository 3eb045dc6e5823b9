"""Direct-current records as BDF, one csv per cell (https://github.com/battery-data-alliance): fixed labels and units,
charge is positive current, capacities cumulative since the start of the test, by integration of the current."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd

from daq.runfile.reader import RunFile
from procedures.interchange.dc_record import DcRecord, dc_records, passed
from procedures.output_files import OutputFile

DIGITS = "%.10g"


def dc_bdf_files(run: RunFile) -> list[OutputFile]:
    """For each record `<run>_<sample>.bdf.csv` and a JSON beside it that says what the columns mean and where they are
    from; empty for a run without records of direct current."""
    files = []
    for record in dc_records(run):
        files.append(OutputFile(f"{record.stem}.bdf.csv", _table(record)))
        files.append(OutputFile(f"{record.stem}.bdf.json", _sidecar(run, record)))
    return files


def _table(record: DcRecord) -> bytes:
    time_s, current_A, voltage_V = record.time_s, record.current_A, record.voltage_V
    columns = {
        "Test Time / s": time_s,
        "Voltage / V": voltage_V,
        "Current / A": current_A,
        "Unix Time / s": record.unix_s,
        "Cycle Count / 1": record.cycle,
        "Step Count / 1": record.step,
    }
    if record.temperature_C is not None:
        columns["Ambient Temperature / degC"] = record.temperature_C
    for way, name in ((1.0, "Charging"), (-1.0, "Discharging")):
        rate = np.maximum(way * current_A, 0.0)
        columns[f"{name} Capacity / Ah"] = passed(time_s, rate) / 3600
        columns[f"{name} Energy / Wh"] = passed(time_s, rate * voltage_V) / 3600
    return pd.DataFrame(columns).to_csv(index=False, float_format=DIGITS, lineterminator="\n").encode("utf-8")


def _sidecar(run: RunFile, record: DcRecord) -> bytes:
    is_cycling = record.kind == "cycling"
    told = {
        "data_file": f"{record.stem}.bdf.csv",
        "format": "BDF csv, preferred labels",
        "technique": record.kind,
        "current_sign": "charge is positive" if is_cycling else "charge or oxidation is positive",
        "capacities": "cumulative since the start of the test, trapezoid over the rows",
        "rests": "two rows of no current span a time in which a potentiostat was off and nothing was recorded",
        "cycle_count": "the cycler's own" if is_cycling else "of the sweep, or a charge and a discharge each",
        "step_count": "every change of the schedule's step" if is_cycling else "every change of cycle or stage",
        "temperature": "of the furnace, as the cycler's record carries it" if is_cycling else "not in this record",
        "sample": record.sample.label,
        "run": {"id": run.id, "procedure": run.procedure, "outcome": run.outcome, "started": run.started},
        "samples": dict(run.sample),
        "versions": dict(run.versions),
    }
    return (json.dumps(told, indent=2, ensure_ascii=False) + "\n").encode("utf-8")
