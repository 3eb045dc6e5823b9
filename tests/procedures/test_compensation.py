"""Open, short and load: a holder with bad leads, and the truth behind it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daq.bench import load_bench
from daq.errors import BadInput
from daq.plan import check_plan, load_plan
from daq.runfile.reader import RunFile
from daq.runner import Watcher, run_plan
from procedures.analyse_files import AnalyseRequest, analyse_files
from procedures.analysis.compensation import Standards, standard
from procedures.report import write_report

FREQUENCY_Hz = np.geomspace(2e6, 0.05, 77)
LEAD_ohm, LEAD_H, STRAY_F, LOAD_ohm = 2.0, 3e-6, 6e-11, 1000.0
BENCH = f"""
[bench]
name = "bad leads"
[instruments.furnace]
driver = "simulated-furnace"
[instruments.potentiostat]
driver = "simulated-potentiostat"
[simulation]
preset = "K001"
[simulation.parameters]
lead_resistance_ohm = {LEAD_ohm}
lead_inductance_H = {LEAD_H}
stray_capacitance_F = {STRAY_F}
sample_lag_s = 60
"""
PLAN = """
bench = "bench.toml"
[sample]
name = "K001"
pellet = {{ thickness_mm = 0.9, diameter_mm = 10 }}
[[run]]
procedure = "eis-sweep"
temperatures_C = [60, 90, 120]
{compensation}
"""
ALL = 'compensation = { open = "open.csv", short = "short.csv", load = "load.csv", load_ohm = 1000 }'


def seen(z_ohm: np.ndarray | complex, frequency_Hz: np.ndarray = FREQUENCY_Hz) -> np.ndarray:
    """What the potentiostat sees of an impedance in this holder."""
    jw = 2j * np.pi * frequency_Hz
    return LEAD_ohm + jw * LEAD_H + 1 / (1 / np.asarray(z_ohm, dtype=complex) + jw * STRAY_F)


def write_csv(path: Path, z_ohm: np.ndarray, frequency_Hz: np.ndarray = FREQUENCY_Hz) -> None:
    lines = ["frequency_Hz,z_real_ohm,z_imag_ohm"]
    lines += [f"{f:.9g},{z.real:.12g},{z.imag:.12g}" for f, z in zip(frequency_Hz, z_ohm, strict=True)]
    path.write_text("\n".join(lines), encoding="utf-8")


def write_standards(folder: Path) -> None:
    write_csv(folder / "open.csv", seen(1e14 + 0j))
    write_csv(folder / "short.csv", seen(1e-9 + 0j))
    write_csv(folder / "load.csv", seen(LOAD_ohm + 0j))


def standards(*, load: bool) -> Standards:
    opened = standard("open", FREQUENCY_Hz, seen(1e14 + 0j), "")
    short = standard("short", FREQUENCY_Hz, seen(1e-9 + 0j), "")
    if not load:
        return Standards(short, opened)
    return Standards(short, opened, standard("load", FREQUENCY_Hz, seen(LOAD_ohm + 0j), ""), LOAD_ohm)


@settings(max_examples=60)
@given(st.floats(-1, 6), st.floats(-1.5, 0.5), st.booleans(), st.floats(0.06, 1.9e6))
def test_any_impedance_comes_back(log_ohm: float, angle: float, load: bool, highest_Hz: float) -> None:
    """At frequencies of the standards, and between them where the cell is not lost beside the stray capacitance."""
    truth = 10**log_ohm * np.exp(1j * angle)
    found = standards(load=load).applied(FREQUENCY_Hz, seen(truth))
    assert np.abs(found / truth - 1).max() < 2e-4
    if log_ohm < 4:
        between = np.geomspace(highest_Hz, 0.051, 23)
        found = standards(load=load).applied(between, seen(truth, between))
        assert np.abs(found / truth - 1).max() < 0.02


def test_the_truth_of_a_sweep_in_a_bad_holder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without: leads and phase hide the bulk. With: it is told, and the interval holds; the run keeps it all."""
    monkeypatch.setenv("CELLRIG_STATE", str(tmp_path / "state"))
    (tmp_path / "bench.toml").write_text(BENCH, encoding="utf-8")
    write_standards(tmp_path)
    told, measured, kept = {}, {}, {}
    for name, text in (("without", ""), ("with", ALL)):
        (tmp_path / "plan.toml").write_text(PLAN.format(compensation=text), encoding="utf-8")
        (ended,) = run_plan(load_plan(tmp_path / "plan.toml"), tmp_path / name, Watcher())
        assert ended.end.outcome == "finished", ended.end
        with RunFile.open(ended.path) as run:
            told[name] = {
                (one.name, one.at.get("temperature_C")): one for one in run.results() if "temperature_C" in one.at
            }
            measured[name], kept[name] = run.table("impedance"), run.table("compensation")
        for file in ("open.csv", "short.csv", "load.csv"):
            (tmp_path / file).unlink()  # the run is whole without them
        page = write_report(ended.path).read_text(encoding="utf-8")
        write_standards(tmp_path)
        assert ("compensated by open open.csv, short short.csv, load load.csv of 1000 Ω" in page) == bool(text)
    assert set(kept["with"]["standard"]) == {"open", "short", "load"}
    assert not len(kept["without"]["standard"])
    assert measured["with"]["z_imag_ohm"] == pytest.approx(measured["without"]["z_imag_ohm"], rel=0.05)  # as measured
    totals = {T: told["with"]["total_resistance", T] for T in (60.0, 90.0, 120.0)}
    bulk = told["with"]["bulk_resistance", 60.0]
    assert bulk.value is not None, bulk.reason
    assert told["without"]["bulk_resistance", 60.0].value is None
    for T, one in totals.items():
        low, high = one.interval or (0, 0)
        assert low <= _truth_ohm(one.at["sample_temperature_C"]) <= high, (T, one)
        assert one.uncertainty < told["without"]["total_resistance", T].uncertainty
    low, high = bulk.interval or (0, 0)
    assert low <= _bulk_ohm(bulk.at["sample_temperature_C"]) <= high, bulk


def _arrhenius(ohm_25C: float, temperature_C: float, energy_eV: float = 0.56) -> float:
    kT = 8.617333262e-5 * (temperature_C + 273.15)
    return ohm_25C * np.exp(energy_eV * (1 / kT - 1 / (8.617333262e-5 * 298.15)))


def _bulk_ohm(temperature_C: float) -> float:
    return _arrhenius(529, temperature_C)


def _truth_ohm(temperature_C: float) -> float:
    return _arrhenius(25_529, temperature_C)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('compensation = { open = "open.csv" }', "short"),
        ('compensation = { shrt = "short.csv" }', "did you mean 'short'"),
        ('compensation = { short = "nowhere.csv" }', "nowhere.csv"),
        ('compensation = { short = "load.csv" }', "something is not connected"),
        ('compensation = { short = "short.csv", open = "short.csv" }', "hardly more than the short"),
        ('compensation = { short = "short.csv", open = "open.csv", load = "load.csv" }', "load_ohm"),
        ('compensation = { short = "narrow.csv" }', "was measured from"),
        ('compensation = { short = "short.csv", load = "load.csv", load_ohm = 1000 }', "an open and a short"),
    ],
)
def test_standards_that_cannot_be_are_refused_before_anything_is_heated(text: str, says: str, tmp_path: Path) -> None:
    write_standards(tmp_path)
    write_csv(tmp_path / "narrow.csv", seen(1e-9 + 0j)[20:60], FREQUENCY_Hz[20:60])
    (tmp_path / "bench.toml").write_text(BENCH, encoding="utf-8")
    (tmp_path / "plan.toml").write_text(PLAN.format(compensation=text), encoding="utf-8")
    with pytest.raises(BadInput, match=says):
        check_plan(load_plan(tmp_path / "plan.toml"))
    assert load_bench(tmp_path / "bench.toml").name == "bad leads"


def test_foreign_spectra_are_compensated_alike(tmp_path: Path) -> None:
    write_standards(tmp_path)
    jw = 2j * np.pi * FREQUENCY_Hz
    truth = 40 + 60 / (1 + jw * 60 * 1e-8) + 1 / (1e-6 * jw**0.9)
    write_csv(tmp_path / "cell.csv", seen(truth))
    names = {"open": "open.csv", "short": "short.csv", "load": "load.csv"}
    paths = {kind: str(tmp_path / name) for kind, name in names.items()}
    request = AnalyseRequest((tmp_path / "cell.csv",), 1.0, 10.0, compensation={**paths, "load_ohm": LOAD_ohm})
    found = {one.name: one for one in analyse_files(request).results}
    assert found["total_resistance"].value == pytest.approx(100, rel=0.003)
    assert found["bulk_resistance"].value == pytest.approx(40, rel=0.02)
    plain = {one.name: one for one in analyse_files(AnalyseRequest((tmp_path / "cell.csv",), 1.0, 10.0)).results}
    assert plain["total_resistance"].value == pytest.approx(102, rel=0.01)
    assert any("compensated by" in note for note in analyse_files(request).notes)
