"""LAND, watched: what is of the test is taken, what is not is set aside with a reason, and never a wrong row."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from land_files import BEGAN, CODE, SCHEDULE, cycled, export

from daq.bench import DriverContext, SharedParts
from daq.errors import BadInput, InstrumentError
from daq.virtual_clock import VirtualClock
from drivers.land import Land
from drivers.roles import BatteryCycler, HandOver, OperatorRunCycler


@dataclass
class Lab:
    """A tester on a clock, with its export folder; `pass_s` lets files settle."""

    folder: Path
    clock: VirtualClock = field(default_factory=lambda: VirtualClock(0.0, (BEGAN + timedelta(hours=8)).timestamp()))
    ref: str = ""

    def __post_init__(self) -> None:
        self.exports.mkdir(exist_ok=True)
        self.land = self.another()
        self.land.connect()

    @property
    def exports(self) -> Path:
        return self.folder / "exports"

    def another(self, **options: Any) -> Land:
        place = "bench.toml, instruments.cycler"
        table = {"exports": str(self.exports), **options}
        return Land(DriverContext("cycler", table, {}, self.clock, self.folder / "state", {}, place, SharedParts()))

    def begin(self) -> None:
        self.ref = self.land.expect(1, SCHEDULE, "cell")
        self.land.hand_over(self.ref, HandOver(3, BEGAN.timestamp(), "M. Curie"))

    def look(self) -> Any:
        self.land.attach(self.ref)
        self.clock.sleep(31)
        return self.land.attach(self.ref)

    def told(self) -> str:
        return " | ".join(self.land.account(self.ref))


@pytest.fixture
def lab(tmp_path: Path) -> Any:
    made = Lab(tmp_path)
    with made.clock.attached():
        made.begin()
        yield made


def test_it_can_be_watched_and_nothing_else(lab: Lab) -> None:
    assert isinstance(lab.land, OperatorRunCycler)
    assert not isinstance(lab.land, BatteryCycler)
    assert not hasattr(lab.land, "submit")
    assert not hasattr(lab.land, "stop")
    assert not lab.land.abilities().can_start
    assert "neither starts nor stops" in str(lab.land.capabilities())
    assert "operator-run" in lab.land.identity().model


def test_an_export_that_grows_in_three_stages_is_taken_row_by_row(lab: Lab) -> None:
    rows = cycled()
    after, numbers = 0, []
    for count, state in ((50, "running"), (250, "running"), (len(rows), "finished")):
        export(lab.exports / "any name.txt", rows[:count])
        status = lab.look()
        assert status.state == state
        assert status.channel == 3
        found = lab.land.records(lab.ref, after)
        numbers += [one.number for one in found]
        after = numbers[-1]
    assert numbers == list(range(1, len(rows) + 1))
    whole = lab.land.records(lab.ref)
    np.testing.assert_allclose([one.time_s for one in whole], [one[0] for one in rows])
    np.testing.assert_allclose([one.current_A for one in whole], [one[2] for one in rows], atol=1e-12)
    np.testing.assert_allclose([one.voltage_V for one in whole], [one[1] for one in rows], atol=1e-4)
    assert [one.step for one in whole] == [one[3] for one in rows]
    assert [one.cycle for one in whole] == [1 + n // 133 for n in range(len(rows))]
    assert lab.told().count("rows taken") == 3


def test_a_file_counts_when_it_is_whole_still_and_free(lab: Lab) -> None:
    path = export(lab.exports / "a.txt", cycled())
    assert "no export" in lab.land.attach(lab.ref).text
    assert "may still be written" in lab.land.attach(lab.ref).text
    lab.clock.sleep(20)
    export(path, cycled(2))  # it changed: the wait begins anew
    lab.land.attach(lab.ref)
    lab.clock.sleep(20)
    assert lab.land.attach(lab.ref).state == "unknown"
    (lab.exports / "~$a.txt").write_text("somebody has it open", encoding="utf-8")
    lab.clock.sleep(20)
    assert "locked" in lab.land.attach(lab.ref).text
    (lab.exports / "~$a.txt").unlink()
    assert lab.land.attach(lab.ref).state == "running"
    assert math.isfinite(lab.land.status(3).voltage_V)


def test_a_line_half_written_is_not_taken(lab: Lab) -> None:
    rows = cycled(1)
    path = export(lab.exports / "a.txt", rows)
    text = path.read_text(encoding="utf-8")
    path.write_text(text[: text.rindex("3.3000") + 3], encoding="utf-8")  # 3.3 V, or 3.3000?
    lab.look()
    assert len(lab.land.records(lab.ref)) == len(rows) - 1
    assert "still be growing" in lab.told()
    export(path, rows)
    lab.look()
    assert len(lab.land.records(lab.ref)) == len(rows)


TWICE = [(t, v, 2 * i, s, w) for t, v, i, s, w in cycled(1)]
OTHER_ID = "0AB1C2D3"


@pytest.mark.parametrize(
    ("rows", "more", "says"),
    [
        (cycled(), {"code": OTHER_ID}, f"carries the id {OTHER_ID}"),
        (cycled(), {"code": "somebody's cell"}, "carries no sheet's id"),
        (cycled(), {"written": "uA"}, "a factor of a thousand"),
        (cycled(), {"unit": "uA", "written": "mA"}, "a factor of a thousand"),
        (cycled(), {"written": "furlong"}, "current has no unit"),
        (TWICE, {}, "step 1 has 300 uA, the sheet 150 uA"),
        ([(t, v + 0.5, i, s, w) for t, v, i, s, w in cycled(1)], {}, "protection leaves 2.7 to 4 V"),
        ([(t, v, -i, s, "D_CC" if w[0] == "C" else w) for t, v, i, s, w in cycled(1)], {}, "a discharge begins"),
        (cycled(1)[:30] + cycled(1)[61:], {}, "the sheet has no end for it"),
        (cycled(4), {}, "more steps than the sheet"),
        (cycled(), {"began": BEGAN + timedelta(hours=9)}, "9 h after the channel was said to be started"),
        ([*cycled(1)[:90], *cycled(1)[:9]], {}, "runs backwards"),
        (cycled()[:2], {}, "too few"),
    ],
)  # fmt: skip
def test_what_is_not_of_the_test_is_set_aside_with_the_reason(lab: Lab, rows: Any, more: Any, says: str) -> None:
    export(lab.exports / "foreign.txt", rows, **more)
    assert lab.look().state == "unknown"
    assert lab.land.records(lab.ref) == []
    assert says in lab.told()
    assert "foreign.txt is set aside" in lab.told()
    assert (lab.exports / "foreign.txt").exists()  # nobody's file is moved or changed
    export(lab.exports / "right.txt", cycled())
    assert lab.look().state == "finished"
    assert len(lab.land.records(lab.ref)) == len(cycled())


@pytest.mark.parametrize("garbage", [b"", b"\x00\xff" * 500, b"Current/mA\n" * 30, "静置\n".encode("gb18030") * 50])
def test_garbage_changes_nothing(lab: Lab, garbage: bytes) -> None:
    export(lab.exports / "a.txt", cycled(2))
    lab.look()
    before = lab.land.records(lab.ref)
    for name in ("g.txt", "g.csv", "g.xlsx"):
        (lab.exports / name).write_bytes(garbage)
    lab.look()
    assert lab.land.records(lab.ref) == before


def test_an_export_replaces_only_what_it_goes_on_from(lab: Lab) -> None:
    rows = cycled()
    path = export(lab.exports / "a.txt", rows[:250])
    lab.look()
    other = [(t, v + (0.005 if n == 100 else 0), i, s, w) for n, (t, v, i, s, w) in enumerate(rows)]
    export(lab.exports / "b.txt", other)
    lab.look()
    assert "row 101 differs in voltage_V" in lab.told()
    export(path, rows[:200])
    lab.look()
    assert "an older export" in lab.told()
    assert len(lab.land.records(lab.ref)) == 250
    export(path, rows, unit="uA", digits=1)  # the same, in another unit scheme
    assert lab.look().state == "finished"
    assert len(lab.land.records(lab.ref)) == len(rows)


def test_rows_that_lie_ahead_are_of_another_test(tmp_path: Path) -> None:
    """As the export that was left by a try-out on a quickened bench."""
    early = Lab(tmp_path, clock=VirtualClock(0.0, BEGAN.timestamp()))
    with early.clock.attached():
        early.begin()
        path = export(early.exports / "a.txt", cycled())
        early.look()
        assert "a.txt is set aside: its last row is of 2026-03-02 21:08, which lies ahead" in early.told()
        early.clock.sleep(7 * 3600)
        export(path, cycled(), unit="uA", digits=1)
        assert early.look().state == "finished"


def test_the_id_may_stand_in_the_file_name(lab: Lab) -> None:
    export(lab.exports / f"cell7_{CODE.lower()}_2.txt", cycled(), code="")
    assert lab.look().state == "finished"


def test_a_coarse_current_is_warned_of(lab: Lab) -> None:
    export(lab.exports / "a.txt", cycled(), digits=2)
    lab.look()
    assert "export in mA or uA" in lab.told()


def test_a_protective_rest_before_the_first_step_is_no_step(lab: Lab) -> None:
    rows = [(0.0, 3.3, 0.0, 1, "R"), (30.0, 3.3, 0.0, 1, "R"), *((t + 60, v, i, s, w) for t, v, i, s, w in cycled())]
    export(lab.exports / "a.txt", rows)
    assert lab.look().state == "finished"


def test_after_a_restart_it_goes_on_and_takes_nothing_twice(lab: Lab) -> None:
    rows = cycled()
    path = export(lab.exports / "a.txt", rows[:250])
    lab.look()
    path.unlink()  # somebody tidied up: our copy is still there
    again = lab.another()
    with pytest.raises(InstrumentError, match="not connected"):
        again.read()
    again.connect()
    assert again.handed_over(lab.ref) == HandOver(3, BEGAN.timestamp(), "M. Curie")
    assert len(again.records(lab.ref)) == 250
    assert [one.number for one in again.records(lab.ref, 240)] == list(range(241, 251))
    assert again.expect(1, SCHEDULE, "cell") != lab.ref  # that one was handed over: the same once more is another test
    lab.land = again
    export(path, rows)
    assert lab.look().state == "finished"


def test_making_safe_tells_the_operator_and_claims_nothing(lab: Lab) -> None:
    export(lab.exports / "a.txt", cycled(2))
    lab.look()
    stopped = lab.land.make_safe("stopped")
    assert not stopped.verified
    assert "channel 3" in stopped.text
    assert "BY HAND" in stopped.text
    assert lab.land.make_safe("engine_lost").verified
    assert lab.land.carrying_on() == [f"channel 3 runs {lab.ref}"]
    export(lab.exports / "a.txt", cycled(3))
    lab.look()
    assert lab.land.carrying_on() == []
    assert lab.land.make_safe("stopped").verified


def test_a_share_that_is_away_is_told_and_comes_back(lab: Lab) -> None:
    export(lab.exports / "a.txt", cycled(2))
    lab.look()
    away = lab.exports.rename(lab.folder / "away")
    with pytest.raises(InstrumentError, match="nothing is lost"):
        lab.land.read()
    assert lab.land.attach(lab.ref).state == "running"
    away.rename(lab.exports)
    export(lab.exports / "a.txt", cycled(3))
    assert lab.look().state == "finished"
    assert lab.land.read().values["state"] == "finished"


def test_what_cannot_be_acknowledged_is_refused(lab: Lab) -> None:
    ref = lab.land.expect(2, SCHEDULE, "another")
    now = lab.clock.unix()
    for told in (HandOver(99, now, "me"), HandOver(2, now, "  "), HandOver(2, now + 3600, "me")):
        with pytest.raises(BadInput):
            lab.land.hand_over(ref, told)
    assert lab.land.handed_over(ref) is None
    with pytest.raises(InstrumentError, match="ever expected"):
        lab.land.attach("nobody-1")


def test_another_test_on_its_channel_ends_it(lab: Lab) -> None:
    export(lab.exports / "a.txt", cycled(2))
    lab.look()
    ref = lab.land.expect(1, SCHEDULE, "another")
    lab.land.hand_over(ref, HandOver(3, lab.clock.unix(), "P. Curie"))
    status = lab.land.attach(lab.ref)
    assert (status.state, len(lab.land.records(lab.ref))) == ("stopped", len(cycled(2)))
    assert lab.land.status(3).ref == ref


def test_limits_are_refused_for_nobody_could_keep_them(tmp_path: Path) -> None:
    context = DriverContext(
        "cycler", {"exports": "x"}, {"max_voltage_V": 4.0}, VirtualClock(), tmp_path, {}, "b", SharedParts()
    )
    with pytest.raises(BadInput, match="LAND's program"):
        Land.check(context)
