"""A plan that allows a half cycle less time than the cell needs: what fits into it is no capacity of the cell."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from daq.bench import BenchConfig
from daq.contracts import Result
from daq.plan import make_plan
from daq.runfile.reader import RunFile
from daq.runner import Watcher, run_plan

MASS_MG, CAPACITY_MAH_G = 1.4, 121.1


def results(folder: Path, **run: Any) -> list[Result]:
    bench = {
        "bench": {"name": "short of time"},
        "instruments": {
            "furnace": {"driver": "simulated-furnace", "limits": {"max_temperature_C": 150}},
            "cycler": {"driver": "simulated-cycler"},
        },
        "simulation": {"cell": "lfp", "preset": "K001"},
        "source": None,
    }
    active = {"mass_mg": MASS_MG, "diameter_mm": 10, "capacity_mAh_g": CAPACITY_MAH_G}
    plan = make_plan(
        {"sample": {"name": "cell", "active": active}, "run": [{"temperature_C": 120, "record_s": 30, **run}]},
        BenchConfig.from_dict(bench),
    )
    (ended,) = run_plan(plan, folder, Watcher())
    assert ended.end.outcome == "finished", ended.end.reason
    with RunFile.open(ended.path) as record:
        return record.results()


def test_what_compares_cycles_is_refused_and_each_capacity_says_so(tmp_path: Path) -> None:
    """80 mA/g for half an hour are 40 mAh/g, whatever the cell holds; its discharges come to their cut-off."""
    found = results(
        tmp_path, procedure="galvanostatic-cycling", cycles=4, half_max_h=0.5,
        charge_current="80 mA/g", discharge_current="80 mA/g",
    )  # fmt: skip
    for name in ("capacity_retention", "capacity_fade"):
        (one,) = [one for one in found if one.name == name]
        assert one.value is None
        assert one.reason == (
            "the charge of 4 cycles (1 to 4) ended after half_max_h = 0.5 h, before 3.8 V: "
            "allow more time, or a larger current"
        )
    charges = [one for one in found if one.name == "charge_capacity"]
    assert [one.value for one in charges] == [pytest.approx(40, rel=0.01)] * 4
    assert all(one.method.endswith("ended by half_max_h, before its cut-off") for one in charges)
    assert not any("half_max_h" in one.method for one in found if one.name == "discharge_capacity")


def test_time_enough_changes_nothing(tmp_path: Path) -> None:
    found = results(tmp_path, procedure="galvanostatic-cycling", cycles=3, half_max_h=3, charge_current="80 mA/g")
    (retention,) = [one for one in found if one.name == "capacity_retention"]
    assert retention.value == pytest.approx(100, abs=1)
    assert not any("half_max_h" in f"{one.method}{one.reason}" for one in found)


def test_a_rate_that_had_no_time_has_no_capacity(tmp_path: Path) -> None:
    found = results(
        tmp_path, procedure="rate-capability", rates=["0.2 C", "1 C"], cycles_each=2, half_max_h=3
    )  # fmt: skip
    slow, fast = (one for one in found if one.name == "discharge_capacity")
    assert (slow.at["rate"], slow.value) == ("0.2 C", None)
    assert "ended after half_max_h = 3 h, before 3.8 V" in str(slow.reason)
    assert fast.value == pytest.approx(CAPACITY_MAH_G, rel=0.03)
