"""The form of a new run, typed and clicked: interlocks, presets, what a plan file may say, and the rehearsal."""

from __future__ import annotations

from pathlib import Path

from bench_window import SLOW_MS, FakeBench, Open, pane_of
from PyQt5.QtCore import Qt
from PyQt5.QtWidgets import QComboBox, QLineEdit
from pytestqt.qtbot import QtBot

from daq.bench import load_bench
from daq.plan import check_plan, load_plan
from gui.model.bench_status import BenchStatus
from gui.panels.new_run import NewRunPanel
from gui.window import BenchWindow

HOLD = """
[sample]
name = "K001"
pellet = { thickness_mm = 0.9, diameter_mm = 10 }

[[run]]
procedure = "temperature-hold"
temperature_C = 60
duration_h = 0.5
"""


def fill(qtbot: QtBot, form: NewRunPanel, procedure: str = "temperature-hold") -> None:
    form.procedure.setCurrentIndex(form.procedure.findData(procedure))
    for key, text in (("name", "pellet 9"), ("pellet.thickness_mm", "1.1"), ("pellet.diameter_mm", "10")):
        form.findChild(QLineEdit, f"field_{key}").setText(text)
    qtbot.waitUntil(form.add.isEnabled, timeout=SLOW_MS)


def write(window: BenchWindow, key: str, text: str) -> None:
    window.new_run.findChild(QLineEdit, f"interlock_0_{key}").setText(text)


def test_a_run_from_the_form_to_the_queue_and_to_a_plan_file(
    qtbot: QtBot, open_window: Open, tmp_path: Path, runs: Path
) -> None:
    bench = FakeBench()
    window = open_window(runs, bench)
    form = window.new_run
    assert not form.add.isEnabled()
    for key, text in (("name", "pellet 9"), ("pellet.thickness_mm", "1.1"), ("pellet.diameter_mm", "10 mm")):
        widget = form.findChild(QLineEdit, f"field_{key}")
        widget.clear()
        qtbot.keyClicks(widget, text)
    qtbot.waitUntil(form.add.isEnabled, timeout=SLOW_MS)
    assert "6 steps" in form.summary.text()
    wrong = form.findChild(QLineEdit, "field_frequency_max_Hz")
    wrong.setText("3 Mohm")
    qtbot.waitUntil(lambda: not form.add.isEnabled(), timeout=SLOW_MS)
    assert "unit must be Hz" in form.messages["frequency_max_Hz"].text()
    assert wrong.accessibleDescription() == form.messages["frequency_max_Hz"].text()
    wrong.setText("500 kHz")
    qtbot.waitUntil(form.add.isEnabled, timeout=SLOW_MS)
    form.add.click()
    what, details = bench.asked[-1]
    assert what == "submit"
    window.filling.write_plan(details["plan"], tmp_path / "plan.toml")
    plan = load_plan(tmp_path / "plan.toml")
    assert plan.samples[0].name == "pellet 9"
    assert (plan.model.run[0].model_extra or {})["frequency_max_Hz"] == 5e5
    qtbot.waitUntil(lambda: len(window.runs.model.rows) >= 2, timeout=SLOW_MS)
    sweep = next(row for row in window.runs.model.rows if row.procedure == "eis-sweep")
    window.actions_of_rows.do("settings", sweep)
    assert form.texts()["temperatures_C"] == "25, 60, 90"
    assert form.texts()["name"] == "K001"


def test_an_interlock_is_typed_refused_mended_and_kept_in_the_plan(
    qtbot: QtBot, open_window: Open, tmp_path: Path
) -> None:
    bench = FakeBench()
    window = open_window(tmp_path / "runs", bench)
    form = window.new_run
    fill(qtbot, form)
    assert "limit of furnace" in form.interlocks.also.text()
    form.interlocks.add.click()
    row = form.interlocks.rows[0]
    offered = [row.quantity.itemText(index) for index in range(row.quantity.count())]
    assert "furnace.temperature_C - furnace.sample_temperature_C" in offered
    assert "disk.free_GB" in offered
    qtbot.waitUntil(lambda: bool(row.messages["quantity"].text()), timeout=SLOW_MS)
    assert not form.add.isEnabled()
    assert "what is watched?" in row.messages["quantity"].text()
    for quantity, maximum, minimum, key, says in (
        ("oven.temperature_C", "90", "", "quantity", "there is no 'oven' here"),
        ("furnace.temperature_C", "", "", "maximum", "has no limit"),
        ("furnace.temperature_C", "90 V", "", "maximum", "unit must be °C"),
        ("furnace.temperature_C", "90 °C", "95", "quantity", "no value is within its limits"),
    ):
        row.quantity.setEditText(quantity)
        write(window, "maximum", maximum)
        write(window, "minimum", minimum)
        form.check()
        assert says in row.messages[key].text()
        assert not form.add.isEnabled()
    write(window, "minimum", "")
    write(window, "delay_s", "1 min")
    write(window, "hysteresis", "2")
    write(window, "name", "too hot")
    form.findChild(QComboBox, "interlock_0_action").setCurrentText("make safe")
    qtbot.waitUntil(form.add.isEnabled, timeout=SLOW_MS)
    window.filling.write_plan(form.checked.table if form.checked else {}, tmp_path / "plan.toml")
    (checked,) = check_plan(load_plan(tmp_path / "plan.toml"))
    kept = checked.interlocks[-1]
    assert (kept.name, kept.action, kept.maximum, kept.delay_s, kept.hysteresis) == ("too hot", "make_safe", 90, 60, 2)
    form.interlocks.rows[0].remove.click()
    form.check()
    assert form.checked is not None
    assert "interlock" not in form.checked.table
    window.filling.take_plan(tmp_path / "plan.toml")
    assert form.interlocks.drafts()[0].texts["maximum"] == "90 °C"
    assert form.interlocks.drafts()[0].texts["action"] == "make_safe"
    form.add.click()
    assert bench.asked[-1][1]["plan"]["interlock"][0]["name"] == "too hot"


def test_presets_lie_beside_the_runs_and_half_a_one_is_a_sentence(
    qtbot: QtBot, open_window: Open, tmp_path: Path
) -> None:
    presets = tmp_path / "runs" / "presets"
    presets.mkdir(parents=True)
    (presets / "warm.toml").write_text(HOLD, encoding="utf-8")
    (presets / "half.toml").write_text('[sample]\nname = "x"\n', encoding="utf-8")
    (presets / "other.toml").write_text(HOLD.replace("temperature-hold", "sorcery"), encoding="utf-8")
    (presets / "typo.toml").write_text(HOLD.replace("duration_h", "duraton_h"), encoding="utf-8")
    (presets / "elsewhere.toml").write_text('bench = "their.toml"\n' + HOLD, encoding="utf-8")
    window = open_window(tmp_path / "runs")
    window.filling._fill_menu()
    entries = {one.text(): one for one in window.new_run.load_menu.actions()}
    entries["warm"].trigger()
    assert window.new_run.texts()["temperature_C"] == "60 °C"
    assert not window.banner.isVisible()
    for name, says in (
        ("half", "run: is missing"),
        ("other", "sorcery"),
        ("typo", "duraton_h"),
        ("elsewhere", "their"),
    ):
        entries[name].trigger()
        assert says in window.banner.message.text()
        assert window.new_run.texts()["temperature_C"] == "60 °C"


def test_files_that_a_plan_names_are_found_from_wherever_it_lies(open_window: Open, tmp_path: Path) -> None:
    rows = "\n".join(f"{10**n:g},0.3,0" for n in range(-2, 8))
    (tmp_path / "short.csv").write_text(f"frequency_Hz,z_real_ohm,z_imag_ohm\n{rows}\n", encoding="utf-8")
    plan = tmp_path / "plan.toml"
    sweep = HOLD.partition("procedure")[0] + 'procedure = "eis-sweep"\ntemperatures_C = [60]\n'
    plan.write_text(sweep + 'compensation = { short = "short.csv" }\n', encoding="utf-8")
    window = open_window(tmp_path / "runs")
    window.filling.take_plan(plan)
    checked = window.new_run.checked
    assert checked is not None
    assert checked.good, checked.problems
    assert checked.table["run"][0]["compensation"] == {"short": str(tmp_path / "short.csv")}
    window.filling.write_plan(checked.table, tmp_path / "elsewhere" / "plan.toml")
    assert check_plan(load_plan(tmp_path / "elsewhere" / "plan.toml"))


def test_the_form_says_when_it_would_end_and_what_the_disk_has(qtbot: QtBot, open_window: Open, tmp_path: Path) -> None:
    bench = FakeBench()
    window = open_window(tmp_path / "runs", bench)
    fill(qtbot, window.new_run)
    bench.status.emit(BenchStatus("idle", "glovebox 2", disk_free_bytes=45_300_000_000))
    assert "of 45.3 GB free" in window.new_run.summary.text()
    assert "begun now it ends" in window.new_run.summary.text()
    bench.status.emit(BenchStatus("idle", "glovebox 2", disk_free_bytes=10_000))
    assert "make room first" in window.new_run.summary.text()


def test_a_plan_is_checked_against_the_bench_that_the_window_is_on(
    qtbot: QtBot, open_window: Open, tmp_path: Path
) -> None:
    file = tmp_path / "bench.toml"
    file.write_text(
        '[bench]\nname = "cool"\n'
        '[instruments.oven]\ndriver = "simulated-furnace"\nlimits = { max_temperature_C = 50 }\n',
        encoding="utf-8",
    )
    bench = FakeBench()
    bench.bench = load_bench(file)
    form = open_window(tmp_path / "runs", bench).new_run
    form.procedure.setCurrentIndex(form.procedure.findData("temperature-hold"))
    form.set_texts({"name": "x", "temperature_C": "60"})
    assert "50" in form.messages["temperature_C"].text() + form.summary.text()
    assert not form.add.isEnabled()
    form.interlocks.add.click()
    assert form.interlocks.rows[0].quantity.findText("oven.temperature_C") >= 0


def test_a_rehearsal_shows_what_would_trip_without_holding_up_the_window(
    qtbot: QtBot, open_window: Open, tmp_path: Path
) -> None:
    window = open_window(tmp_path / "runs", FakeBench())
    form, page = window.new_run, window.rehearsing.page
    fill(qtbot, form)
    form.interlocks.add.click()
    form.interlocks.rows[0].quantity.setEditText("furnace.temperature_C")
    write(window, "maximum", "35")
    qtbot.waitUntil(form.rehearse.isEnabled, timeout=SLOW_MS)
    qtbot.mouseClick(form.rehearse, Qt.MouseButton.LeftButton)
    assert window.rehearsing.rehearsal.is_going, "the click came back at once"
    assert window.tabs.currentWidget() is page
    qtbot.waitUntil(lambda: not window.rehearsing.rehearsal.is_going, timeout=4 * SLOW_MS)  # a process of its own
    told = page.text.toPlainText()
    assert "temperature-hold: finished" in told
    assert "1 interlock would trip" in told
    assert "furnace.temperature_C = 35" in told
    (row,) = [one for one in window.runs.model.rows if one.state == "rehearsal"]
    assert row.path is not None
    folder = row.path
    qtbot.waitUntil(lambda: folder in window.library.views, timeout=SLOW_MS)
    temperature = pane_of(window, "temperature")
    window.tabs.setCurrentWidget(temperature)
    qtbot.waitUntil(lambda: bool(temperature.exported()), timeout=SLOW_MS)
    assert temperature.exported()[0].columns[1][1].max() > 55
    assert not list((tmp_path / "runs").glob("*_temperature-hold_*")), "nothing of it is among the runs"
    window.close()
    assert not folder.exists()


def test_a_rehearsal_can_be_cancelled(qtbot: QtBot, open_window: Open, tmp_path: Path) -> None:
    window = open_window(tmp_path / "runs", FakeBench())
    fill(qtbot, window.new_run)
    window.new_run.rehearse.click()
    qtbot.mouseClick(window.rehearsing.page.cancel, Qt.MouseButton.LeftButton)
    assert not window.rehearsing.rehearsal.is_going
    assert "cancelled" in window.rehearsing.page.text.toPlainText()
    assert all(one.state != "rehearsal" for one in window.runs.model.rows)
