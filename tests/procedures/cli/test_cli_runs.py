"""From a plan to results and back, as a person at the prompt and a program behind a pipe see it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from daq.bench import load_bench
from daq.bench_lock import bench_lock
from daq.runfile.reader import RunFile
from procedures.cli.app import run_app

BENCH = """
[bench]
name = "truth"
[instruments.furnace]
driver = "simulated-furnace"
limits = { max_temperature_C = 150 }
[instruments.potentiostat]
driver = "simulated-potentiostat"
[simulation]
cell = "blocking"
preset = "K001"
seed = 3
"""
PLAN = """
bench = "bench.toml"
[sample]
name = "K001 pellet"
pellet = { thickness_mm = 0.9, diameter_mm = 10 }
[[run]]
procedure = "eis-sweep"
temperatures_C = [40, 60, 80]
"""
TRUTH_S_CM = {40: 1.27e-5, 60: 4.43e-5, 80: 1.34e-4}
RESULT_KEYS = {"name", "value", "uncertainty", "interval", "unit", "at", "method", "reason"}


@dataclass
class Said:
    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Prompt:
    """The command line, in this process."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *words: str) -> Said:
        self._capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            run_app(list(words))
        told = self._capsys.readouterr()
        assert isinstance(end.value.code, int)
        return Said(end.value.code, told.out, told.err)


@pytest.fixture
def cellrig(capsys: pytest.CaptureFixture[str]) -> Prompt:
    return Prompt(capsys)


@pytest.fixture(autouse=True)
def own_world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CELLRIG_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("CELLRIG_RUNS", raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    (tmp_path / "bench.toml").write_text(BENCH, encoding="utf-8")
    (tmp_path / "plan.toml").write_text(PLAN, encoding="utf-8")
    return tmp_path / "plan.toml"


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one finished run, made by the command itself, and what it printed."""
    folder = tmp_path_factory.mktemp("finished")
    (folder / "bench.toml").write_text(BENCH, encoding="utf-8")
    (folder / "plan.toml").write_text(PLAN, encoding="utf-8")
    environment = {**os.environ, "CELLRIG_STATE": str(folder / "state"), "PYTHONUTF8": "1", "COLUMNS": "80"}
    done = subprocess.run(
        [sys.executable, "-m", "cellrig", "run", "plan.toml", "--json"],
        capture_output=True,
        text=True,
        encoding="utf-8",
        cwd=folder,
        env=environment,
        check=False,
        timeout=50,
    )
    assert done.returncode == 0, done.stderr
    (folder / "printed.json").write_text(done.stdout, encoding="utf-8")
    return folder / "runs"


def by_temperature(results: list[dict[str, Any]], name: str) -> dict[float, dict[str, Any]]:
    return {one["at"]["temperature_C"]: one for one in results if one["name"] == name}


# ---------------------------------------------------------------------------------- a run that goes well
def test_run_finds_the_truth_and_prints_nothing_but_json(finished: Path) -> None:
    (run,) = json.loads((finished.parent / "printed.json").read_text(encoding="utf-8"))
    assert run["outcome"] == "finished"
    assert all(set(one) == RESULT_KEYS for one in run["results"])
    assert run["instruments"]["furnace"]["model"] == "simulated furnace"
    assert run["instruments"]["potentiostat"]["serial"].startswith("seed ")
    found = by_temperature(run["results"], "conductivity")
    for temperature, truth in TRUTH_S_CM.items():
        assert found[temperature]["unit"] == "S/cm"
        assert found[temperature]["value"] == pytest.approx(truth, rel=0.03)
    (energy,) = [one for one in run["results"] if one["name"] == "activation_energy"]
    low, high = energy["interval"]
    assert low < energy["value"] < high
    assert energy["value"] == pytest.approx(0.56, abs=0.01)


def test_show_and_run_print_the_same_object(finished: Path, cellrig: Prompt) -> None:
    (printed,) = json.loads((finished.parent / "printed.json").read_text(encoding="utf-8"))
    shown = cellrig("show", "last", "--runs", str(finished), "--json")
    assert shown.status == 0
    assert shown.err == ""
    assert shown.json == printed
    assert {"id", "procedure", "outcome", "sample", "parameters", "steps", "results", "streams"} <= set(printed)
    assert [step["state"] for step in printed["steps"]] == ["finished"] * 3
    assert {"key", "state", "attempt", "started", "ended"} <= set(printed["steps"][0])
    assert printed["sample"]["name"] == "K001 pellet"
    assert printed["parameters"]["temperatures_C"] == [40, 60, 80]
    streams = {one["name"]: one for one in printed["streams"]}
    assert set(streams["impedance"]) == {"name", "columns", "units", "rows"}
    assert streams["impedance"]["rows"] >= 3 * 61
    assert len(streams["impedance"]["columns"]) == len(streams["impedance"]["units"])


def test_a_run_is_found_by_part_of_its_id_and_by_its_folder(finished: Path, cellrig: Prompt) -> None:
    (folder,) = [one for one in finished.iterdir() if one.is_dir()]
    for name, where in (("K001", finished), (str(folder), Path("elsewhere")), (str(folder / "run.db"), finished)):
        assert cellrig("show", name, "--runs", str(where), "--json").json["id"] == folder.name


def test_show_reads_well_at_80_columns_without_colour(finished: Path, cellrig: Prompt) -> None:
    told = cellrig("show", "last", "--runs", str(finished))
    assert "\x1b" not in told.out
    wide = [line for line in told.out.splitlines() if len(line) > 80 and str(finished) not in line]
    assert not wide
    (folder,) = finished.iterdir()
    assert re.search(r"60\.0 +([56]\d\.\d\d +)?25\d\d(\.\d+)? ± \d", told.out), "temperature, resistance ± uncertainty"
    assert re.search(r"activation energy +0\.5[56]\d* ± 0\.00\d+ +eV", told.out)
    assert str(folder) in told.out


def test_runs_lists_oldest_first(finished: Path, cellrig: Prompt, tmp_path: Path, plan: Path) -> None:
    assert cellrig("runs", "--json").json == []
    assert "no runs" in cellrig("runs").out
    plan.write_text(PLAN.replace("[40, 60, 80]", "[30]"), encoding="utf-8")
    for _ in range(2):
        assert cellrig("run", str(plan)).status == 0
    runs = cellrig("runs", "--json").json
    assert [set(one) for one in runs] == [{"id", "procedure", "sample", "outcome", "started", "path"}] * 2
    assert runs[0]["started"] <= runs[1]["started"]
    assert len({one["path"] for one in runs}) == 2
    assert all(Path(one["path"], "run.db").is_file() for one in runs)
    assert {one["sample"] for one in runs} == {"K001 pellet"}


def test_a_damaged_run_does_not_hide_the_others(finished: Path, cellrig: Prompt, tmp_path: Path) -> None:
    (folder,) = finished.iterdir()
    copy = tmp_path / "runs" / folder.name
    copy.mkdir(parents=True)
    (copy / "run.db").write_bytes((folder / "run.db").read_bytes())
    (tmp_path / "runs" / "2026-01-01_torn").mkdir()
    (tmp_path / "runs" / "2026-01-01_torn" / "run.db").write_bytes(b"not a database at all" * 100)
    told = cellrig("runs", "--json")
    assert [one["id"] for one in told.json] == [folder.name]
    assert "2026-01-01_torn" in told.err
    assert cellrig("show", "2026-01-01_torn").status == 2


def test_progress_in_a_pipe_is_plain_lines(plan: Path, cellrig: Prompt) -> None:
    plan.write_text(PLAN.replace("[40, 60, 80]", "[30, 40]"), encoding="utf-8")
    told = cellrig("run", str(plan))
    assert told.status == 0
    assert "\x1b" not in told.out
    assert re.search(r"^\[1/2\] 30 °C", told.out, flags=re.MULTILINE)
    assert re.search(r"^\[2/2\] 40 °C.*left", told.out, flags=re.MULTILINE)
    assert told.out.rstrip().splitlines()[-1].startswith(("the run is in ", "its report is "))


# ---------------------------------------------------------------------------------- check
def test_check_tells_steps_duration_and_disk_and_leaves_nothing(plan: Path, cellrig: Prompt, tmp_path: Path) -> None:
    before = sorted(tmp_path.rglob("*"))
    told = cellrig("check", str(plan))
    assert told.status == 0
    assert "40 °C" in told.out
    assert re.search(r"in all about \d+ h \d+ min", told.out)
    table = cellrig("check", str(plan), "--json").json
    (run,) = table["runs"]
    assert [step["title"][:2] for step in run["steps"]] == ["40", "60", "80"]
    assert run["seconds"] == pytest.approx(sum(step["seconds"] for step in run["steps"]))
    assert 0 < run["disk_bytes"] < table["disk_free_bytes"]
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    ("was", "becomes", "named"),
    [
        ("temperatures_C", "temperature_C", "temperatures_C"),
        ("[40, 60, 80]", "[40, 600]", "temperatures_C"),
        ("[40, 60, 80]", "[40, 160]", "150"),
        ("eis-sweep", "eis-swep", "eis-sweep"),
        ("thickness_mm = 0.9, ", "", "thickness_mm"),
        ('bench = "bench.toml"', 'bench = "no-such-bench.toml"', "no-such-bench.toml"),
        ("[[run]]", "[[run", "TOML"),
        ("0.9", "-0.9", "thickness_mm"),
    ],
)
def test_a_wrong_plan_is_one_line_that_names_place_and_remedy(
    was: str, becomes: str, named: str, plan: Path, cellrig: Prompt, tmp_path: Path
) -> None:
    plan.write_text(PLAN.replace(was, becomes), encoding="utf-8")
    for command in ("check", "run"):
        told = cellrig(command, str(plan))
        assert told.status == 2
        assert told.out == ""
        (line,) = told.err.splitlines()
        assert line.startswith("cellrig: ")
        assert named in line
        assert ".toml" in line
    assert not (tmp_path / "runs").exists(), "nothing is recorded because of a typing mistake"


# ---------------------------------------------------------------------------------- runs that end otherwise
class PressAtStep:
    """A display at which somebody presses Ctrl-C when a step begins."""

    def __init__(self, step: int, times: int) -> None:
        self._step = step
        self._left = times

    def show(self, news: Any) -> None:
        while self._left and news.step >= self._step:
            self._left -= 1
            signal.raise_signal(signal.SIGINT)

    def say(self, line: str) -> None:
        pass

    def close(self) -> None:
        pass


def slow_bench(folder: Path) -> None:
    """Time that passes on the wall, a day in half a minute: long enough for a hand at the keyboard."""
    text = BENCH.replace('name = "truth"', 'name = "truth"\nspeed = 3000')
    (folder / "bench.toml").write_text(text, encoding="utf-8")


@pytest.mark.parametrize("presses", [1, 2])
def test_ctrl_c_stops_the_run_and_resume_goes_on(
    presses: int, plan: Path, cellrig: Prompt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow_bench(tmp_path)
    plan.write_text(PLAN.replace("[40, 60, 80]", "[30, 35]"), encoding="utf-8")
    monkeypatch.setattr("procedures.cli.running.display_for", lambda console: PressAtStep(2, presses))
    told = cellrig("run", str(plan))
    assert told.status == 3
    assert "Traceback" not in told.err
    shown = cellrig("show", "last", "--json").json
    assert shown["outcome"] == "stopped"
    assert [step["state"] for step in shown["steps"]] == ["finished", "broken"]
    assert bool(shown["results"]) is (presses == 1), "a second press leaves the analysis out"
    with RunFile.open(Path(shown["path"])) as run:
        safe = [event for event in run.events() if event.text.startswith("made safe")]
    assert {event.source for event in safe} == {"furnace", "potentiostat"}

    monkeypatch.undo()
    monkeypatch.setenv("CELLRIG_STATE", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    assert cellrig("resume", "last").status == 0
    again = cellrig("show", "last", "--json").json
    assert [(step["state"], step["attempt"]) for step in again["steps"]] == [("finished", 1), ("finished", 2)]
    assert {30, 35} == set(by_temperature(again["results"], "conductivity"))
    assert cellrig("resume", "last").status == 2, "a finished run has nothing to resume"


def test_a_killed_run_reads_as_interrupted_and_goes_on(plan: Path, cellrig: Prompt, tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONUTF8": "1", "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        [sys.executable, "-m", "cellrig", "run", "plan.toml"],
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        cwd=tmp_path,
        env=environment,
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("[2/3]"):
                process.kill()
                break
    before = cellrig("show", "last", "--json").json
    assert before["outcome"] == "interrupted"
    assert "cellrig resume" in cellrig("show", "last").out
    assert cellrig("resume", "last", "--down-for", "a while").status == 2
    assert cellrig("resume", "last", "--down-for", "2h").status == 0
    after = cellrig("show", "last", "--json").json
    assert after["outcome"] == "finished"
    assert after["id"] == before["id"]
    assert after["steps"][0]["attempt"] == 1
    assert max(step["attempt"] for step in after["steps"]) == 2
    for temperature, found in by_temperature(after["results"], "conductivity").items():
        assert found["value"] == pytest.approx(TRUTH_S_CM[int(temperature)], rel=0.03)


def test_a_reader_that_goes_away_does_not_touch_the_run(plan: Path, cellrig: Prompt, tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "cellrig", "run", "plan.toml"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        cwd=tmp_path,
        env={**os.environ, "PYTHONUTF8": "1", "PYTHONUNBUFFERED": "1"},
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == 0
    shown = cellrig("show", "last", "--json").json
    assert shown["outcome"] == "finished"
    assert len(by_temperature(shown["results"], "conductivity")) == 3


def test_a_run_that_fails_says_why_with_status_1(plan: Path, cellrig: Prompt, tmp_path: Path) -> None:
    fault = '[[simulation.faults]]\ninstrument = "furnace"\nkind = "thermocouple_open"\nafter_s = 2000\nfor_s = 600\n'
    (tmp_path / "bench.toml").write_text(BENCH + fault, encoding="utf-8")
    told = cellrig("run", str(plan), "--json")
    assert told.status == 1
    assert told.json[0]["outcome"] == "failed"
    (line,) = [line for line in told.err.splitlines() if line.startswith("cellrig: ")]
    assert "furnace" in line
    assert "limit of 150" in line


def test_a_finished_run_whose_furnace_may_be_on_is_no_success(plan: Path, cellrig: Prompt, tmp_path: Path) -> None:
    """A script that looks at the status alone must not go home."""
    hold = 'procedure = "temperature-hold"\ntemperature_C = 40\nduration_h = 0.1\n'
    plan.write_text(PLAN[: PLAN.index("procedure")] + hold, encoding="utf-8")
    well = cellrig("run", str(plan), "--json")
    assert well.status == 0
    ended_s = well.json[0]["steps"][-1]["ended_t_s"]
    silent = f'kind = "reading_lost"\nafter_s = {ended_s - 1}\nfor_s = 40\n'
    fault = f'[[simulation.faults]]\ninstrument = "furnace"\n{silent}'
    (tmp_path / "bench.toml").write_text(BENCH + fault, encoding="utf-8")
    told = cellrig("run", str(plan))
    assert "finished: all steps done" in told.out
    assert "but furnace could not be verified safe: look at it now" in told.out
    assert "furnace: NOT SAFE, look at it now" in told.err
    assert told.status == 1
    with plan.open("a", encoding="utf-8") as file:
        file.write(f"[[run]]\n{hold}")
    begun = cellrig("run", str(plan), "--json").json
    assert [one["outcome"] for one in begun] == ["finished"]  # the second is not begun
    assert cellrig("show", "last", "--json").json["outcome"] == "finished", "its data are whole"


def test_a_bench_in_use_is_refused_by_name(plan: Path, cellrig: Prompt, tmp_path: Path) -> None:
    with bench_lock(load_bench(tmp_path / "bench.toml"), "the night shift"):
        told = cellrig("run", str(plan))
    assert told.status == 2
    assert "the night shift" in told.err
    assert not (tmp_path / "runs").exists()


# ---------------------------------------------------------------------------------- other programs
def test_export_and_analyse_close_the_circle(finished: Path, cellrig: Prompt, tmp_path: Path) -> None:
    """What is exported as another program's text, analysed again, gives the same conductivities."""
    there = str(tmp_path / "for zview")
    told = cellrig("export", "last", "--format", "zview", "--to", there, "--runs", str(finished), "--json")
    assert told.status == 0
    assert len(told.json["files"]) == 3
    assert cellrig("export", "last", "--format", "zview", "--to", there, "--runs", str(finished)).status == 2
    assert cellrig("export", "last", "--format", "zview", "--to", there, "--overwrite", "--runs", str(finished)).out

    found = cellrig("analyse", there, "--thickness-mm", "0.9", "--diameter-mm", "10", "--json")
    assert found.status == 0
    values = sorted(one["value"] for one in found.json["results"] if one["name"] == "conductivity")
    assert values == pytest.approx(sorted(TRUTH_S_CM.values()), rel=0.03)


def test_analyse_refuses_what_is_no_spectrum_and_keeps_the_rest(
    finished: Path, cellrig: Prompt, tmp_path: Path
) -> None:
    cellrig("export", "last", "--format", "zview", "--to", "out", "--runs", str(finished))
    Path("out/notes.txt").write_text("bought new tweezers\n", encoding="utf-8")
    folder = cellrig("analyse", "out", "--json")
    assert folder.status == 0, "what lies beside data may be anything"
    assert "notes.txt" in folder.err
    named = cellrig("analyse", *(str(one) for one in sorted(Path("out").iterdir())), "--json")
    assert named.status == 2, "a file that was named was not analysed"
    assert named.json["results"] == folder.json["results"]
    assert [Path(one["path"]).name for one in named.json["refused"]] == ["notes.txt"]
    assert cellrig("analyse", "out/notes.txt").status == 2
    assert cellrig("analyse", "out", "--diameter-mm", "-3").status == 2


EXAMPLES = Path(__file__).resolve().parents[3] / "examples"


@pytest.mark.parametrize("example", sorted(one.name for one in EXAMPLES.glob("*.toml") if "_bench" not in one.name))
def test_every_example_is_in_order(example: str, cellrig: Prompt) -> None:
    told = cellrig("check", str(EXAMPLES / example), "--json")
    assert told.status == 0, told.err
    assert told.json["runs"]
