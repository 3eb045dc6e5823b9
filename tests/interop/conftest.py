"""What the exports find: a recorded sweep with known impedances, and direct-current runs of the simulated cells."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from daq.contracts import Step
from daq.plan import load_plan, make_plan
from daq.runfile.reader import RunFile
from daq.runfile.writer import RunWriter
from daq.runner import Watcher, run_plan
from procedures.eis_streams import IMPEDANCE, SPECTRA

FREQUENCY_HZ = np.logspace(6, 0, 61)
STARTED_UNIX = 1_790_000_000.0


def impedance(bulk_ohm: float) -> NDArray[np.complex128]:
    """Leads, a depressed arc and a blocking line: Z (61,) at FREQUENCY_HZ."""
    w = 2j * np.pi * FREQUENCY_HZ
    return 12 + bulk_ohm / (1 + (w * bulk_ohm * 2e-10) ** 0.95) + 1 / (2e-6 * w**0.9) + w * 1e-7


SPECTRA_TAKEN = ((25.0, 24.94, 5290.0), (60.0, 60.02, 529.0), (100.0, 99.81, 61.0))


@pytest.fixture
def recorded(
    tmp_path: Path,
) -> Iterator[tuple[RunFile, list[tuple[float, NDArray[np.float64], NDArray[np.complex128]]]]]:
    """The run, and of each of its three finished spectra the sample's temperature, frequencies and impedances.

    The second was broken off once before; the first point of the third overloaded.
    """
    sample = {"name": "(Li2OH)0.99K0.01Cl é", "pellet": {"thickness_mm": 0.9, "diameter_mm": 10.0}}
    steps = [Step(f"{setpoint_C:g}C", f"{setpoint_C:g} degC") for setpoint_C, _, _ in SPECTRA_TAKEN]
    writer = RunWriter.create(
        tmp_path / "runs", procedure="eis-sweep", sample=sample, parameters={}, bench={}, streams=[IMPEDANCE, SPECTRA],
        steps=steps, plan={}, versions={"cellrig": "0.1.0"}, started_unix=STARTED_UNIX, bench_unix=STARTED_UNIX,
    )  # fmt: skip
    writer.anchor(0.0, STARTED_UNIX, "start")
    t_s = 0.0
    number = 0
    for step, (setpoint_C, sample_C, bulk_ohm) in zip(steps, SPECTRA_TAKEN, strict=True):
        number += 1
        attempt = writer.begin_step(step.key, t_s)
        if setpoint_C == 60:
            record_points(writer, step.key, attempt, t_s, number, setpoint_C, impedance(999.0)[:20])
            writer.end_step(step.key, attempt, "broken", t_s + 10)
            attempt = writer.begin_step(step.key, t_s + 3600)
            number += 1  # a spectrum that is taken again has a number of its own
        t_s += 3600
        record_points(
            writer, step.key, attempt, t_s, number, setpoint_C, impedance(bulk_ohm), overloaded=setpoint_C == 100
        )
        record_spectrum(writer, step.key, attempt, t_s + 61, number, setpoint_C, sample_C)
        writer.end_step(step.key, attempt, "finished", t_s + 62)
    path = writer.path
    writer.close("finished", "", t_s + 70)
    truth = [(sample_C, FREQUENCY_HZ, impedance(bulk_ohm)) for _, sample_C, bulk_ohm in SPECTRA_TAKEN]
    sample_C, frequency_Hz, z_ohm = truth[2]
    truth[2] = (sample_C, frequency_Hz[1:], z_ohm[1:])
    with RunFile.open(path) as run:
        yield run, truth


def record_points(
    writer: RunWriter, step: str, attempt: int, t_s: float, number: int, setpoint_C: float, z: NDArray[np.complex128],
    overloaded: bool = False,
) -> None:  # fmt: skip
    count = len(z)
    columns = {
        "sample": ["(Li2OH)0.99K0.01Cl é"] * count,
        "channel": [1] * count,
        "spectrum": [number] * count,
        "setpoint_C": [setpoint_C] * count,
        "frequency_Hz": FREQUENCY_HZ[:count],
        "z_real_ohm": z.real,
        "z_imag_ohm": z.imag,
        "amplitude_V": [0.01] * count,
        "bias_V": [0.002] * count,
        "dc_current_A": [1.5e-9] * count,
        "current_range_A": [1e-3] * count,
        "overload": [1 if overloaded and index == 0 else 0 for index in range(count)],
        "duration_s": [0.5] * count,
    }
    writer.record_many("impedance", step, attempt, (t_s + np.arange(count)).tolist(), columns)


def record_spectrum(
    writer: RunWriter, step: str, attempt: int, t_s: float, number: int, setpoint_C: float, sample_C: float
) -> None:
    values = {
        "spectrum": number, "sample": "(Li2OH)0.99K0.01Cl é", "channel": 1, "direction": "heating",
        "setpoint_C": setpoint_C, "temperature_before_C": setpoint_C, "temperature_mean_C": setpoint_C,
        "temperature_after_C": setpoint_C, "sample_temperature_C": sample_C, "sample_temperature_uncertainty_K": 0.1,
        "settled": 1, "release": "settled", "settle_s": 600.0, "drift_K": 0.01, "lag_s": 300.0, "started_s": t_s - 61,
        "ended_s": t_s, "points": 61, "repeated_point_change_percent": 0.1,
    }  # fmt: skip
    writer.record("spectra", step, attempt, t_s, values)


# ------------------------------------------------------------------ direct current, measured on the simulated cells
EXAMPLES = Path(__file__).resolve().parents[2] / "examples" / "paper"


def measured(folder: Path, plan_name: str, **changes: object) -> Path:
    """The folder of a run of one of the paper's plans, shortened by `changes`."""
    plan = load_plan(EXAMPLES / plan_name)
    table = plan.model.model_dump(exclude_none=True)
    table["run"][0] |= changes
    (ended,) = run_plan(make_plan({"sample": table["sample"], "run": table["run"]}, plan.bench), folder, Watcher())
    assert ended.end.outcome == "finished"
    return ended.path


@pytest.fixture(scope="session")
def dc_runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A voltammogram, a linear sweep, a ladder of currents and three LFP cycles."""
    folder = tmp_path_factory.mktemp("dc")
    return {
        "cv": measured(folder, "cv.toml", cycles=2, step_mV=4.0),
        "lsv": measured(folder, "lsv.toml", step_mV=2.0),
        "ccd": measured(folder, "ccd.toml", currents=["0.5 mA/cm2", "0.6 mA/cm2", "0.9 mA/cm2"], interval_s=10.0),
        "lfp": measured(folder, "lfp.toml", cycles=3),
    }
