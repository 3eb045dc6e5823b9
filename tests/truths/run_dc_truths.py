"""Random truths of the direct-current measurements, run end to end, and looked for in the results.

    python tests/truths/run_dc_truths.py --count 30 --healthy 200 --seed 1

Critical currents, onsets of oxidation, fades, soft and hard shorts, with one to five times the noise of the
potentiostat or, every other time where one can do it, of the battery cycler: a truth is
found when the stated interval holds it (and a short is called what it is). Healthy cells must show no short at all.
Prints a line for each truth that was missed and the counts; exit status 1 when a promise did not hold.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from daq.contracts import Result
from daq.plan import load_plan
from daq.runfile.reader import RunFile
from daq.runner import Watcher, run_plan

FOUND = 0.90
VOLTAGE_NOISE_V, CURRENT_NOISE, RESIDUAL_NOISE_A = 2e-5, 1e-5, 20e-9  # of the simulated bench, once
ONSET_A = 5e-6 * 0.6362  # the threshold on the area of the simulated cell
SOFT_FROM = 0.3  # of the way to the hard short, in the simulated cell
HALF_min, HALF_h, LEAST_EXCESS, MOST_EXCESS = 30.0, 0.25, 0.1, 0.4


@dataclass(frozen=True)
class DcTruth:
    """One bench and plan. `value` is what `name` must come to; None: that it must be refused, nothing being there."""

    kind: str
    number: int
    seed: int
    cell: str
    parameters: Mapping[str, float | str]
    run: str
    name: str
    value: float | None
    at: Mapping[str, str] = field(default_factory=dict)
    instrument: str = "potentiostat"


@dataclass(frozen=True)
class DcVerdict:
    truth: DcTruth
    outcome: str
    found: Result | None

    @property
    def holds(self) -> bool:
        result, truth = self.found, self.truth
        if self.outcome != "finished" or result is None:
            return False
        if truth.value is None:
            return result.value is None and "no short circuit" in (result.reason or "")
        inside = result.interval is not None and result.interval[0] <= truth.value <= result.interval[1]
        return inside and truth.at.items() <= result.at.items()

    def __str__(self) -> str:
        truth, one = self.truth, self.found
        said = self.outcome if one is None else f"{one.value} in {one.interval} {dict(one.at)} {one.reason or ''}"
        return f"{'ok ' if self.holds else 'BAD'} {truth.kind} {truth.number}: {truth.value} {dict(truth.at)}; {said}"


# ---------------------------------------------------------------- what is true
def critical_truth(number: int, draw: random.Random) -> DcTruth:
    """0.1 to 2 mA/cm2, on ladders of 6 to 14 currents up to it; half of the cells short softly."""
    critical = draw.uniform(0.1, 2.0)
    step = float(f"{critical / draw.uniform(6, 14):.3g}")
    currents = f"{{ start = {step}, stop = {1.6 * critical:.4g}, step = {step}, unit = 'mA/cm2' }}"
    run = f"procedure = 'critical-current'\ncurrents = {currents}\nhalf_min = {HALF_min}\ninterval_s = 10"
    cell = _symmetric(draw, "soft" if number % 2 else "hard") | {
        "critical_current_density_mA_cm2": critical,
        "time_to_short_s": draw.uniform(10, 60),
        "electrolyte_asr_ohm_cm2": draw.uniform(40, 400),
    }
    instrument = _instrument(number)
    run += f"\non = '{instrument}'"
    seed, name = draw.randrange(1, 10**6), "critical_current_density"
    return DcTruth("critical current", number, seed, "symmetric", cell, run, name, critical, instrument=instrument)


def onset_truth(number: int, draw: random.Random) -> DcTruth:
    """2.5 to 4.8 V at 5 µA/cm2, with 50 to 120 mV a decade. The potential is that of the terminals: the procedure takes
    no ohmic drop off, and says so."""
    onset = draw.uniform(2.5, 4.8)
    noise = draw.uniform(1, 5)
    resistance = draw.uniform(50, 1000)
    cell = {
        "ohmic_resistance_ohm": resistance,
        **_noise(noise),
        "residual_current_noise_A": noise * RESIDUAL_NOISE_A,
        "oxidation_onset_V": onset,
        "oxidation_tafel_mV_per_decade": draw.uniform(50, 120),
        "open_circuit_potential_V": draw.uniform(1.5, 2.2),
        "reference_temperature_C": 20,
    }
    run = "procedure = 'linear-sweep'\nend_V = 5.6"
    return DcTruth(
        "onset", number, draw.randrange(1, 10**6), "gold", cell, run, "oxidation_onset", onset + ONSET_A * resistance
    )


def fade_truth(number: int, draw: random.Random) -> DcTruth:
    """0.01 to 0.5 % lost in each of 30 cycles."""
    fade = 10 ** draw.uniform(-2, -0.30103)
    cell = {
        **_noise(draw.uniform(1, 5)),
        "capacity_loss_percent_per_cycle": fade,
        "coulombic_efficiency": draw.uniform(0.985, 0.9995),
        "reference_temperature_C": 20,
    }
    run = "procedure = 'galvanostatic-cycling'\ncharge_current = ['1 C']\ndischarge_current = ['1 C']\ncycles = 30"
    seed = draw.randrange(1, 10**6)
    return DcTruth("fade", number, seed, "lfp", cell, run, "capacity_fade", fade, instrument=_instrument(number))


def short_truth(number: int, draw: random.Random, kind: str) -> DcTruth:
    """Hours at a current that the cell bears, then one that shorts it within a half cycle.

    A hard short is preceded by a soft one; here that takes less than a record, so that it is hard from the start.
    """
    hours = HALF_h * 2 * draw.randint(8, 24)
    critical, excess = draw.uniform(0.15, 1.0), draw.uniform(LEAST_EXCESS, MOST_EXCESS)
    wait_s = draw.uniform(60, 3000 * HALF_h) if kind == "soft" else draw.uniform(1, 8)
    cell = _symmetric(draw, kind) | {
        "critical_current_density_mA_cm2": critical,
        "time_to_short_s": wait_s * excess / SOFT_FROM,
        "growth_percent_per_h": draw.uniform(0, 0.05),
    }
    currents = f"['{0.8 * critical:.6g} mA/cm2', '{critical * (1 + excess):.9g} mA/cm2']"
    run = f"procedure = 'symmetric-cycling'\ncurrents = {currents}\nhalf_h = {HALF_h}\nstage_h = {hours}"
    when_h = hours + wait_s / 3600
    seed = draw.randrange(1, 10**6)
    return DcTruth(
        f"{kind} short", number, seed, "symmetric", cell, run, "short_circuit", when_h, {"kind": kind},
        _instrument(number),
    )  # fmt: skip


def healthy_truth(number: int, draw: random.Random) -> DcTruth:
    """Cells that bear what is asked of them: cycled, every other one up a ladder."""
    most = draw.uniform(0.1, 2.0)
    cell = _symmetric(draw, "none") | {
        "growth_percent_per_h": draw.choice([0.0, draw.uniform(0, 0.1)]),
        "electrolyte_asr_ohm_cm2": draw.uniform(40, 400),
        "interface_asr_ohm_cm2": draw.uniform(2, 100),
    }
    if number % 2:
        currents = f"{{ start = {most / 10:.4g}, stop = {most:.4g}, step = {most / 10:.4g}, unit = 'mA/cm2' }}"
        run = f"procedure = 'critical-current'\ncurrents = {currents}\nhalf_min = 10\ninterval_s = 10"
        run += f"\non = '{_instrument(number)}'"
    else:
        currents = f"['{most / 2:.4g} mA/cm2', '{most:.4g} mA/cm2']"
        run = f"procedure = 'symmetric-cycling'\ncurrents = {currents}\nhalf_h = {HALF_h}\nstage_h = 5"
    seed, instrument = draw.randrange(1, 10**6), _instrument(number)
    return DcTruth("healthy", number, seed, "symmetric", cell, run, "short_circuit", None, instrument=instrument)


def _symmetric(draw: random.Random, kind: str) -> dict[str, float | str]:
    noise = _noise(draw.uniform(1, 5))
    soft = draw.uniform(0.45, 0.8)
    return {**noise, "reference_temperature_C": 20, "short_kind": kind, "soft_short_fraction": soft}


def _instrument(number: int) -> str:
    """Two and two, so that what alternates by number is seen on both."""
    return "cycler" if number // 2 % 2 else "potentiostat"


def _noise(times: float) -> dict[str, float]:
    return {
        "open_circuit_noise_V": times * VOLTAGE_NOISE_V,
        "current_noise_fraction": times * CURRENT_NOISE,
        "cycler_voltage_noise_V": times * VOLTAGE_NOISE_V,
        "cycler_current_noise_fraction": times * CURRENT_NOISE,
    }


KINDS: Mapping[str, Callable[[int, random.Random], DcTruth]] = {
    "critical current": critical_truth,
    "onset": onset_truth,
    "fade": fade_truth,
    "soft short": partial(short_truth, kind="soft"),
    "hard short": partial(short_truth, kind="hard"),
    "healthy": healthy_truth,
}


def dc_truths(kind: str, count: int, seed: int) -> list[DcTruth]:
    draw = random.Random(f"{kind} {seed}")
    return [KINDS[kind](number, draw) for number in range(count)]


# ---------------------------------------------------------------- what was found
def bench_text(truth: DcTruth) -> str:
    lines = ["[bench]", f'name = "{truth.kind} {truth.number}"', f"[instruments.{truth.instrument}]"]
    lines += [
        f'driver = "simulated-{truth.instrument}"',
        "[simulation]",
        f'cell = "{truth.cell}"',
        f"seed = {truth.seed}",
    ]
    return "\n".join([*lines, "[simulation.parameters]", *(f"{k} = {v!r}" for k, v in truth.parameters.items()), ""])


def plan_text(truth: DcTruth) -> str:
    sample = "name = 'cell'\nelectrode = { diameter_mm = 9 }\n"
    sample += "active = { mass_mg = 1.4, capacity_mAh_g = 121.1, diameter_mm = 10 }\n"
    return f'bench = "bench.toml"\n[sample]\n{sample}[[run]]\n{truth.run}\n'


def judge(truth: DcTruth, folder: Path) -> DcVerdict:
    """Run one truth in a folder of its own and compare."""
    here = folder / f"{truth.kind}-{truth.number}"
    here.mkdir()
    (here / "bench.toml").write_text(bench_text(truth), encoding="utf-8")
    (here / "plan.toml").write_text(plan_text(truth), encoding="utf-8")
    (ended,) = run_plan(load_plan(here / "plan.toml"), here / "runs", Watcher())
    with RunFile.open(ended.path) as run:
        mine = [one for one in run.results() if one.name == truth.name]
        outcome = run.outcome if run.outcome == "finished" else f"{run.outcome}: {run.reason}"
    return DcVerdict(truth, outcome, mine[0] if len(mine) == 1 else None)


def summary(verdicts: Sequence[DcVerdict]) -> tuple[list[str], bool]:
    """A line for each kind, and whether all is as promised."""
    all_of = Counter(one.truth.kind for one in verdicts)
    held = Counter(one.truth.kind for one in verdicts if one.holds)
    lines, good = [], True
    for kind, count in all_of.items():
        is_kept = held[kind] == count if kind == "healthy" else held[kind] >= FOUND * count
        good = good and is_kept
        what = "without a short reported" if kind == "healthy" else "found within the stated uncertainty"
        lines.append(f"{kind}: {held[kind]} of {count} {what}{'' if is_kept else ', NOT AS PROMISED'}")
    return lines, good


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=30)
    parser.add_argument("--healthy", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args(arguments)
    truths = [
        truth
        for kind in KINDS
        for truth in dc_truths(kind, options.healthy if kind == "healthy" else options.count, options.seed)
    ]
    verdicts: list[DcVerdict] = []
    with tempfile.TemporaryDirectory() as folder, ProcessPoolExecutor(options.workers) as pool:
        for verdict in pool.map(partial(judge, folder=Path(folder)), truths):
            verdicts.append(verdict)
            if not verdict.holds:
                print(verdict, flush=True)
    lines, good = summary(verdicts)
    print("\n".join(lines))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
