"""What figures show: signs, aspects, frames, thinning, ticks and numbers, also for nonsense."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from matplotlib.collections import PathCollection
from sweep_records import FREQUENCY_HZ, Taken, blocking_cell, write_record

from daq.contracts import Result
from daq.runfile.reader import EventRecord, RunFile
from procedures.report.arrhenius import celsius_ticks, draw_arrhenius
from procedures.report.bode import draw_bode
from procedures.report.facts import facts_of
from procedures.report.general import chosen_events
from procedures.report.marks import mark_interlocks
from procedures.report.nyquist import draw_nyquist, frames_of, size_ohm
from procedures.report.style import Margins, Temperatures, new_figure
from procedures.report.sweep_facts import SweepFacts, sweep_facts_of
from procedures.report.temperature import draw_temperature, in_pieces, thinned
from procedures.result_words import interval_of, number, with_prefix

SETPOINTS_C = (25.0, 40.0, 60.0, 80.0, 100.0, 120.0)


@pytest.fixture(scope="module")
def sweep(tmp_path_factory: pytest.TempPathFactory) -> SweepFacts:
    path = write_record(tmp_path_factory.mktemp("runs"), [Taken(one, blocking_cell(one)) for one in SETPOINTS_C])
    with RunFile.open(path) as run:
        found = sweep_facts_of(run, facts_of(run))
    assert found is not None
    return found


def colors_of(sweep: SweepFacts) -> Temperatures:
    return Temperatures([one.temperature_C for one in sweep.shown])


def test_nyquist_has_minus_im_upwards_equal_axes_and_every_point(sweep: SweepFacts) -> None:
    figure = draw_nyquist(sweep.shown, colors_of(sweep))
    drawn = 0
    for axes, frame in zip(figure.axes, frames_of(sweep.shown), strict=True):
        assert axes.get_aspect() == 1.0
        scale = 1e3 if "kΩ" in axes.get_xlabel() else 1.0
        circles, squares = (one for one in axes.collections if isinstance(one, PathCollection))
        points = np.asarray(circles.get_offsets()) * scale
        drawn += len(points)
        measured = np.concatenate([one.z_ohm for one in sorted(frame, key=lambda s: s.temperature_C)])
        assert points == pytest.approx(np.stack([np.real(measured), -np.imag(measured)], axis=1))
        assert np.median(points[:, 1]) > 0
        assert len(np.asarray(squares.get_offsets())) == 7 * len(frame)
        bottom, top = axes.get_ylim()
        largest = max(size_ohm(one) for one in frame) / scale
        assert axes.get_xlim()[1] > largest
        assert bottom < 0 < 0.5 * largest < top
    assert drawn == len(SETPOINTS_C) * len(FREQUENCY_HZ)


def test_every_spectrum_is_in_one_frame_and_large_enough_to_be_seen(sweep: SweepFacts) -> None:
    frames = frames_of(sweep.shown)
    assert len(frames) in (1, 2, 4)
    assert sorted(id(one) for frame in frames for one in frame) == sorted(id(one) for one in sweep.shown)
    for frame in frames:
        assert size_ohm(frame[0]) / size_ohm(frame[-1]) <= 6.0


def test_bode_shows_modulus_and_minus_phase(sweep: SweepFacts) -> None:
    modulus, phase = draw_bode(sweep.shown[:1], colors_of(sweep)).axes
    points = next(one for one in modulus.collections if isinstance(one, PathCollection)).get_offsets()
    angles = next(one for one in phase.collections if isinstance(one, PathCollection)).get_offsets()
    z = sweep.shown[0].z_ohm
    assert np.asarray(points) == pytest.approx(np.stack([FREQUENCY_HZ, np.abs(z)], axis=1))
    assert np.asarray(angles)[:, 1] == pytest.approx(-np.degrees(np.angle(z)))
    assert modulus.get_yscale() == modulus.get_xscale() == "log"


def test_arrhenius_points_lie_where_the_arithmetic_puts_them(sweep: SweepFacts) -> None:
    axes = draw_arrhenius(sweep).axes[0]
    (points,) = [line for line in axes.lines if line.get_marker() == "o" and len(np.asarray(line.get_xdata())) == 6]
    x, sigma = np.asarray(points.get_xdata()), np.asarray(points.get_ydata())
    assert x == pytest.approx([1000 / (one + 0.05 + 273.15) for one in SETPOINTS_C])
    ohm = np.array([one.point.resistance_ohm for one in sweep.shown])
    assert sigma == pytest.approx(0.09 / (ohm * math.pi * 0.25))
    labels = [text.get_text() for text in axes.get_legend().get_texts()]  # pyright: ignore[reportOptionalMemberAccess]
    assert [one for one in labels if one.startswith("Eₐ = 0.56")]


def test_a_break_is_not_bridged_by_a_line(tmp_path: Path) -> None:
    taken = [Taken(40, blocking_cell(40)), Taken(60, blocking_cell(60), attempt=2)]
    with RunFile.open(write_record(tmp_path, taken)) as run:
        figure = draw_temperature(facts_of(run))
    controller = next(line for line in figure.axes[0].lines if line.get_label() == "controller")
    t_min, celsius = np.asarray(controller.get_xdata()), np.asarray(controller.get_ydata())
    (gap,) = np.flatnonzero(np.isnan(celsius))
    assert t_min[gap + 1] - t_min[gap - 1] > 30
    assert (celsius[gap - 1], celsius[gap + 1]) == (40, 60)


values = st.lists(st.floats(-1e6, 1e6) | st.just(math.nan), max_size=400)


@given(values, st.integers(8, 200))
@example([], 8)
def test_thinning_keeps_extremes_ends_and_order(y: list[float], most: int) -> None:
    array = np.array(y, dtype=float)
    x = np.arange(len(array), dtype=float)
    thin_x, thin_y = thinned(x, array, most)
    assert len(thin_x) <= max(most + 4, 4)
    assert np.all(np.diff(thin_x) > 0)
    assert np.array_equal(array[thin_x.astype(int)], thin_y, equal_nan=True)
    if len(array):
        assert (thin_x[0], thin_x[-1]) == (x[0], x[-1])
    if np.isfinite(array).any():
        assert (np.nanmin(thin_y), np.nanmax(thin_y)) == (np.nanmin(array), np.nanmax(array))


@given(st.integers(0, 50), st.lists(st.floats(-10, 60), max_size=5))
def test_pieces_hold_all_points_wherever_the_cuts_are(count: int, cuts: list[float]) -> None:
    x = np.arange(float(count))
    t, y = in_pieces(x, x, cuts)
    assert list(t[np.isfinite(t)]) == list(x)
    assert np.array_equal(np.isnan(t), np.isnan(y))


@given(st.floats(-200, 1700), st.floats(0.01, 1500))
def test_celsius_ticks_are_few_round_and_inside(low_C: float, span_K: float) -> None:
    ticks = celsius_ticks(low_C, low_C + span_K)
    assert len(ticks) <= 12
    assert all(low_C <= one <= low_C + span_K + 1e-6 and one == round(one) for one in ticks)
    if span_K > 2:
        assert len(ticks) >= 2


@given(st.lists(st.sampled_from(["info", "warning", "error", "debug"]), max_size=60), st.integers(1, 30))
def test_the_log_keeps_its_order_and_what_weighs_most(levels: list[str], most: int) -> None:
    events = [EventRecord(k, float(k), level, "x", "y") for k, level in enumerate(levels)]
    chosen, left_out = chosen_events(events, most)
    assert len(chosen) + left_out == len(events)
    assert len(chosen) <= most
    assert [one.id for one in chosen] == sorted(one.id for one in chosen)
    kept, lost = {one.id for one in chosen}, [one for one in events if one.id not in {c.id for c in chosen}]
    if any(one.level == "error" for one in lost):
        assert all(events[k].level == "error" for k in kept)


def test_an_interlock_stands_where_it_tripped_in_the_axis_of_the_figure() -> None:
    """On a cycler's own clock, which began 100 s later; one that did not clear has no band."""
    _, grid = new_figure(3.0, Margins())
    paused = {"name": "shock", "action": "pause", "tripped_t_s": 220.0, "cleared_t_s": 340.0}
    ended = {"name": "hot", "action": "stop", "tripped_t_s": 460.0, "cleared_t_s": None}
    axes = grid[0, 0]
    mark_interlocks([axes], [paused, paused | {"tripped_t_s": 400.0}, ended], 60.0, lambda t_s: t_s - 100)
    assert [line.get_xdata()[0] for line in axes.lines] == [2.0, 5.0, 6.0]
    assert [text.get_text() for text in axes.texts] == ["shock", "hot"]
    assert len(axes.patches) == 2


@pytest.mark.parametrize(
    ("value", "uncertainty", "text"),
    [
        (0.55979, 0.00018, "0.55979 ± 0.00018"),
        (4.4905e-6, 3.0e-9, "(4.4905 ± 0.0030) × 10⁻⁶"),
        (-0.5, 0.01, "−0.500 ± 0.010"),
        (1.5e7, 1e5, "(1.500 ± 0.010) × 10⁷"),
        (None, None, "–"),
        (math.nan, 1.0, "–"),
    ],
)
def test_numbers_are_written_as_on_paper(value: float | None, uncertainty: float | None, text: str) -> None:
    assert number(value, uncertainty) == text


@pytest.mark.parametrize(
    ("value", "uncertainty", "text"),
    [(25_489.7, 26.4, "25.490 ± 0.026 kΩ"), (131.9, 0.34, "131.90 ± 0.34 Ω"), (0.004, 0.001, "4.0 ± 1.0 mΩ")],
)
def test_value_and_uncertainty_share_a_prefix(value: float, uncertainty: float, text: str) -> None:
    assert with_prefix(value, uncertainty, "Ω") == text


@pytest.mark.parametrize(
    ("value", "interval", "text"),
    [
        (24_963.0, (24_853.0, 25_073.0), "24.85 … 25.07 kΩ"),
        (318.98, (318.1, 319.8), "318.1 … 319.8 Ω"),
        (None, (2.0e6, 3.0e6), "2.0 … 3.0 MΩ"),
    ],
)
def test_the_interval_of_a_resistance_has_the_prefix_of_its_value(
    value: float | None, interval: tuple[float, float], text: str
) -> None:
    assert interval_of(Result("total_resistance", value, "ohm", 1.0, interval)) == text


@given(st.floats(-1e9, 1e9), st.floats(1e-6, 1e9))
def test_an_interval_has_digits_for_its_width(middle: float, width: float) -> None:
    low, high = middle - width, middle + width
    text = interval_of(Result("x", middle, "V", width, (low, high)))
    power = (
        10.0 ** int(text.split("10")[-1].translate(str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")))
        if "× 10" in text
        else 1.0
    )
    ends = text.partition(" × 10")[0].strip("()").replace("−", "-").split(" … ")
    if low < high:
        allowed = 0.06 * 2 * width + 1e-14 * max(abs(low), abs(high))  # a float has no more digits than that
        assert float(ends[0]) * power == pytest.approx(low, abs=allowed)
        assert float(ends[1]) * power == pytest.approx(high, abs=allowed)
