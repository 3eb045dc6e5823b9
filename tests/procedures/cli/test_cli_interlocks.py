"""Interlocks at the prompt: refused by `check`, tried by `doctor`, told by `show` and the report."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from report_page import Page

from procedures.cli.app import run_app

ROOT = Path(__file__).parents[3]
BENCH = """
[bench]
name = "watched"
[instruments.furnace]
driver = "simulated-furnace"
limits = { max_temperature_C = 150 }
[instruments.potentiostat]
driver = "simulated-potentiostat"
"""
PLAN = """
bench = "bench.toml"
[sample]
name = "pellet"
[[run]]
procedure = "temperature-hold"
temperature_C = 40
duration_h = 0.1
"""
LOCK = """
[[interlock]]
name = "{name}"
quantity = "{quantity}"
maximum = {maximum}
action = "{action}"
"""


def lock(quantity: str, maximum: str = "50", action: str = "stop", name: str = "mine") -> str:
    return LOCK.format(quantity=quantity, maximum=maximum, action=action, name=name)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CELLRIG_STATE", str(tmp_path / "state"))


def cellrig(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    capsys.readouterr()
    with pytest.raises(SystemExit) as end:
        run_app(list(words))
    told = capsys.readouterr()
    assert isinstance(end.value.code, int)
    return end.value.code, told.out, told.err


def write(bench: str = "", plan: str = "") -> None:
    Path("bench.toml").write_text(BENCH + bench, encoding="utf-8")
    Path("plan.toml").write_text(PLAN + plan, encoding="utf-8")


@pytest.mark.parametrize(
    ("bench", "plan", "told"),
    [
        (lock("furnace.temperature_K"), "", ["bench.toml, interlock mine, quantity", "in degC, not in K"]),
        (lock("oven.temperature_C"), "", ["there is no 'oven'", "furnace"]),
        (lock("hold.temperature_C"), "", ["there is no 'hold'"]),
        ("", lock("furnace.temperature_C", '"300 K"'), ["plan.toml, interlock mine, maximum", "not in 'K'"]),
        ("", lock("holt.temperature_C"), ["did you mean 'hold'"]),
        (
            "",
            lock("hold.temperature_C", action="pause"),
            [
                "plan.toml, interlock mine, action",
                "nothing is recorded in 'hold'",
                "never clear",
                "stop, skip, warn",
                "such as furnace.temperature_C",
            ],
        ),
        ("", lock("hold.temperature_C per min", action="pause"), ["never clear"]),
        ("", lock("hold.temperature_C - hold.setpoint_C", action="pause"), ["never clear"]),
        ("", lock("disk.free_GB", "1e-6"), ["'mine' is tripped already", "disk.free_GB"]),
        (lock("furnace.temperature_C"), lock("furnace.temperature_C"), ["bench file has an interlock 'mine' too"]),
    ],
)
def test_check_refuses_it_in_one_line(
    capsys: pytest.CaptureFixture[str], bench: str, plan: str, told: list[str]
) -> None:
    write(bench, plan)
    for command in ("check", "run"):
        status, _, said = cellrig(capsys, command, "plan.toml")
        assert status == 2
        assert len(said.strip().splitlines()) == 1
        for part in told:
            assert part in said
    assert not Path("runs").exists()


@pytest.mark.parametrize("quantity", ["furnace.temperature_C", "hold.temperature_C - furnace.sample_temperature_C"])
def test_a_pause_on_what_goes_on_being_read_is_let_through(capsys: pytest.CaptureFixture[str], quantity: str) -> None:
    write(plan=lock(quantity, action="pause"))
    assert cellrig(capsys, "check", "plan.toml")[0] == 0


def test_check_lists_all_that_is_watched(capsys: pytest.CaptureFixture[str]) -> None:
    write(lock("furnace.temperature_C", '"60 degC"'), lock("hold.temperature_C", name="on the record"))
    status, said, _ = cellrig(capsys, "check", "plan.toml", "--json")
    assert status == 0
    found = {one["name"]: one for one in json.loads(said)["runs"][0]["interlocks"]}
    assert found["mine"]["limits"] == "at most 60 °C"
    assert {"limit of furnace", "furnace answers", "potentiostat answers", "mine", "on the record"} == set(found)


def test_a_limit_that_is_passed_already_is_found_by_doctor_and_before_the_start(
    capsys: pytest.CaptureFixture[str],
) -> None:
    write(lock("furnace.temperature_C", "10"))
    status, said, _ = cellrig(capsys, "doctor", "bench.toml")
    assert status == 1
    assert "mine: furnace.temperature_C = 20 is above its limit of 10" in " ".join(said.split())
    status, _, said = cellrig(capsys, "run", "plan.toml")
    assert status == 1
    assert "not started, a limit is passed already" in said


def test_the_example_pauses_clears_goes_on_and_tells_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    """The pellet and its furnace never get further apart than they may: the ramp is held, twice, and goes on."""
    status, _, _ = cellrig(capsys, "run", str(ROOT / "examples" / "heating_in_stages.toml"))
    assert status == 0
    _, shown, _ = cellrig(capsys, "show", "last")
    assert "thermal shock: furnace.temperature_C" in shown
    _, told, _ = cellrig(capsys, "show", "last", "--json")
    run = json.loads(told)
    assert run["outcome"] == "finished"
    trips = run["interlocks"]
    assert [one["action"] for one in trips] == ["pause", "pause"]
    for trip in trips:
        assert 15 < trip["value"] < 15.5, "seen at the first reading beyond it: 10 K/min, one reading a second"
        assert 300 < trip["cleared_t_s"] - trip["tripped_t_s"] < 900
    page = Page((Path(run["path"]) / "report.html").read_text(encoding="utf-8"))
    assert "Interlocks" in page.headings
    assert sum(row[1].startswith("thermal shock") and row[2] == "pause" for row in page.cells if len(row) == 4) == 2
    assert "was broken off and taken up again" in page.text


def test_a_voltammogram_that_trips_its_own_pause_ends_safely_in_some_hours(capsys: pytest.CaptureFixture[str]) -> None:
    """The cell is off while the run waits, so the current clears by itself, and the sweep brings it about again."""
    Path("bench.toml").write_text(f'{BENCH}[simulation]\ncell = "gold"\n', encoding="utf-8")
    sweep = 'procedure = "cyclic-voltammetry"\ntemperature_C = 60\nscan_rate_mV_s = 10\ncycles = 1\n'
    cell = 'bench = "bench.toml"\n[sample]\nname = "pellet"\nelectrode = { diameter_mm = 9 }\n[[run]]\n'
    own = lock("potentiostat.current_A", "1e-5", "pause")
    Path("plan.toml").write_text(cell + sweep + own, encoding="utf-8")
    status, _, said = cellrig(capsys, "run", "plan.toml")
    assert status == 1
    assert "the step seems to bring it about by itself" in said
    _, told, _ = cellrig(capsys, "show", "last", "--json")
    run = json.loads(told)
    assert run["outcome"] == "failed"
    assert len(run["interlocks"]) == 6


def test_a_ramp_that_is_held_many_times_gets_to_its_end(capsys: pytest.CaptureFixture[str]) -> None:
    """Each time the furnace has gone further."""
    shock = lock("furnace.temperature_C - furnace.sample_temperature_C", "2", "pause") + "hysteresis = 1\n"
    write(plan=shock)
    plan = Path("plan.toml").read_text(encoding="utf-8").replace("= 40", "= 140\nramp_K_per_min = 10", 1)
    Path("plan.toml").write_text(plan, encoding="utf-8")
    status, _, _ = cellrig(capsys, "run", "plan.toml")
    _, told, _ = cellrig(capsys, "show", "last", "--json")
    assert len(json.loads(told)["interlocks"]) > 6
    assert status == 0


def test_a_run_without_a_tripping_says_nothing_of_interlocks(capsys: pytest.CaptureFixture[str]) -> None:
    write()
    assert cellrig(capsys, "run", "plan.toml")[0] == 0
    _, told, _ = cellrig(capsys, "show", "last", "--json")
    run = json.loads(told)
    assert run["interlocks"] == []
    page = Page((Path(run["path"]) / "report.html").read_text(encoding="utf-8"))
    assert "Interlocks" not in page.headings


def test_a_run_that_was_stopped_goes_on_under_the_interlocks_it_began_with(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Those of bench file and plan are stored with the run; what had tripped before is still told."""
    write(lock("furnace.temperature_C", "30", "warn"), lock("furnace.temperature_C", "35", name="too warm"))
    status, _, said = cellrig(capsys, "run", "plan.toml")
    assert status == 1
    assert "too warm: furnace.temperature_C = 35" in said
    Path("bench.toml").unlink()
    status, _, said = cellrig(capsys, "resume", "last", "--down-for", "3h")
    assert status == 1
    assert "too warm: furnace.temperature_C = 35" in said
    _, told, _ = cellrig(capsys, "show", "last", "--json")
    run = json.loads(told)
    assert [(one["name"], one["action"]) for one in run["interlocks"]] == [("mine", "warn"), ("too warm", "stop")] * 2
    assert run["interlocks"][2]["tripped_t_s"] > 3 * 3600
