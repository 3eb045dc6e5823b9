"""A plan rehearsed on the twin of a bench of wire instruments: what is told is what the twin did, nothing is opened."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from daq import plugins
from daq.bench import dry_bench, is_virtual, load_bench
from daq.bench_lock import bench_lock
from daq.errors import BadInput
from daq.twin import twin_of
from drivers.simulated.autolab.driver import vendor_file
from procedures.cli.app import run_app

BENCH = """
[bench]
name = "glovebox 2"
lost_after_s = 90
[instruments.furnace]
driver = "eurotherm"
port = "COM4"
timeout_s = 1.5
limits = { max_temperature_C = 90 }
[instruments.potentiostat]
driver = "simulated-potentiostat"
[[interlock]]
name = "gently"
quantity = "furnace.temperature_C - furnace.sample_temperature_C"
maximum = 30
action = "warn"
[[interlock]]
name = "fast"
quantity = "furnace.temperature_C per min"
maximum = 4
action = "pause"
clear_after_s = 60
"""
PLAN = """
bench = "bench.toml"
[sample]
name = "pellet"
[[run]]
procedure = "temperature-hold"
temperature_C = {temperature_C}
ramp_K_per_min = {ramp}
duration_h = 0.1
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CELLRIG_STATE", str(tmp_path / "state"))


def write(bench: str = BENCH, temperature_C: float = 40, ramp: float = 3) -> None:
    Path("bench.toml").write_text(bench, encoding="utf-8")
    Path("plan.toml").write_text(PLAN.format(temperature_C=temperature_C, ramp=ramp), encoding="utf-8")


def rehearse(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    capsys.readouterr()
    with pytest.raises(SystemExit) as end:
        run_app(["rehearse", "plan.toml", *words])
    told = capsys.readouterr()
    assert isinstance(end.value.code, int)
    return end.value.code, told.out, told.err


def test_the_week_is_told_while_the_bench_is_at_work(capsys: pytest.CaptureFixture[str]) -> None:
    write()
    with bench_lock(load_bench(Path("bench.toml")), "somebody's run"):
        status, said, _ = rehearse(capsys, "--json")
    assert status == 0
    told = json.loads(said)
    assert told["drivers"] == {"furnace": "simulated-furnace", "potentiostat": "simulated-potentiostat"}
    assert "furnace: simulated-furnace plays eurotherm" in told["notes"]
    (run,) = told["runs"]
    assert run["outcome"] == "finished"
    assert [one["title"] for one in run["steps"]] == ["to 40 °C", "0.1 h at 40 °C"]
    assert run["steps"][1]["seconds"] == pytest.approx(360, abs=2)
    assert run["seconds"] == pytest.approx(sum(one["seconds"] for one in run["steps"]), abs=5)
    lowest_C, highest_C = run["temperature_C"]
    assert lowest_C == pytest.approx(20, abs=0.5)
    assert 39.5 < highest_C < 42
    assert run["interlocks"] == []
    assert run["disk_bytes"] > 10_000
    assert not Path("runs").exists()


def test_a_folder_of_plans_is_rehearsed_in_one_go_and_its_bench_passed_over(
    capsys: pytest.CaptureFixture[str],
) -> None:
    write()
    Path("warmer.toml").write_text(PLAN.format(temperature_C=50, ramp=3), encoding="utf-8")
    status, out, err = rehearse(capsys, "warmer.toml", "bench.toml", "--json")
    assert status == 0
    assert [Path(one["plan"]).name for one in json.loads(out)] == ["plan.toml", "warmer.toml"]
    assert "bench.toml is a bench file: passed over" in err
    Path("warmer.toml").write_text(PLAN.format(temperature_C=150, ramp=3), encoding="utf-8")
    status, out, err = rehearse(capsys, "warmer.toml")
    assert (status, out) == (2, "")  # nothing is rehearsed when one of them won't do


def test_an_interlock_that_would_trip_is_told_before_the_week_begins(capsys: pytest.CaptureFixture[str]) -> None:
    write(ramp=8)
    status, said, _ = rehearse(capsys)
    assert status == 0
    text = " ".join(said.split())
    assert "nothing real was touched" in text
    assert "fast: furnace.temperature_C per min = 4" in text
    assert "pause, clears after" in text


def test_a_plan_beyond_the_real_limits_is_refused_as_by_check(capsys: pytest.CaptureFixture[str]) -> None:
    write(temperature_C=120)
    status, _, said = rehearse(capsys)
    assert status == 2
    assert "120 °C is beyond furnace" in said


def test_a_ramp_that_the_real_furnace_has_not_is_refused_as_by_check(capsys: pytest.CaptureFixture[str]) -> None:
    write(ramp=60)
    status, _, said = rehearse(capsys)
    assert status == 2
    assert "60 K/min is faster than furnace ramps (allowed: above 0, up to 20 K/min)" in " ".join(said.split())


def test_what_is_rehearsed_can_be_kept_and_looked_at(capsys: pytest.CaptureFixture[str]) -> None:
    write()
    assert rehearse(capsys, "--keep", "rehearsals")[0] == 0
    with pytest.raises(SystemExit):
        run_app(["runs", "--runs", "rehearsals", "--json"])
    (run,) = json.loads(capsys.readouterr().out)
    assert run["outcome"] == "finished"


def test_the_twin_has_the_same_names_limits_and_interlocks(tmp_path: Path) -> None:
    autolab = f"""
driver = "autolab"
firmware_file = '{vendor_file("Adk.x")}'
hardware_setup_file = '{vendor_file("HardwareSetup.AUT00000.xml")}'
model = "M204"
modules = [{{ serial = "AUT00001" }}, {{ serial = "AUT00002" }}]
settle_s = 0.5
"""
    write(BENCH.replace('driver = "simulated-potentiostat"', autolab))
    real = load_bench(Path("bench.toml"))
    twin = twin_of(real, "gold", exact=True)
    assert is_virtual(twin.config)
    assert not is_virtual(real)
    made = dry_bench(twin.config)
    assert set(made.instruments) == {"furnace", "potentiostat"}
    assert made.instruments["furnace"].limits() == dry_bench(real).instruments["furnace"].limits()
    assert twin.config.model.interlock == real.model.interlock
    assert twin.config.model.bench.lost_after_s == 90
    assert twin.drivers["potentiostat"] == "simulated-autolab"
    assert twin.config.model.instruments["potentiostat"].model_extra == {
        "model": "M204",
        "settle_s": 0.5,
        "channels": 2,
    }
    assert "'gold' is taken" in twin.notes[0]
    quick = twin_of(real, "gold")
    assert quick.drivers == {"furnace": "simulated-furnace", "potentiostat": "simulated-potentiostat"}
    made = dry_bench(quick.config)
    assert made.instruments["furnace"].limits() == dry_bench(real).instruments["furnace"].limits()
    assert made.instruments["potentiostat"].capabilities()["channels"] == (1, 2)


def test_what_the_simulated_furnace_cannot_reach_is_rehearsed_with_the_real_code(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """240 degC, or 15 K/min, is beyond it; a simulated Eurotherm goes there."""
    write(BENCH.replace("90 }", "240 }"), temperature_C=30, ramp=15)
    told = json.loads(rehearse(capsys, "--json")[1])
    assert told["drivers"]["furnace"] == "simulated-eurotherm"
    assert told["runs"][0]["outcome"] == "finished"


def test_a_driver_that_neither_can_play_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    write(BENCH.replace("90 }", "240 }"))
    known = plugins.names
    monkeypatch.setattr(plugins, "names", lambda group: [one for one in known(group) if one != "simulated-eurotherm"])
    with pytest.raises(BadInput, match="beyond 0 to 200 °C"):
        twin_of(load_bench(Path("bench.toml")), "blocking")


def test_a_mistake_in_the_simulation_is_told_of_the_rehearsal(capsys: pytest.CaptureFixture[str]) -> None:
    write(BENCH + '[simulation]\ncell = "golden"\n')
    status, _, said = rehearse(capsys)
    assert status == 2
    assert "golden" in said
    with pytest.raises(BadInput, match="golden"):
        dry_bench(twin_of(load_bench(Path("bench.toml")), "gold").config)


PAPER = Path(__file__).resolve().parents[3] / "examples"


def test_a_cycling_plan_of_the_paper_is_rehearsed_beside_the_real_shared_folder_not_in_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Three of its 150 cycles, on the wired bench; by the real driver's code on a channel that no simulated one has."""
    bench = (PAPER / "benches" / "paper-on-wires.toml").read_text(encoding="utf-8")
    Path("bench.toml").write_text(bench, encoding="utf-8")
    plan = (PAPER / "paper" / "lfp.toml").read_text(encoding="utf-8")
    shorter = plan.replace("bench_lfp.toml", "bench.toml").replace("cycles = 150", "cycles = 3")
    Path("plan.toml").write_text(shorter, encoding="utf-8")
    status, said, _ = rehearse(capsys, "--json")
    assert status == 0
    told = json.loads(said)
    assert told["drivers"]["cycler"] == "simulated-cycler"
    (run,) = told["runs"]
    assert (run["outcome"], run["cycles"], run["interlocks"]) == ("finished", 3, [])
    assert not Path("neware-steps").exists()
    Path("bench.toml").write_text(bench.replace('1 = "27-3-5"', '9 = "27-4-1"'), encoding="utf-8")
    exact = twin_of(load_bench(Path("bench.toml")), "lfp").config.model.instruments["cycler"]
    assert exact.driver == "simulated-neware"
    assert exact.model_extra is not None
    assert "step_folder" not in exact.model_extra


@pytest.mark.parametrize("plan", sorted((PAPER / "paper").glob("[acls]*.toml")), ids=lambda path: path.stem)
def test_every_plan_of_the_paper_passes_the_check_on_the_wired_bench(
    capsys: pytest.CaptureFixture[str], plan: Path
) -> None:
    with pytest.raises(SystemExit) as end:
        run_app(["check", str(plan), "--bench", str(PAPER / "benches" / "paper-on-wires.toml")])
    assert end.value.code == 0
    assert "interlock" not in capsys.readouterr().out.partition("warning:")[2]
