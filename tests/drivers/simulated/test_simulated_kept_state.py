"""A simulated bench is found as it was left: after a close, after a kill, with the time that passed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from truth_bench import TruthBench, build, truth_bench

from daq.errors import BadInput
from daq.virtual_clock import VirtualClock
from drivers.simulated.state import JOURNAL_FILE, SNAPSHOT_FILE


def killed(folder: Path, seconds_before: float, seconds_after: float, **more: Any) -> tuple[float, float]:
    """A bench that dies without a close, 80 degC asked for in between; its clock and its last reading."""
    truth = build(folder, **more)
    with truth.clock.attached():
        truth.bench.connect()
        truth.clock.sleep(seconds_before)
        truth.furnace.set_target(80, 3)
        truth.clock.sleep(seconds_after)
        return truth.clock.monotonic(), truth.furnace.read_temperature().temperature_C


def reopened(folder: Path, at_s: float, simulation: dict[str, Any] | None = None) -> TruthBench:
    return build(folder, simulation, clock=VirtualClock(start_s=at_s))


def one_reading(truth: TruthBench) -> tuple[float, float, float, float]:
    with truth.clock.attached():
        truth.bench.connect()
        reading = truth.furnace.read_temperature()
        sample = truth.world.sample(1)
        truth.bench.close()
    return reading.temperature_C, reading.working_setpoint_C, reading.output_percent, sample.temperature_C


@pytest.mark.parametrize("before_s", [100, 1000])
@pytest.mark.parametrize("after_s", [0, 250, 5000])
def test_after_a_kill_the_world_is_where_it_would_have_been(tmp_path: Path, before_s: float, after_s: float) -> None:
    """Whether the last snapshot is before or after the command, and however old it is: bit for bit."""
    now_s, _ = killed(tmp_path / "killed", before_s, after_s)
    with truth_bench(tmp_path / "lived") as lived:
        lived.clock.sleep(before_s)
        lived.furnace.set_target(80, 3)
        lived.clock.sleep(after_s + 500)
        reading, sample = lived.furnace.read_temperature(), lived.world.sample(1)
    expected = (reading.temperature_C, reading.working_setpoint_C, reading.output_percent, sample.temperature_C)
    assert one_reading(reopened(tmp_path / "killed", now_s + 500)) == expected


def test_two_hours_later_a_hold_has_been_held(tmp_path: Path) -> None:
    now_s, then_C = killed(tmp_path, 0, 7200)
    assert then_C == pytest.approx(80, abs=0.2)
    assert one_reading(reopened(tmp_path, now_s + 7200))[0] == pytest.approx(80, abs=0.2)


def test_two_hours_later_a_furnace_made_safe_has_coasted(tmp_path: Path) -> None:
    with truth_bench(tmp_path) as truth:
        truth.settle(80)
        truth.furnace.make_safe("stopped")
        end_s = truth.clock.monotonic()
    temperature_C, _, output, _ = one_reading(reopened(tmp_path, end_s + 7200))
    assert 20 < temperature_C < 22
    assert output == 0


def test_time_does_not_run_backwards(tmp_path: Path) -> None:
    """A calendar that was set back, or a new virtual time: the furnace is as it was."""
    killed(tmp_path, 0, 7200)
    assert one_reading(reopened(tmp_path, 0.0))[0] == pytest.approx(80, abs=0.3)


def test_opened_many_times_the_state_does_not_drift(tmp_path: Path) -> None:
    now_s, _ = killed(tmp_path / "often", 0, 4000)
    for _ in range(5):
        now_s += 77
        one_reading(reopened(tmp_path / "often", now_s))
    killed(tmp_path / "once", 0, 4000)
    assert one_reading(reopened(tmp_path / "often", now_s)) == one_reading(reopened(tmp_path / "once", now_s))


def test_the_journal_is_emptied_by_snapshots(tmp_path: Path) -> None:
    with truth_bench(tmp_path) as truth:
        for target in range(25, 45):
            truth.furnace.set_target(target)
        assert len((tmp_path / JOURNAL_FILE).read_text(encoding="utf-8").splitlines()) == 20
        truth.clock.sleep(7300)
        truth.furnace.read()
        assert not (tmp_path / JOURNAL_FILE).exists()


def test_a_command_cut_in_half_by_the_kill_is_forgotten(tmp_path: Path) -> None:
    now_s, _ = killed(tmp_path, 0, 100)
    journal = tmp_path / JOURNAL_FILE
    whole = journal.read_text(encoding="utf-8")
    journal.write_text(whole + whole[: len(whole) // 2], encoding="utf-8")
    assert one_reading(reopened(tmp_path, now_s))[1] == pytest.approx(20 + 3 * 100 / 60, abs=0.2)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"version": 1}', "\x00\x01", '{"version": 99}'])
def test_a_damaged_snapshot_is_told_in_a_sentence(tmp_path: Path, text: str) -> None:
    killed(tmp_path, 0, 100)
    (tmp_path / SNAPSHOT_FILE).write_text(text, encoding="utf-8")
    with pytest.raises(BadInput, match=r"damaged.*delete it to start from ambient") as refusal:
        one_reading(reopened(tmp_path, 100))
    assert SNAPSHOT_FILE in str(refusal.value)


def test_bytes_that_are_no_text_are_told_in_a_sentence(tmp_path: Path) -> None:
    killed(tmp_path, 0, 100)
    (tmp_path / SNAPSHOT_FILE).write_bytes(b"\xff\xfe\x80\x81")
    with pytest.raises(BadInput, match="damaged"):
        one_reading(reopened(tmp_path, 100))


@pytest.mark.parametrize("key", ["heater_C", "integral_W", "underway_W"])
def test_a_snapshot_with_nonsense_inside_is_refused(tmp_path: Path, key: str) -> None:
    killed(tmp_path, 0, 100)
    table = json.loads((tmp_path / SNAPSHOT_FILE).read_text(encoding="utf-8"))
    table["furnace"][key] = "warm"
    (tmp_path / SNAPSHOT_FILE).write_text(json.dumps(table), encoding="utf-8")
    with pytest.raises(BadInput, match="damaged"):
        one_reading(reopened(tmp_path, 100))


def test_a_damaged_journal_is_told_in_a_sentence(tmp_path: Path) -> None:
    killed(tmp_path, 0, 100)
    (tmp_path / JOURNAL_FILE).write_text("not json\n", encoding="utf-8")
    with pytest.raises(BadInput, match="damaged") as refusal:
        one_reading(reopened(tmp_path, 100))
    assert JOURNAL_FILE in str(refusal.value)


def test_deleting_the_state_starts_from_ambient(tmp_path: Path) -> None:
    now_s, _ = killed(tmp_path, 0, 7200)
    (tmp_path / SNAPSHOT_FILE).unlink()
    assert one_reading(reopened(tmp_path, now_s))[0] == pytest.approx(20, abs=0.1)


def test_other_parameters_are_refused_and_named(tmp_path: Path) -> None:
    killed(tmp_path, 0, 100)
    with pytest.raises(BadInput, match=r"furnace\.ambient_C: 20\.0 then, 22\.0 now"):
        one_reading(reopened(tmp_path, 100, {"parameters": {"ambient_C": 22}}))
    with pytest.raises(BadInput, match=r"channels.1.activation_energy_eV: 0.56 then, 0.62 now"):
        one_reading(reopened(tmp_path, 100, {"preset": "K010"}))


def test_the_same_numbers_spelt_out_and_new_faults_are_the_same_simulation(tmp_path: Path) -> None:
    killed(tmp_path, 0, 100)
    spelt_out = {"preset": "K001", "seed": 1, "parameters": {"ambient_C": 20, "bulk_resistance_ohm": 529}}
    faults = [{"instrument": "furnace", "kind": "reading_lost", "after_s": 1e6}]
    assert one_reading(reopened(tmp_path, 100, {**spelt_out, "faults": faults}))[0] > 19


def test_a_state_folder_that_cannot_be_written_does_not_keep_the_heater_on(tmp_path: Path) -> None:
    with truth_bench(tmp_path / "state") as truth:
        truth.furnace.set_target(80)
        truth.clock.sleep(60)
        truth.furnace.read()
        for path in (tmp_path / "state").iterdir():
            path.unlink()
        (tmp_path / "state").rmdir()
        (tmp_path / "state").write_text("a file in the way", encoding="utf-8")
        assert truth.furnace.make_safe("failed").verified
        truth.clock.sleep(1200)
        assert truth.furnace.read_temperature().output_percent == 0


def test_a_bench_left_for_years_opens_at_once(tmp_path: Path) -> None:
    now_s, _ = killed(tmp_path, 0, 3600)
    assert one_reading(reopened(tmp_path, now_s + 5 * 365 * 86_400))[0] == pytest.approx(80, abs=0.1)
