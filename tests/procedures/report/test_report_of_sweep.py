"""The report of a sweep through its public door: is what the run holds on the page, and is it right?"""

from __future__ import annotations

import shutil
import struct
from pathlib import Path

import numpy as np
import pytest
from report_page import Page, read_page
from sweep_records import FREQUENCY_HZ, PELLET, Taken, blocking_cell, write_record

import procedures.report.sweep_facts as sweep_facts
from daq.contracts import Outcome, Result
from daq.runfile.reader import RunFile
from daq.runfile.writer import RunWriter
from procedures.report import write_report


def sweep_of(*setpoints_C: float) -> list[Taken]:
    return [Taken(one, blocking_cell(one)) for one in setpoints_C]


def leading(text: str) -> float:
    """`25.49 ± 0.03 kΩ`, `(4.5 ± 0.1) × 10⁻⁶` as a number in ohm or S/cm."""
    scale = {"kΩ": 1e3, "MΩ": 1e6, "mΩ": 1e-3}.get(text.split()[-1], 1.0)
    if "× 10" in text:
        power = text.split("× 10")[1].split()[0]
        scale *= 10.0 ** int(power.translate(str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")))
    return float(text.lstrip("(").split()[0]) * scale


@pytest.fixture(scope="module")
def report(simulated_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Page:
    return read_page(write_report(simulated_run, tmp_path_factory.mktemp("report")))


def test_it_needs_nothing_but_itself(report: Page) -> None:
    for tag, attributes in report.tags:
        assert tag not in {"script", "link", "iframe", "object"}
        for name in ("src", "href"):
            assert str(attributes.get(name, "data:")).startswith("data:")
    assert "@import" not in report.html
    assert "url(" not in report.html
    assert "@page" in report.html
    assert len(report.html) < 3_000_000


def test_every_figure_is_there_and_says_what_it_shows(report: Page) -> None:
    alternatives = list(report.images())
    assert report.headings[:5] == ["Arrhenius", "Nyquist", "Bode", "Residuals", "Temperature"]
    for words in ("Arrhenius plot", "Nyquist plots of 5 spectra", "Bode plot", "Residuals of 5", "Temperature over"):
        assert any(words in one for one in alternatives), words
    for drawing in report.images().values():
        assert len(list(drawing.iter())) > 50


def test_the_numbers_on_the_page_are_those_of_the_run(simulated_run: Path, report: Page) -> None:
    with RunFile.open(simulated_run) as run:
        results = run.results()
        spectra = run.table("spectra")
    ohm = [one.value for one in results if one.name == "total_resistance"]
    sigma = [one.value for one in results if one.name == "conductivity"]
    head = next(row for row in report.cells if "R total" in row)
    rows = report.cells[report.cells.index(head) + 1 :][: len(ohm)]
    assert [row[0] for row in rows] == ["30 ↑", "60 ↑", "90 ↑", "60 ↓", "30 ↓"]
    assert [leading(row[head.index("R total")]) for row in rows] == pytest.approx(ohm, rel=1e-3)
    assert [leading(row[head.index("σ / S cm⁻¹")]) for row in rows] == pytest.approx(sigma, rel=1e-3)
    assert [row[head.index("settled")] for row in rows] == ["yes"] * 5
    measured_C = [float(row[1].split()[0]) for row in rows]
    assert measured_C == pytest.approx(list(spectra["sample_temperature_C"]), abs=0.006)
    energy = report.row("activation energy Eₐ", "")
    assert float(energy[2].split()[0]) == pytest.approx(0.56, abs=0.005)
    assert "differ" not in report.text


def test_sample_settings_bench_versions_steps_and_log_are_told(simulated_run: Path, report: Page) -> None:
    assert report.row("pellet.thickness_mm")[1] == "0.9"
    assert report.row("frequency_max_Hz")[1] == "1000000"
    assert report.row("temperatures_C")[1] == "30, 60, 90"
    assert "simulated furnace" in report.row("furnace", "simulated-furnace")[2]
    assert report.row("numpy")[1] == np.__version__
    with RunFile.open(simulated_run) as run:
        for step in run.steps():
            assert report.row(step.title, "finished")[2] == "1"
        for event in run.events():
            assert " ".join(event.text.split()) in report.text
        for release in run.table("spectra")["release"]:
            assert str(release).replace("<=", "≤").replace(">=", "≥") in report.text


def test_png_figures_are_written_beside(simulated_run: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(simulated_run, tmp_path / "run")
    assert write_report(folder, png=True) == folder / "report.html"
    figures = sorted((folder / "figures").iterdir())
    assert [one.name for one in figures] == [
        "arrhenius.png",
        "bode.png",
        "nyquist.png",
        "residuals.png",
        "temperature.png",
    ]
    for one in figures:
        head = one.read_bytes()[:24]
        assert head.startswith(b"\x89PNG")
        assert struct.unpack(">I", head[16:20])[0] >= 1500


def test_the_spectra_are_analysed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_record(tmp_path, sweep_of(40, 60))
    calls = []
    original = sweep_facts.analyse_spectra

    def counted(*args: object, **words: object) -> object:
        calls.append(args)
        return original(*args, **words)  # pyright: ignore[reportArgumentType]

    monkeypatch.setattr(sweep_facts, "analyse_spectra", counted)
    write_report(path, png=True)
    assert len(calls) == 1


def test_a_step_that_was_broken_off_is_told_and_marked(tmp_path: Path) -> None:
    taken = sweep_of(40, 60, 80)
    taken[1].attempt = 2
    page = read_page(write_report(write_record(tmp_path, taken)))
    assert "60 °C (heating) was broken off and taken up again 30 min later (attempt 2)" in page.text
    assert page.row("60 °C (heating)", "broken")[2] == "1"
    assert page.row("60 °C (heating)", "finished")[2] == "2"
    assert "attempt 2" in page.row("60 ↑attempt 2")[0]
    assert "Ringed: taken after the step had been broken off" in page.text


@pytest.mark.parametrize(
    ("outcome", "words"), [(None, "broken off without a word"), ("stopped", "stopped: somebody said so")]
)
def test_a_run_that_did_not_reach_its_end_says_so(tmp_path: Path, outcome: Outcome | None, words: str) -> None:
    def one_more_step_begins(writer: RunWriter) -> None:
        writer.begin_step("80 heating", 3000.0)

    path = write_record(
        tmp_path, sweep_of(40, 60), outcome=outcome, more_steps=["80 heating"], say=one_more_step_begins
    )
    page = read_page(write_report(path))
    assert words in page.text
    assert "1 of 3 steps not done" in page.text
    assert page.row("activation energy Eₐ")[2].startswith("0.5")


def test_a_run_that_is_going_on_can_be_looked_at(tmp_path: Path) -> None:
    seen = []

    def look(writer: RunWriter) -> None:
        writer.flush()
        seen.append(read_page(write_report(writer.path)))

    write_record(tmp_path, sweep_of(40, 60), more_steps=["80 heating"], say=look)
    assert "the run is still going on; 1 of 3 steps not done" in seen[0].text
    assert "Nyquist plots of 2 spectra" in " ".join(seen[0].images())


def test_without_a_finished_spectrum_there_are_temperature_and_log(tmp_path: Path) -> None:
    def warm(writer: RunWriter) -> None:
        level = {"temperature_C": 30.0, "setpoint_C": 30.0, "working_setpoint_C": 30.0, "output_percent": 5.0}
        writer.record("temperature", "30 heating", 1, 5.0, level | {"sample_temperature_C": None})

    page = read_page(write_report(write_record(tmp_path, outcome="failed", say=warm)))
    assert page.headings[0] == "Temperature"
    assert "no spectrum was finished" in page.text
    assert "Spectra" not in page.headings


def test_numbers_that_are_refused_carry_their_reason(tmp_path: Path) -> None:
    """A sign turned round in the instrument: nothing can be told, and the page says why."""
    taken = [Taken(one, np.conj(blocking_cell(one))) for one in (40.0, 60.0, 80.0)]
    page = read_page(write_report(write_record(tmp_path, taken)))
    assert "Arrhenius" not in page.headings
    assert "Residuals" not in page.headings
    assert {"Nyquist", "Bode", "Spectra"} <= set(page.headings)
    assert page.row("40 ↑")[2] == "–a"
    assert "sign" in page.text


def test_one_spectrum_alone_is_a_report_without_a_line(tmp_path: Path) -> None:
    page = read_page(write_report(write_record(tmp_path, sweep_of(60))))
    assert "Arrhenius" not in page.headings
    assert leading(page.row("60 ↑")[2]) == pytest.approx(2530, rel=0.05)
    assert "at least two" in page.text


def test_without_a_name_or_geometry_there_are_resistances(tmp_path: Path) -> None:
    page = read_page(write_report(write_record(tmp_path, sweep_of(40, 60, 80), sample={"name": ""})))
    assert "sample without a name" in page.text
    assert "σ / S cm⁻¹" not in next(row for row in page.cells if "R total" in row)
    assert float(page.row("activation energy Eₐ")[2].split()[0]) == pytest.approx(0.56, abs=0.02)
    assert "no conductivities" in page.text


def test_several_samples_each_have_their_figures_and_share_the_arrhenius_plot(tmp_path: Path) -> None:
    names = ["first", "second"]
    taken = [Taken(t, blocking_cell(t, seed=k), sample=name) for t in (40, 60, 80) for k, name in enumerate(names)]
    samples = {"name": "two", "samples": [PELLET | {"name": name, "channel": k} for k, name in enumerate(names, 1)]}
    page = read_page(write_report(write_record(tmp_path, taken, sample=samples), png=True))
    for kind in ("Nyquist", "Bode", "Residuals"):
        assert [one for one in page.headings if one.startswith(kind)] == [f"{kind} of {name}" for name in names]
    assert page.headings.count("Arrhenius") == 1
    assert page.row("activation energy Eₐ", "first")
    assert page.row("activation energy Eₐ", "second")
    assert len(list(tmp_path.rglob("nyquist_*.png"))) == 2


def test_names_that_a_figure_cannot_draw_are_explained_below_it(tmp_path: Path) -> None:
    """Chinese letters the figures' font lacks, TeX that is none, an underscore that would hide a legend's entry."""
    names = ["样品甲", "5 $ a gram, $^{2 of it", "_x"]
    taken = [Taken(t, blocking_cell(t), sample=name) for t in (40, 80) for name in names]
    samples = {"name": "all", "samples": [PELLET | {"name": name, "channel": k} for k, name in enumerate(names, 1)]}
    page = read_page(write_report(write_record(tmp_path, taken, sample=samples)))
    assert "In the legend sample 1 is 样品甲, sample 3 is _x." in page.text
    assert all(page.row("activation energy Eₐ", name) for name in names)


def test_what_people_and_instruments_wrote_stays_text(tmp_path: Path) -> None:
    evil = '<script>alert("1")</script> & "quotes"'

    def shout(writer: RunWriter) -> None:
        writer.event(10.0, "warning", "furnace", evil)

    path = write_record(tmp_path, sweep_of(40, 60), sample=PELLET | {"name": evil, "notes": evil}, say=shout)
    page = read_page(write_report(path))
    assert page.text.count(" ".join(evil.split())) >= 4
    assert not [tag for tag, _ in page.tags if tag == "script"]


def test_not_settled_and_overloaded_are_seen(tmp_path: Path) -> None:
    taken = sweep_of(40, 60, 80, 100)
    taken[2].settled = False
    taken[1].overload = (FREQUENCY_HZ < 3).astype(int)
    page = read_page(write_report(write_record(tmp_path, taken)))
    assert page.row("80 ↑")[-1] == "no"
    assert "not settled after 2 h; measured as the rule says" in page.text
    assert "Open points: not settled" in page.text
    assert "Crosses: overloaded points" in page.text


def test_numbers_that_are_not_those_kept_with_the_run_are_announced(tmp_path: Path) -> None:
    kept = [Result("total_resistance", 1.0, "ohm", at={"temperature_C": 40.0})]
    page = read_page(write_report(write_record(tmp_path, sweep_of(40, 60), results=kept)))
    assert "those that cellrig 0.0.7 kept with the run differ" in page.text


def test_sixty_spectra_stay_readable_and_small(tmp_path: Path) -> None:
    taken = sweep_of(*np.linspace(25, 120, 60).round(1))
    path = write_report(write_record(tmp_path, taken, every=3))
    assert path.stat().st_size < 5_000_000
    page = read_page(path)
    head = next(row for row in page.cells if "R total" in row)
    assert all(row[head.index("settled")] == "yes" for row in page.cells[page.cells.index(head) + 1 :][:60])


def test_data_that_are_no_spectrum_at_all_break_nothing(tmp_path: Path) -> None:
    nothing = np.full(len(FREQUENCY_HZ), np.nan + 0j)
    zeros = np.zeros(len(FREQUENCY_HZ), dtype=complex)
    taken = [Taken(30, nothing), Taken(40, zeros), Taken(50, blocking_cell(50)), Taken(60, 1e-12 * blocking_cell(60))]
    page = read_page(write_report(write_record(tmp_path, taken), png=True))
    assert all(page.row(f"{t} ↑")[2].startswith("–") for t in (30, 40))
    assert leading(page.row("50 ↑")[2]) > 1000
