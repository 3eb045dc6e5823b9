"""`cellrig doctor BENCH --dummy-cell 10k`: what is unproven about an instrument is found on a resistor, and named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from daq.errors import BadInput
from procedures.cli.examining import doctor_command

BENCH = """
[bench]
name = "dummy cell"
[instruments.potentiostat]
driver = "{driver}"
{options}
[simulation]
cell = "blocking"
[simulation.parameters]
bulk_resistance_ohm = {resistance_ohm}
activation_energy_eV = 0.0
grain_boundary_resistance_ohm = 1e-3
blocking_cpe_S_sn = 10.0
blocking_exponent = 0.99
geometric_capacitance_F = 0.0
stray_capacitance_F = 0.0
lead_inductance_H = 0.0
"""


@pytest.fixture(autouse=True)
def own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CELLRIG_STATE", str(tmp_path / "state"))


def told(
    folder: Path, capsys: pytest.CaptureFixture[str], driver: str, options: str = "", resistance_ohm: float = 1e4
) -> list[str]:
    """The lines that the command prints about the resistor, which is 10k by its label."""
    path = folder / "bench.toml"
    path.write_text(BENCH.format(driver=driver, options=options, resistance_ohm=resistance_ohm), encoding="utf-8")
    doctor_command(path, self_test=False, json=True, dummy_cell="10k")
    (found,) = json.loads(capsys.readouterr().out)
    return list(found["dummy_cell"])


@pytest.mark.parametrize("driver", ["simulated-potentiostat", "simulated-methodscript", "simulated-keithley2450"])
def test_a_resistor_is_found_right(tmp_path: Path, capsys: pytest.CaptureFixture[str], driver: str) -> None:
    lines = told(tmp_path, capsys, driver)
    assert len(lines) >= 2
    assert all("NOT OK" not in line for line in lines), lines


def test_another_resistor_than_the_label_says_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = told(tmp_path, capsys, "simulated-methodscript", resistance_ohm=2e4)
    assert any("NOT OK" in line for line in lines)


@pytest.mark.parametrize("unit", ["A", "V"])
def test_the_unit_of_an_autolabs_galvanostat_is_found(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], unit: str
) -> None:
    options = f'truths = {{ galvanostatic_setpoint = "{unit}" }}\nfirst_hour = {{ galvanostatic_setpoint = "A" }}'
    lines = told(tmp_path, capsys, "simulated-autolab", options)
    assert any(f'first_hour.galvanostatic_setpoint = "{unit}"' in line for line in lines), lines


@pytest.mark.parametrize(("residue", "answer"), [(0.02, "instrument"), (1.0, "driver")])
def test_whether_an_autolab_corrects_its_follower_is_found(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], residue: float, answer: str
) -> None:
    lines = told(tmp_path, capsys, "simulated-autolab", f"truths = {{ follower_residue = {residue} }}")
    assert any(f'first_hour.follower = "{answer}"' in line for line in lines), lines


def test_a_resistance_that_is_none_is_refused(tmp_path: Path) -> None:
    for text in ("10", "ten", "-1k", "1G"):
        with pytest.raises(BadInput, match="dummy cell"):
            doctor_command(tmp_path / "bench.toml", self_test=False, json=True, dummy_cell=text)
