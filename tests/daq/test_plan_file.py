"""What people write: plans and bench files. A wrong one is refused with its place and what is allowed."""

from __future__ import annotations

from pathlib import Path

import pytest

from daq.bench import load_bench
from daq.errors import BadInput
from daq.plan import check_plan, load_plan

PLAN = """
[sample]
name = "pellet"
pellet = { thickness_mm = 0.9, diameter_mm = 10 }

[[run]]
procedure = "eis-sweep"
temperatures_C = [25, 60]
"""


def written(tmp_path: Path, text: str, name: str = "plan.toml") -> Path:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def refusal(tmp_path: Path, text: str) -> str:
    with pytest.raises(BadInput) as caught:
        check_plan(load_plan(written(tmp_path, text)))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_good_plan_says_its_steps_and_how_long_they_take(tmp_path: Path) -> None:
    (checked,) = check_plan(load_plan(written(tmp_path, PLAN)))
    steps = checked.procedure.steps()
    assert [step.title for step in steps] == ["25 °C (heating)", "60 °C (heating)"]
    assert set(checked.seconds) == {step.key for step in steps}
    assert 600 < sum(checked.seconds.values()) < 6 * 3600


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("eis-sweep", "eis-swep", ["run 1.procedure", "did you mean 'eis-sweep'?"]),
        ("temperatures_C = [25, 60]", "temperature_C = [25, 60]", ["temperature_C", "did you mean 'temperatures_C'"]),
        ("temperatures_C = [25, 60]", "", ["temperatures_C", "missing"]),
        ("[25, 60]", "[25, 400]", ["400 °C", "temperatures_C", "150 °C"]),
        ("[25, 60]", "[]", ["temperatures_C", "list of temperatures"]),
        ("[25, 60]", "[25, nan]", ["temperatures_C", "not a number"]),
        ("[25, 60]", '"25 K, 60 K"', ["temperatures_C", "'K'"]),
        ("[25, 60]", "{ start = 25, stop = 60, step = 0 }", ["step must be positive"]),
        ("thickness_mm = 0.9, ", "", ["thickness", "pellet"]),
        ("diameter_mm = 10", "mass_mg = 10", ["area", "electrode"]),
        ("thickness_mm = 0.9", "thickness_mm = -1", ["thickness_mm", "greater than or equal to 0.0001"]),
        ("thickness_mm", "thicknes_mm", ["unknown key", "did you mean 'thickness_mm'"]),
        ('name = "pellet"', 'name = "pellet"\nmax_temperature_C = 50', ["60 °C", "sample pellet", "50 °C"]),
        ("[25, 60]", "[25, 60]\nfrequency_max_Hz = 5e7", ["frequency_max_Hz", "Hz on potentiostat"]),
        ("[25, 60]", "[25, 60]\nfrequency_min_Hz = 2e6", ["frequency_min_Hz", "below"]),
        ("[25, 60]", "[25, 60]\namplitude_V = 0.9", ["amplitude_V", "up to"]),
        ("[25, 60]", "[25, 60]\nsettle = { slope_K_per_min = 0.00011 }", ["slope", "noise"]),
        ("[25, 60]", "[25, 60]\nsettle = { patience = 3 }", ["patience"]),
        ('name = "pellet"', 'name = "pellet"\nchannel = 99', ["channel 99"]),
        ("[[run]]", "[[run", ["not valid TOML"]),
        ("[sample]", 'bench = "nowhere.toml"\n[sample]', ["nowhere.toml", "no such file"]),
    ],
)
def test_a_bad_plan_is_refused_in_one_line(tmp_path: Path, old: str, new: str, told: list[str]) -> None:
    assert old in PLAN
    text = refusal(tmp_path, PLAN.replace(old, new))
    for part in told:
        assert part in text


def test_several_samples_need_their_own_channels(tmp_path: Path) -> None:
    two = PLAN.replace("[sample]", '[[sample]]\nid = "a"') + '[[sample]]\nid = "b"\nname = "other"\n'
    assert "channel" in refusal(tmp_path, two)


def test_a_range_includes_its_end_and_may_fall(tmp_path: Path) -> None:
    falling = PLAN.replace("[25, 60]", "{ start = 60, stop = 28, step = 10 }")
    (checked,) = check_plan(load_plan(written(tmp_path, falling)))
    assert [step.details["temperature_C"] for step in checked.procedure.steps()] == [60, 50, 40, 30, 28]
    assert {step.details["direction"] for step in checked.procedure.steps()} == {"cooling"}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[bench]\nname = "x"\n', ["instruments", "missing"]),
        ('[bench]\nname = "x"\n[instruments.f]\ndriver = "simulated-furnance"\n', ["did you mean 'simulated-furnace'"]),
        ('[bench]\nname = "x"\ncolour = 1\n[instruments.f]\ndriver = "simulated-furnace"\n', ["unknown key", "colour"]),
        ('[bench]\nname = "x"\n[instruments.f]\ndriver = "simulated-furnace"\n', ["potentiostat"]),
    ],
)
def test_a_bad_bench_file_is_refused(tmp_path: Path, text: str, told: list[str]) -> None:
    written(tmp_path, text, "bench.toml")
    refused = refusal(tmp_path, PLAN.replace("[sample]", 'bench = "bench.toml"\n[sample]'))
    for part in told:
        assert part in refused


def test_the_built_in_bench_needs_no_file() -> None:
    assert load_bench(None).source is None


def test_a_thickness_less_certain_than_itself_is_refused(tmp_path: Path) -> None:
    doubtful = PLAN.replace("thickness_mm = 0.9", "thickness_mm = 0.9, thickness_uncertainty_mm = 5")
    assert "more than half the thickness" in refusal(tmp_path, doubtful)


def test_one_run_needs_double_brackets(tmp_path: Path) -> None:
    assert "[[name]]" in refusal(tmp_path, PLAN.replace("[[run]]", "[run]"))


def test_plan_and_bench_file_mixed_up_are_told_apart(tmp_path: Path) -> None:
    plan = written(tmp_path, PLAN)
    bench = written(
        tmp_path, '[bench]\nname = "b"\n[instruments.furnace]\ndriver = "simulated-furnace"\n', "bench.toml"
    )
    with pytest.raises(BadInput, match="this is a plan, not a bench file"):
        load_bench(plan)
    with pytest.raises(BadInput, match="this is a bench file, not a plan"):
        load_plan(bench)
    with pytest.raises(BadInput, match="this is a plan, not a bench file"):
        load_plan(plan, bench=plan)
