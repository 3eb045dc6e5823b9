"""A direct-current record as the text of another program: EC-Lab `.mpt` and NOVA's ASCII.

Header lines and columns are those that the programs' readers were seen to accept; measured values are written `%.9e`.
EC-Lab: windows-1252, CRLF, current in mA, oxidation or charge positive. NOVA: UTF-8, semicolons, A and V; the column
`Potential applied (V)` that NOVA has is left out, for the set-point of a stair is not recorded.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

import numpy as np
import pandas as pd

from procedures.interchange.dc_record import DcRecord, Kind, passed
from procedures.sample_geometry import electrode_area_cm2

TECHNIQUES: Mapping[Kind, str] = {
    "cyclic-voltammetry": "Cyclic Voltammetry",
    "linear-sweep": "Linear Sweep Voltammetry",
    "open-circuit": "Open Circuit Voltage",
    "constant-current": "Chronopotentiometry",
    "constant-potential": "Chronoamperometry / Chronocoulometry",
    "cycling": "Galvanostatic Cycling with Potential Limitation",
}
_GALVANO, _POTENTIO, _OPEN = 1, 2, 3
_REST_A = 1e-12  # less than any of the instruments can set


def eclab(record: DcRecord, run_id: str) -> bytes:
    """EC-Lab ASCII of one technique."""
    sweeps = record.kind in ("cyclic-voltammetry", "linear-sweep", "constant-potential")
    header = [
        "",
        TECHNIQUES[record.kind],
        "",
        "Run on channel : 1 (SN 1)",
        "Ewe ctrl range : min = -10.00 V, max = 10.00 V",
        f"Acquisition started on : {datetime.fromtimestamp(record.began_unix, tz=UTC):%m/%d/%Y %H:%M:%S.%f}"[:-3],
        f"Comments : Run: {run_id}",
        f"Comments : Sample: {' '.join(record.sample.label.split())}",
    ]
    area = electrode_area_cm2(record.sample)
    if area is not None:
        header.append(f"Electrode surface area : {area:.6g} cm²")
    if record.sample.active is not None and record.sample.active.mass_mg is not None:
        header.append(f"Mass of active material : {record.sample.active.mass_mg:.6g} mg")
    header += ["Cycle Definition : Charge/Discharge alternance", ""]
    table = pd.DataFrame(_sweep_columns(record) if sweeps else _cycling_columns(record))
    table[""] = ""  # EC-Lab ends every line of the table with a tab
    text = table.to_csv(sep="\t", index=False, float_format="%.9e", lineterminator="\r\n")
    top = ["EC-Lab ASCII FILE", f"Nb header lines : {len(header) + 3}", *header, ""]
    return ("\r\n".join(top) + text).encode("cp1252", errors="replace")


def _sweep_columns(record: DcRecord) -> dict[str, np.ndarray]:
    count = len(record.time_s)
    return {
        "mode": np.full(count, _POTENTIO),
        "ox/red": (record.current_A > 0).astype(int),
        "error": np.zeros(count, int),
        "control changes": np.zeros(count, int),
        "counter inc.": np.zeros(count, int),
        "time/s": record.time_s,
        "Ewe/V": record.voltage_V,
        "<I>/mA": 1e3 * record.current_A,
        "cycle number": record.cycle,
        "(Q-Qo)/C": record.charge_C,
    }


def _cycling_columns(record: DcRecord) -> dict[str, np.ndarray]:
    count = len(record.time_s)
    flows = np.abs(record.current_A) > _REST_A
    return {
        "mode": np.where(flows, _GALVANO, _OPEN),
        "ox/red": (record.current_A > 0).astype(int),
        "error": np.zeros(count, int),
        "control changes": np.zeros(count, int),
        "Ns changes": (np.diff(record.step, prepend=record.step[:1]) != 0).astype(int),
        "counter inc.": np.zeros(count, int),
        "Ns": record.step - 1,
        "time/s": record.time_s,
        "Ewe/V": record.voltage_V,
        "I/mA": 1e3 * record.current_A,
        "cycle number": record.cycle,
        "(Q-Qo)/mA.h": record.charge_C / 3.6,
        "half cycle": record.half_cycle,
    }


def nova(record: DcRecord) -> bytes:
    """NOVA's ASCII of a voltammogram; Q+ and Q- are the charges (C) that have passed in each direction, magnitudes."""
    table = pd.DataFrame(
        {
            "Time (s)": record.time_s,
            "WE(1).Current (A)": record.current_A,
            "WE(1).Potential (V)": record.voltage_V,
            "Scan": record.cycle,
            "Index": np.arange(1, len(record.time_s) + 1),
            "Q+": passed(record.time_s, np.maximum(record.current_A, 0.0)),
            "Q-": passed(record.time_s, np.maximum(-record.current_A, 0.0)),
        }
    )
    return table.to_csv(sep=";", index=False, float_format="%.9e", lineterminator="\n").encode("utf-8")
