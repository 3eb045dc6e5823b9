"""A Neware tester does what its schedule says, and tells it whole, once, and of the right test, whatever happens."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from neware_bench import SIMULATION, NewareBench, neware_bench, to_and_fro, truth

from daq.errors import BadInput, InstrumentError, InstrumentLost
from drivers.neware.messages import Address
from drivers.schedule import CyclerRecord

WHOLE_s = 60 + 3 * 1200


def agree(found: list[CyclerRecord], expected: list[CyclerRecord]) -> None:
    assert [one.number for one in found] == [one.number for one in expected]
    for one, other in zip(found, expected, strict=True):
        assert (one.step, one.cycle) == (other.step, other.cycle)
        assert one.time_s == pytest.approx(other.time_s, abs=2e-3 * other.step + 1e-3)
        assert one.voltage_V == pytest.approx(other.voltage_V, rel=1e-4, abs=1e-6)
        assert one.current_A == pytest.approx(other.current_A, rel=1e-6, abs=1e-12)
        assert one.charge_capacity_Ah == pytest.approx(other.charge_capacity_Ah, rel=1e-6, abs=1e-12)
        assert one.discharge_capacity_Ah == pytest.approx(other.discharge_capacity_Ah, rel=1e-6, abs=1e-12)


def at(bench: NewareBench, channel: int = 1) -> Address:
    return bench.core.tester.addresses[channel - 1]


def test_it_records_what_the_simulated_cycler_records(tmp_path: Path) -> None:
    expected = truth(tmp_path / "truth", to_and_fro(), WHOLE_s + 60)
    with neware_bench(tmp_path / "wire") as bench:
        ref = bench.driver.submit(1, to_and_fro(), "cell")
        assert ref == "21-1-1_1_cell"
        bench.finished(ref)
        agree(list(bench.driver.records(ref)), expected)
    assert max(one.current_A for one in expected) == pytest.approx(5e-5, rel=1e-4)  # with its noise
    quiet = {**SIMULATION, "parameters": {"cycler_current_noise_fraction": 0.0}}
    assert max(one.current_A for one in truth(tmp_path / "quiet", to_and_fro(), 700, quiet)) == pytest.approx(5e-5)


@pytest.mark.parametrize(
    "quirks",
    [
        {"subdevid_is_1": True},
        {"cycles_from_0": True},
        {"spelled_right": True},
        {"is_old": True},
        {"rows_most": 37},
        {"lists_running": True},
    ],
    ids=str,
)
def test_every_server_gives_the_same_records(tmp_path: Path, quirks: dict[str, int | bool]) -> None:
    expected = truth(tmp_path / "truth", to_and_fro(), WHOLE_s + 60)
    with neware_bench(tmp_path / "wire", quirks=quirks) as bench:
        ref = bench.driver.submit(1, to_and_fro(), "cell")
        bench.clock.sleep(1500)
        found = list(bench.driver.records(ref))
        found += bench.again().records(ref, found[-1].number)  # a place found again in the middle of a step
        bench.finished(ref)
        found += bench.driver.records(ref, found[-1].number)
        agree(found, expected)


def test_any_cursor_gives_the_same_records(tmp_path: Path) -> None:
    with neware_bench(tmp_path) as bench:
        ref = bench.driver.submit(1, to_and_fro(), "cell")
        bench.finished(ref)
        whole = list(bench.driver.records(ref))
        for after in (0, 1, 5, 6, 7, 66, 67, 100, len(whole) - 1, len(whole)):
            assert list(bench.again().records(ref, after)) == whole[after:]
            assert list(bench.driver.records(ref, after, 10)) == whole[after : after + 10]


def test_two_hours_without_this_computer_lose_and_double_nothing(tmp_path: Path) -> None:
    schedule = to_and_fro(half_s=3600, cycles=4)
    expected = truth(tmp_path / "truth", schedule, 60 + 8 * 3600 + 60)
    with neware_bench(tmp_path / "wire") as bench:
        ref = bench.driver.submit(1, schedule, "cell")
        bench.clock.sleep(5000)
        found = list(bench.driver.records(ref))
        bench.clock.sleep(7200)
        driver = bench.again()
        assert driver.carrying_on() == [f"channel 1 runs {ref}"]
        assert driver.attach(ref).state == "running"
        bench.finished(ref)
        found += driver.records(ref, found[-1].number)
        agree(found, expected)


def test_sixty_four_channels_run_at_once(tmp_path: Path) -> None:
    with neware_bench(tmp_path, channels=64) as bench:
        schedule = to_and_fro(half_s=300, cycles=1)
        refs = [bench.driver.submit(n, schedule, f"cell {n}") for n in range(1, 65)]
        assert len(set(refs)) == 64
        assert refs[-1] == "21-8-8_64_cell 64"
        bench.finished(refs[-1])
        assert {len(bench.driver.records(ref)) for ref in refs} == {6 + 2 * 30}
        asked = bench.core.asked.count("getchlstatus")
        for number in range(1, 65):
            assert bench.driver.status(number).ref == refs[number - 1]
        assert bench.core.asked.count("getchlstatus") <= asked + 1


# ---------------------------------------------------------------- starting
@pytest.mark.parametrize("word", ["working", "pause", "waitStart", "ligth", "synCtrl", "no such word"])
def test_nothing_is_started_unless_the_channel_is_known_to_be_free(tmp_path: Path, word: str) -> None:
    with neware_bench(tmp_path) as bench:
        bench.core.tester.words[at(bench)] = word
        with pytest.raises(BadInput, match="nothing was started"):
            bench.driver.submit(1, to_and_fro(), "cell")
        assert "start" not in bench.core.asked


def test_a_start_whose_answer_is_lost_is_found_and_not_repeated(tmp_path: Path) -> None:
    with neware_bench(tmp_path) as bench:
        bench.core.loses_reply_to = "start"
        ref = bench.driver.submit(1, to_and_fro(), "cell")
        assert bench.core.asked.count("start") == 1
        assert bench.driver.attach(ref).state == "running"


def test_a_process_that_dies_in_a_start_knows_its_test_again(tmp_path: Path) -> None:
    """Killed after the start was sent, and before anything of its answer was kept."""
    with neware_bench(tmp_path) as bench:
        tester: Any = bench.core.tester
        start = tester.start

        def killed(*words: Any) -> bool:
            start(*words)
            raise KeyboardInterrupt

        tester.start = killed
        with pytest.raises(KeyboardInterrupt):
            bench.driver.submit(1, to_and_fro(), "cell")
        tester.start = start
        bench.clock.sleep(300)
        driver = bench.again()
        ref = driver.status(1).ref
        assert ref == "21-1-1_1_cell"
        assert driver.carrying_on() == [f"channel 1 runs {ref}"]
        assert driver.status(1).step == 2
        assert driver.make_safe("stopped").text == "1 channels stopped, read back"
        assert bench.again().attach(ref).state == "stopped"


def test_a_start_that_was_meant_and_never_came_is_no_claim_on_the_channel(tmp_path: Path) -> None:
    with neware_bench(tmp_path) as bench:
        bench.core.loses_reply_to = "start"
        tester: Any = bench.core.tester
        tester.start, start = lambda *words: False, tester.start
        with pytest.raises(InstrumentError, match="is not known"):
            bench.driver.submit(1, to_and_fro(), "cell")
        path = next(Path(bench.driver.options.step_folder).glob("*.xml"))
        assert start(at(bench), "a person's", str(path), tester.new_testid())
        driver = bench.again()
        assert driver.carrying_on() == []
        driver.make_safe("stopped")
        assert tester.word(at(bench)) == "working"


def test_a_start_that_the_server_refuses_is_told(tmp_path: Path) -> None:
    with neware_bench(tmp_path, {}) as bench:
        bench.driver._starter._drop = replace(bench.driver._starter._drop, seen_by_windows="D:\\elsewhere")
        with pytest.raises(InstrumentError, match="refuses to start"):
            bench.driver.submit(1, to_and_fro(), "cell")
        assert bench.driver.status(1).state == "idle"


def test_a_start_that_leaves_no_trace_is_not_reported_as_one(tmp_path: Path) -> None:
    with neware_bench(tmp_path, quirks={"forgets_barcodes": True}) as bench:
        with pytest.raises(InstrumentError, match="whether cell runs is not known"):
            bench.driver.submit(1, to_and_fro(), "cell")
        assert bench.core.asked.count("start") == 1


@pytest.mark.parametrize("sample", ["", " cell", "a\nb", "x" * 61])
def test_what_can_be_no_barcode_is_refused(tmp_path: Path, sample: str) -> None:
    with neware_bench(tmp_path) as bench, pytest.raises(BadInput, match="barcode"):
        bench.driver.submit(1, to_and_fro(), sample)


def test_a_name_of_xml_s_own_signs_comes_back_as_it_was(tmp_path: Path) -> None:
    with neware_bench(tmp_path) as bench:
        ref = bench.driver.submit(1, to_and_fro(), "a \"<&>' b_c")
        assert bench.driver.attach(ref).state == "running"
        bench.driver.stop(ref)
        assert bench.driver.attach(ref).state == "stopped"


# ---------------------------------------------------------------- stopping, and leaving alone
def reused(bench: NewareBench, barcode: str) -> None:
    """A person at the client stops the channel and starts the same file for another cell."""
    tester = bench.core.tester
    tester.stop(at(bench))
    path = next(Path(bench.driver.options.step_folder).glob("*.xml"))
    assert tester.start(at(bench), barcode, str(path), tester.new_testid())


@pytest.mark.parametrize("barcode", ["other", "cell"])
def test_a_channel_that_another_uses_now_is_not_stopped(tmp_path: Path, barcode: str) -> None:
    with neware_bench(tmp_path) as bench:
        ref = bench.driver.submit(1, to_and_fro(), "cell")
        bench.clock.sleep(300)
        count = len(bench.driver.records(ref))
        reused(bench, barcode)
        bench.clock.sleep(60)
        for touch in (bench.driver.attach, bench.driver.stop):
            with pytest.raises(InstrumentError, match="lost to another test"):
                touch(ref)
        bench.driver.make_safe("stopped")
        assert "stop" not in bench.core.asked
        assert bench.core.tester.word(at(bench)) == "working"
        assert len(bench.driver.records(ref)) >= count  # what was ours is still fetched


@pytest.mark.parametrize(
    ("reason", "stops"), [("stopped", True), ("failed", True), ("engine_lost", False), ("finished", False)]
)
def test_only_what_was_started_here_is_stopped_and_only_when_asked_for(
    tmp_path: Path, reason: str, stops: bool
) -> None:
    with neware_bench(tmp_path) as bench:
        ref = bench.driver.submit(1, to_and_fro(), "cell")
        path = next(Path(bench.driver.options.step_folder).glob("*.xml"))
        tester = bench.core.tester
        tester.start(at(bench, 2), "a person's", str(path), tester.new_testid())
        assert bench.driver.make_safe(reason).verified  # type: ignore[arg-type]
        assert bench.driver.attach(ref).state == ("stopped" if stops else "running")
        assert tester.word(at(bench, 2)) == "working"


def test_leaving_stops_nothing(tmp_path: Path) -> None:
    with neware_bench(tmp_path) as bench:
        ref = bench.driver.submit(1, to_and_fro(), "cell")
        bench.driver.disconnect()
        assert bench.core.tester.word(at(bench)) == "working"
        bench.driver.connect()
        assert bench.driver.attach(ref).state == "running"


def test_the_tester_s_protection_is_told(tmp_path: Path) -> None:
    schedule = to_and_fro()
    with neware_bench(tmp_path) as bench:
        narrow = replace(schedule, protection=replace(schedule.protection, voltage_max_V=1e-3))
        ref = bench.driver.submit(1, narrow, "cell")
        bench.finished(ref)
        status = bench.driver.attach(ref)
        assert (status.state, status.current_A) == ("protected", 0.0)
        assert "protection" in status.text


# ---------------------------------------------------------------- the server and the line fail
def test_a_test_has_not_ended_before_all_its_records_are_there(tmp_path: Path) -> None:
    with neware_bench(tmp_path) as bench:
        ref = bench.driver.submit(1, to_and_fro(), "cell")
        bench.core.quirks.incomplete, bench.core.quirks.late_upload = True, 20
        bench.clock.sleep(WHOLE_s + 100)
        status = bench.driver.attach(ref)
        assert status.state == "running"
        assert "on their way" in status.text
        found = list(bench.driver.records(ref))
        bench.core.quirks.incomplete, bench.core.quirks.late_upload = False, 0
        bench.clock.sleep(10)
        assert bench.driver.attach(ref).state == "finished"
        found += bench.driver.records(ref, found[-1].number)
        assert [one.number for one in found] == list(range(1, 6 + 6 * 60 + 1))


def test_a_missing_record_is_an_error_and_never_skipped(tmp_path: Path) -> None:
    with neware_bench(tmp_path) as bench:
        ref = bench.driver.submit(1, to_and_fro(), "cell")
        bench.clock.sleep(1000)
        bench.core.quirks.skips = 50
        with pytest.raises(InstrumentError, match="in place of 50"):
            bench.driver.records(ref)
        bench.core.quirks.skips = 0
        assert [one.number for one in bench.driver.records(ref, limit=60)] == list(range(1, 61))


@pytest.mark.parametrize(
    "faults",
    [{"silence": 0.1}, {"cut": 0.15}, {"garbage": 0.1}, {"late": 0.1, "late_s": 40.0}, {"doubled": 0.3}],
    ids=str,
)
def test_a_bad_line_gives_errors_or_the_truth(tmp_path: Path, faults: dict[str, float]) -> None:
    expected = truth(tmp_path / "truth", to_and_fro(), WHOLE_s + 60)
    with neware_bench(tmp_path / "wire") as bench:
        ref = bench.driver.submit(1, to_and_fro(), "cell")
        bench.clock.sleep(WHOLE_s + 60)
        for name, value in faults.items():
            setattr(bench.core.faults, name, value)
        found: list[CyclerRecord] = []
        for _ in range(200):
            try:
                more = bench.driver.records(ref, found[-1].number if found else 0, 50)
            except InstrumentError:
                continue
            if not more:
                break
            found += more
        agree(found, expected)


def test_a_server_that_is_not_there_is_told_as_that(tmp_path: Path) -> None:
    with neware_bench(tmp_path) as bench:
        ref = bench.driver.submit(1, to_and_fro(), "cell")
        bench.driver.cable.unplugged = True
        bench.clock.sleep(10)
        with pytest.raises(InstrumentLost, match="API mode"):
            bench.driver.attach(ref)
        bench.driver.cable.unplugged = False
        bench.clock.sleep(10)
        assert bench.driver.attach(ref).state == "running"


def test_a_refused_login_is_told(tmp_path: Path) -> None:
    with neware_bench(tmp_path) as bench:
        bench.driver.disconnect()
        bench.core.quirks.wrong_password = True
        with pytest.raises(InstrumentError, match="refuses the login"):
            bench.driver.connect()
