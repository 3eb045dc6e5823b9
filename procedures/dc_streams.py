"""The streams of direct-current experiments. Oxidation or charge is positive current."""

from __future__ import annotations

from daq.stream import Column, Stream

_POINT = (
    Column("sample", kind="text"),
    Column("channel", kind="int"),
    Column("time_s", "s", help="since the technique began"),
    Column("voltage_V", "V"),
    Column("current_A", "A"),
    Column("current_density_mA_cm2", "mA/cm2", help="over the electrode's area, where it is known"),
    Column("charge_C", "C", help="passed since the technique began"),
    Column("current_range_A", "A"),
    Column("overload", kind="int"),
    Column("ended", kind="text", help="on the last point: why the technique ended"),
)

VOLTAMMETRY = Stream(
    "voltammetry", (Column("cycle", kind="int"), *_POINT), "points of voltammograms, at the end of each stair"
)

POLARISATION = Stream(
    "polarisation",
    (Column("stage", kind="int", help="number of the constant current or potential in the run"), *_POINT),
    "points at constant current, constant potential or open circuit (stage 0)",
)

CYCLING = Stream(
    "cycling",
    (
        Column("sample", kind="text"),
        Column("channel", kind="int"),
        Column("record", kind="int", help="the cycler's own cursor"),
        Column("schedule_step", kind="int"),
        Column("cycle", kind="int"),
        Column("time_s", "s", help="since the schedule began, on the cycler's clock"),
        Column("voltage_V", "V"),
        Column("current_A", "A"),
        Column("current_density_mA_cm2", "mA/cm2", help="over the electrode's area, where it is known"),
        Column("charge_capacity_Ah", "Ah"),
        Column("discharge_capacity_Ah", "Ah"),
        Column("temperature_C", "degC"),
    ),
    "records of the cycler, back-filled after a break",
)
CYCLED = ("time_s", "current_A", "voltage_V", "schedule_step", "cycle")  # what capacities and polarisation are made of
