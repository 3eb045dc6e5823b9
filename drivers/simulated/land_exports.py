"""Files as LAND's programs export them, written from the lists of their columns: four dialects, currents in uA or mA.

A writer of its own: it knows nothing of the readers.
"""

from __future__ import annotations

import csv
import zipfile
from collections.abc import Sequence
from datetime import datetime, timedelta
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any, Literal

from drivers.schedule import CyclerRecord

Dialect = Literal["excel", "new-excel", "text", "csv"]
CSV_COLUMNS = (
    "channel_index", "cycle_index", "step_index", "date_time_iso_string", "test_time_s", "step_time_s", "current_A",
    "voltage_V", "discharge_capacity_Ah", "charge_capacity_Ah", "discharge_energy_Wh", "charge_energy_Wh",
    "Pressure_Psi", "temperature_1_C", "temperature_2_C", "temperature_3_C", "step_name",
)  # fmt: skip
SHEET_ROWS = 65_000  # of an older Excel
ENDING: dict[Dialect, str] = {"excel": ".xlsx", "new-excel": ".xlsx", "text": ".txt", "csv": ".csv"}


def write_export(
    path: Path, dialect: Dialect, records: Sequence[CyclerRecord], code: str, began_unix: float, digits: int = 4
) -> None:
    """The whole test so far. `digits` after the point of a current in mA (of one in A in the csv, whose unit it is)."""
    content = {"excel": _excel, "new-excel": _new_excel, "text": _text, "csv": _csv}[dialect]
    path.write_bytes(content(records, code, datetime.fromtimestamp(began_unix), digits))


def _word(record: CyclerRecord) -> str:
    return "R" if not record.current_A else "C_CC" if record.current_A > 0 else "D_CC"


def _text(records: Sequence[CyclerRecord], code: str, began: datetime, digits: int) -> bytes:
    lines = [
        f"Battery code: {code}",
        "Record\tTest Time/s\tVoltage/V\tCurrent/mA\tCapacity/mAh\tStepNo\tStepStatus\tSysTime",
    ]
    for one in records:
        passed = 1e3 * (one.charge_capacity_Ah if one.current_A >= 0 else one.discharge_capacity_Ah)
        stamp = (began + timedelta(seconds=one.time_s)).strftime("%Y-%m-%d %H:%M:%S")
        lines.append(
            f"{one.number}\t{one.time_s:.2f}\t{one.voltage_V:.5f}\t{1e3 * one.current_A:.{digits}f}\t{passed:.6f}"
            f"\t{one.step}\t{_word(one)}\t{stamp}"
        )
    return ("\r\n".join(lines) + "\r\n").encode()


def _csv(records: Sequence[CyclerRecord], code: str, began: datetime, digits: int) -> bytes:
    """As the English program writes it: amperes, and a comma more at the end of each row."""
    out = StringIO()
    writer = csv.writer(out, lineterminator="\n")
    padded = [""] * 16
    for label in ("cell model:", f"cell id: {code}", "test: ", "checkpoint: "):
        writer.writerow([label, *padded])
    writer.writerow(["Nominal capacity used to define the C rate:Ah", *padded[1:]])
    writer.writerow(["Nominal energy used to define the E rate: Wh", *padded])
    writer.writerow(CSV_COLUMNS)
    names = {"R": "rest", "C_CC": "charge CC", "D_CC": "discharge CC"}
    for one in records:
        stamp = (began + timedelta(seconds=one.time_s)).strftime("%m/%d/%Y %H:%M:%S")
        writer.writerow(
            [one.number, one.cycle, one.step, stamp, f"{one.time_s:.3f}", "0", f"{one.current_A:.{digits}f}",
             f"{one.voltage_V:.4f}", f"{one.discharge_capacity_Ah:.7f}", f"{one.charge_capacity_Ah:.7f}", 0, 0, 0, 0, 0,
             0, names[_word(one)], ""]
        )  # fmt: skip
    return out.getvalue().encode()


def _excel(records: Sequence[CyclerRecord], code: str, began: datetime, digits: int) -> bytes:
    """The older program's tables as navani reads them: the records first; where a sheet is full, in another without a
    header.
    """
    book = _book()
    names = ("Index", "TestTime/h", "Current/mA", "Capacity/mAh", "Voltage/V", "SysTime", "StepNo", "StepStatus")
    for first in range(0, len(records), SHEET_ROWS):
        page = book.create_sheet("Record" if not first else f"Record{first // SHEET_ROWS}")
        if not first:
            page.append(names)
        for one in records[first : first + SHEET_ROWS]:
            passed = 1e3 * (one.charge_capacity_Ah if one.current_A >= 0 else one.discharge_capacity_Ah)
            page.append(
                [one.number, one.time_s / 3600, round(1e3 * one.current_A, digits), passed, one.voltage_V,
                 began + timedelta(seconds=one.time_s), one.step, _word(one)]
            )  # fmt: skip
    book.create_sheet("Cycle").append(["Battery", code])
    book.create_sheet("Step").append(["StepNo", "StepStatus", "StepTime/h"])
    return _bytes(book)


def _new_excel(records: Sequence[CyclerRecord], code: str, began: datetime, digits: int) -> bytes:
    """The newer program's sheets; signed, in uA."""
    book = _book()
    about = book.create_sheet("Test information")
    about.append(["Battery code", code])
    book.create_sheet("Ch1_Proc").append(["Order", "WorkMode"])
    book.create_sheet("Log").append(["started"])
    page = book.create_sheet("DefaultGroup")
    page.append(["Record", "Cycle", "Step", "WorkMode", "StepTime", "TestTime", "SysTime", "Voltage/V", "Current/uA",
                 "Capacity/uAh"])  # fmt: skip
    for one in records:
        passed = 1e6 * (one.charge_capacity_Ah if one.current_A >= 0 else one.discharge_capacity_Ah)
        seconds = int(one.time_s)
        clock = f"{seconds // 86400}-{seconds // 3600 % 24:02d}:{seconds // 60 % 60:02d}:{one.time_s % 60:05.2f}"
        page.append(
            [one.number, one.cycle, one.step, _word(one), "", clock,
             (began + timedelta(seconds=one.time_s)).strftime("%Y-%m-%d %H:%M:%S"), one.voltage_V,
             round(1e6 * one.current_A, max(0, digits - 3)), passed]
        )  # fmt: skip
    return _with_stars(_bytes(book))


def _book() -> Any:
    import openpyxl

    return openpyxl.Workbook(write_only=True)


def _bytes(book: Any) -> bytes:
    out = BytesIO()
    book.save(out)
    return out.getvalue()


def _with_stars(workbook: bytes) -> bytes:
    """The program's own name of the sheet, *DefaultGroup*, which openpyxl refuses to write."""
    with zipfile.ZipFile(BytesIO(workbook)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    parts["xl/workbook.xml"] = parts["xl/workbook.xml"].replace(b'"DefaultGroup"', b'"*DefaultGroup*"')
    out = BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return out.getvalue()
