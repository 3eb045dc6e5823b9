"""Voltammograms, ladders and cycling of the simulated cells: out as EC-Lab, NOVA and BDF text, opened by other people's
readers and by ours, analysed again to the same numbers."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import bdf
import numpy as np
import pytest

from daq.contracts import Result
from daq.errors import BadInput
from daq.runfile.reader import RunFile
from procedures.analyse_dc import DcRequest, analyse_dc_files, dc_files_among
from procedures.analysis.capacity import cycles_of, integrate_half_cycles
from procedures.analysis.capacity_curves import differential_capacity
from procedures.interchange.dc_file import is_dc_file, read_dc_file
from procedures.interchange.exporting import export_run

AREA_CM2 = np.pi * 0.45**2
STREAMS = {"cv": "voltammetry", "lsv": "voltammetry", "ccd": "polarisation", "lfp": "cycling"}
KINDS = {"cv": "cyclic-voltammetry", "lsv": "linear-sweep", "ccd": "critical-current", "lfp": "cycling"}
ENDS = {"cv": "CV", "lsv": "LSV", "ccd": "CP", "lfp": ""}


def exported(dc_runs: dict[str, Path], what: str, fmt: str, target: Path) -> Path:
    """The file of the measurement itself; a sweep has its rest beside it."""
    with RunFile.open(dc_runs[what]) as run:
        files = export_run(run, fmt, target)
    ending = {"eclab": ".mpt", "nova": ".nova.txt", "bdf": ".bdf.csv"}[fmt]
    (file,) = [one for one in files if one.name.endswith(f"{ENDS[what]}{ending}")]
    return file


def recorded(dc_runs: dict[str, Path], what: str) -> tuple[dict[str, Any], list[Result]]:
    with RunFile.open(dc_runs[what]) as run:
        rows = run.table(STREAMS[what])
        return rows | ({"time_s": rows["t_s"] - rows["t_s"][0]} if what == "ccd" else {}), run.results()


CASES = [(what, fmt) for what in STREAMS for fmt in ("eclab", "bdf")] + [("cv", "nova"), ("lsv", "nova")]


@pytest.mark.parametrize(("what", "fmt"), CASES)
def test_our_own_reader_has_every_row(dc_runs: dict[str, Path], tmp_path: Path, what: str, fmt: str) -> None:
    file = exported(dc_runs, what, fmt, tmp_path)
    rows, _ = recorded(dc_runs, what)
    assert is_dc_file(file)
    read = read_dc_file(file)
    assert read.program == {"eclab": "EC-Lab", "nova": "NOVA", "bdf": "BDF"}[fmt]
    begin = rows["time_s"][0] if what != "lfp" else 0.0
    np.testing.assert_allclose(read.time_s, rows["time_s"] - begin, rtol=1e-9, atol=1e-6)
    np.testing.assert_allclose(read.voltage_V, rows["voltage_V"], rtol=1e-9)
    np.testing.assert_allclose(read.current_A, rows["current_A"], rtol=1e-9, atol=1e-18)
    assert read.cycle is not None
    if "cycle" in rows:
        np.testing.assert_array_equal(read.cycle, rows["cycle"])
    assert read.notes == ()


@pytest.mark.parametrize(("what", "fmt"), CASES)
def test_a_file_gives_the_results_of_its_run(dc_runs: dict[str, Path], tmp_path: Path, what: str, fmt: str) -> None:
    file = exported(dc_runs, what, fmt, tmp_path)
    rows, kept = recorded(dc_runs, what)
    asked = KINDS[what] if what == "ccd" else ""  # a ladder of currents may as well be a strange cycling
    mass_mg = 1.4 if what == "lfp" else None
    found = analyse_dc_files(DcRequest((file,), asked, mass_mg, AREA_CM2))
    assert [one.name for one in found.results] == [one.name for one in kept]
    told = 0
    for ours, again in zip(kept, found.results, strict=True):
        if ours.name == "open_circuit_potential":  # the run has a rest before the sweep, the file begins with the sweep
            assert again.value == pytest.approx(ours.value, abs=5e-4)
        elif ours.value is None:
            assert again.value is None
        else:
            # A moment of the run counts from its beginning, one of the file from the file's.
            before = rows["t_s"][0] / 3600 if ours.name == "short_circuit" else 0.0
            assert again.value == pytest.approx(ours.value - before, rel=1e-6, abs=1e-9), ours.name
            assert ("since" in again.at) == (ours.name == "short_circuit")
            told += 1
    assert told >= 2


@pytest.mark.parametrize("fmt", ["eclab", "bdf"])
def test_energy_efficiency_retention_and_dq_dv_survive(dc_runs: dict[str, Path], tmp_path: Path, fmt: str) -> None:
    rows, _ = recorded(dc_runs, "lfp")
    read = read_dc_file(exported(dc_runs, "lfp", fmt, tmp_path))
    ours = integrate_half_cycles(rows["time_s"], rows["current_A"], rows["voltage_V"])
    again = integrate_half_cycles(read.time_s, read.current_A, read.voltage_V)
    np.testing.assert_allclose(again.energy_Wh, ours.energy_Wh, rtol=1e-8)
    np.testing.assert_allclose(
        cycles_of(again).energy_efficiency_percent, cycles_of(ours).energy_efficiency_percent, rtol=1e-8
    )
    for half in range(len(ours)):
        a, b = differential_capacity(ours, half), differential_capacity(again, half)
        np.testing.assert_allclose(b.dQ_dV_Ah_V, a.dQ_dV_Ah_V, rtol=1e-3, atol=1e-6 * a.dQ_dV_Ah_V.max())


# ------------------------------------------------------------------------------------- other people's readers
@pytest.mark.parametrize("what", STREAMS)
def test_galvani(dc_runs: dict[str, Path], tmp_path: Path, what: str) -> None:
    file = exported(dc_runs, what, "eclab", tmp_path)
    script = Path(__file__).with_name("galvani_reads.py")
    done = subprocess.run([sys.executable, str(script), str(file)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    table = json.loads(done.stdout)
    rows, _ = recorded(dc_runs, what)
    np.testing.assert_allclose(table["Ewe/V"], rows["voltage_V"], rtol=1e-9)
    np.testing.assert_allclose(table["I/mA"], 1e3 * rows["current_A"], rtol=1e-9, atol=1e-15)
    assert np.all(np.diff(table["time/s"]) >= 0)
    assert set(table["mode"]) <= {1, 2, 3}
    if "(Q-Qo)/mA.h" in table:
        passed = np.sum(0.5 * (rows["current_A"][1:] + rows["current_A"][:-1]) * np.diff(rows["time_s"])) / 3.6
        assert table["(Q-Qo)/mA.h"][-1] == pytest.approx(passed, rel=1e-6, abs=1e-9)


@pytest.mark.filterwarnings("ignore:The inplace keyword")  # batterydf's, under the newest pandas
@pytest.mark.parametrize(("what", "fmt"), [(what, fmt) for what in STREAMS for fmt in ("eclab", "bdf")])
def test_batterydf(dc_runs: dict[str, Path], tmp_path: Path, what: str, fmt: str) -> None:
    table = bdf.read(str(exported(dc_runs, what, fmt, tmp_path)))
    rows, _ = recorded(dc_runs, what)
    np.testing.assert_allclose(table["Voltage / V"], rows["voltage_V"], rtol=1e-9)
    np.testing.assert_allclose(table["Current / A"], rows["current_A"], rtol=1e-9, atol=1e-18)
    if "cycle" in rows:
        np.testing.assert_array_equal(table["Cycle Count / 1"], rows["cycle"])


def test_capacity_energy_and_cycles_that_batterydf_reads_are_ours(
    dc_runs: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = bdf.read(str(exported(dc_runs, "lfp", "bdf", tmp_path)))
    assert bdf.validate(table, report=True)["ok"]
    assert "passed" in capsys.readouterr().out  # it prints a report of its own
    rows, kept = recorded(dc_runs, "lfp")
    halves = integrate_half_cycles(rows["time_s"], rows["current_A"], rows["voltage_V"], first="charge")
    counted = np.asarray(table["Cycle Count / 1"])
    assert list(np.unique(counted)) == sorted({one.at["cycle"] for one in kept if one.name == "charge_capacity"})
    for number in np.unique(counted).tolist():
        for way, told in ((1, "Charging"), (-1, "Discharging")):
            half = int(np.flatnonzero((halves.cycle == number) & (halves.segments.direction == way))[0])
            mine = np.flatnonzero(counted == number)
            # The counter rises from the last row of the half before to the first row of the half after.
            low, high = max(halves.segments.start[half] - 1, 0), min(halves.segments.stop[half], len(counted) - 1)
            assert low >= mine[0] - 1
            assert high <= mine[-1] + 1
            for quantity, ours in (("Capacity / Ah", halves.charge_Ah), ("Energy / Wh", halves.energy_Wh)):
                column = np.asarray(table[f"{told} {quantity}"])
                # What flowed before the first and after the last row is ours alone: the file counts between its rows.
                whole = halves.segments.start[half] > 0 and halves.segments.stop[half] < len(counted)
                assert column[high] - column[low] == pytest.approx(ours[half], rel=1e-6 if whole else 2e-3)
    mAh_g = {(one.name, one.at["cycle"]): one.value for one in kept if one.name.endswith("charge_capacity")}
    total = np.asarray(table["Charging Capacity / Ah"])[-1] * 1e6 / 1.4
    charged = sum(v or 0 for (name, _), v in mAh_g.items() if name == "charge_capacity")
    before_first = 0.5 * rows["time_s"][0] * rows["current_A"][0] / 3.6 / 1.4e-3
    assert total == pytest.approx(charged - before_first, rel=1e-6)


# ------------------------------------------------------------------------------------- what does not fit
def test_a_voltammogram_needs_an_area_and_says_what_the_file_claims(dc_runs: dict[str, Path], tmp_path: Path) -> None:
    file = exported(dc_runs, "cv", "eclab", tmp_path)
    with pytest.raises(BadInput, match=r"needs the electrode's area; the file says 0\.6361\d+ cm") as refused:
        analyse_dc_files(DcRequest((file,)))
    assert "--area-cm2" in str(refused.value)


def test_what_a_run_does_not_hold_is_a_sentence(dc_runs: dict[str, Path], tmp_path: Path) -> None:
    with RunFile.open(dc_runs["lfp"]) as run:
        with pytest.raises(BadInput, match=r"holds no voltammogram.*allowed: bdf, eclab, csv, parquet"):
            export_run(run, "nova", tmp_path)
        with pytest.raises(BadInput, match=r"no impedance spectra.*allowed: bdf, eclab, csv"):
            export_run(run, "zview", tmp_path)
    assert not list(tmp_path.iterdir())


def test_beside_a_bdf_file_stands_what_its_columns_mean(dc_runs: dict[str, Path], tmp_path: Path) -> None:
    for what, sign in (("lfp", "charge is positive"), ("cv", "charge or oxidation is positive")):
        file = exported(dc_runs, what, "bdf", tmp_path)
        beside = json.loads(file.with_name(file.name.replace(".csv", ".json")).read_text(encoding="utf-8"))
        assert beside["current_sign"] == sign
        assert beside["data_file"] == file.name
        assert beside["technique"] == KINDS[what]


def test_a_folder_of_files_is_analysed_each_by_itself(dc_runs: dict[str, Path], tmp_path: Path) -> None:
    cv, lsv = (exported(dc_runs, what, "nova", tmp_path) for what in ("cv", "lsv"))
    files = dc_files_among([tmp_path])
    assert files == [cv, lsv]
    found = analyse_dc_files(DcRequest(tuple(files), area_cm2=AREA_CM2))
    assert {one.at["file"] for one in found.results} == {cv.name, lsv.name}
    assert found.refused == []
