"""Random truths set in simulated benches, run end to end, and looked for in the results.

    python tests/truths/run_truths.py --count 50 --seed 1

Each truth is a bench file and a plan file; what the run says of it must be near, and inside its own 95 % interval.
A reasoned refusal counts as right where the sample is beyond 10 ohm to 1 Mohm somewhere in the sweep. Prints a line
for each truth and the counts; exit status 1 when a promise did not hold.
"""

from __future__ import annotations

import argparse
import math
import random
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from daq.contracts import Result
from daq.plan import load_plan
from daq.runfile.reader import RunFile
from daq.runner import Watcher, run_plan

BOLTZMANN_EV_K = 8.617333262e-5
THICKNESS_cm, AREA_cm2 = 0.09, math.pi * 0.5**2
LEAST_ohm, MOST_ohm = 10.0, 1e6
TEMPERATURES_C = (25.0, 40.0, 55.0, 70.0, 85.0, 100.0, 115.0)
ENERGY_WITHIN, SIGMA_WITHIN, TRANSITION_WITHIN_K = 0.02, 0.03, 2.0
POINT_WITHIN = 0.05
SIGMA_LI2OHCL_S_cm = 1.37e-7  # of the phase below the transition, at 25 °C
COVERED = (0.90, 1.0)


@dataclass(frozen=True)
class Cell:
    """One sample's truth; resistances at 25 °C of a pellet of 0.9 mm and 10 mm diameter."""

    activation_energy_eV: float
    total_ohm: float
    bulk_share: float
    boundary_capacitance_F: float
    boundary_exponent: float

    @property
    def conductivity_25C(self) -> float:
        return THICKNESS_cm / (self.total_ohm * AREA_cm2)

    def resistance_ohm(self, temperature_C: float) -> float:
        return self.total_ohm * _falls_to(self.activation_energy_eV, temperature_C)

    def parameters(self) -> dict[str, float]:
        return {
            "activation_energy_eV": self.activation_energy_eV,
            "bulk_resistance_ohm": self.bulk_share * self.total_ohm,
            "grain_boundary_resistance_ohm": (1 - self.bulk_share) * self.total_ohm,
            "grain_boundary_capacitance_F": self.boundary_capacitance_F,
            "grain_boundary_exponent": self.boundary_exponent,
        }


@dataclass(frozen=True)
class Truth:
    """One bench. `cells` are on channels 1, 2, ...; without any it is Li2OHCl with its transition."""

    number: int
    seed: int
    lag_s: float
    sample_sensor: bool
    cells: tuple[Cell, ...]
    temperatures_C: tuple[float, ...] = TEMPERATURES_C

    @property
    def within_reach(self) -> bool:
        """Whether every resistance of the sweep is one that is promised."""
        return all(LEAST_ohm <= c.resistance_ohm(t) <= MOST_ohm for c in self.cells for t in self.temperatures_C)


@dataclass(frozen=True)
class Finding:
    """One number: what was found, what is true, how near it must be (absolute)."""

    name: str
    value: float | None
    truth: float
    allowed: float
    uncertainty: float | None = None
    interval: tuple[float, float] | None = None
    reason: str | None = None

    @property
    def near(self) -> bool:
        return self.value is not None and abs(self.value - self.truth) <= self.allowed

    @property
    def covered(self) -> bool:
        return self.interval is not None and self.interval[0] <= self.truth <= self.interval[1]

    def __str__(self) -> str:
        if self.value is None:
            return f"{self.name} refused: {self.reason}"
        off = f"{100 * (self.value / self.truth - 1):+.2f} %" if self.truth else ""
        error = f" ± {100 * self.uncertainty / abs(self.truth):.2f} %" if self.uncertainty else ""
        return f"{self.name} {off}{error}{'' if self.near else ' NOT NEAR'}{'' if self.covered else ' not covered'}"


@dataclass(frozen=True)
class Verdict:
    truth: Truth
    outcome: str
    findings: tuple[Finding, ...] = field(default=())
    points: tuple[Finding, ...] = field(default=())  # total resistances, temperature by temperature

    @property
    def holds(self) -> bool:
        """Every number near; where the sample is out of reach, near or refused with a reason."""
        if self.outcome != "finished" or not self.findings:
            return False
        refusal_counts = bool(self.truth.cells) and not self.truth.within_reach
        return all(f.near or (refusal_counts and f.value is None and bool(f.reason)) for f in self.findings)

    def __str__(self) -> str:
        t = self.truth
        cells = "; ".join(f"{c.activation_energy_eV:.3f} eV {c.total_ohm:.3g} ohm" for c in t.cells) or "Li2OHCl"
        sensor = "sensor" if t.sample_sensor else "no sensor"
        found = "; ".join(map(str, self.findings))
        return f"{'ok ' if self.holds else 'BAD'} {t.number:3d} {cells}, lag {t.lag_s:.0f} s, {sensor}: {found}"


# ---------------------------------------------------------------- what is true
def random_truths(count: int, seed: int, temperatures_C: Sequence[float] = TEMPERATURES_C) -> list[Truth]:
    """Samples alone: every other one without a sensor, every tenth of any resistance, the others within reach."""
    draw = random.Random(seed)
    truths = []
    for number in range(count):
        cell = random_cell(draw, temperatures_C, anywhere=number % 10 == 9)
        lag_s = 60 * math.exp(draw.uniform(math.log(2), math.log(20)))
        truths.append(Truth(number, draw.randrange(1, 10**6), lag_s, number % 2 == 0, (cell,), tuple(temperatures_C)))
    return truths


def random_cell(draw: random.Random, temperatures_C: Sequence[float], anywhere: bool = False) -> Cell:
    energy_eV = draw.uniform(0.3, 0.8)
    least = 30.0 if anywhere else LEAST_ohm / _falls_to(energy_eV, max(temperatures_C))
    most = 5e6 if anywhere else MOST_ohm / _falls_to(energy_eV, min(temperatures_C))
    return Cell(
        activation_energy_eV=energy_eV,
        total_ohm=math.exp(draw.uniform(math.log(1.02 * least), math.log(0.98 * most))),
        bulk_share=math.exp(draw.uniform(math.log(0.02), math.log(0.3))),
        boundary_capacitance_F=math.exp(draw.uniform(math.log(1.5e-10), math.log(1e-9))),
        boundary_exponent=draw.uniform(0.85, 0.95),
    )


def transition_truths(count: int, seed: int) -> list[Truth]:
    draw = random.Random(seed + 1000)
    return [Truth(n, draw.randrange(1, 10**6), draw.uniform(120, 600), n % 2 == 0, ()) for n in range(count)]


def several_truths(count: int, seed: int) -> list[Truth]:
    """Three samples in one furnace."""
    draw = random.Random(seed + 2000)
    truths = []
    for number in range(count):
        cells = tuple(random_cell(draw, TEMPERATURES_C) for _ in range(3))
        truths.append(Truth(number, draw.randrange(1, 10**6), draw.uniform(120, 1200), number % 2 == 0, cells))
    return truths


def _falls_to(energy_eV: float, temperature_C: float) -> float:
    """R at a temperature over R at 25 °C."""
    return math.exp(energy_eV / BOLTZMANN_EV_K * (1 / (temperature_C + 273.15) - 1 / 298.15))


# ---------------------------------------------------------------- bench and plan files
def bench_text(truth: Truth) -> str:
    lines = [
        "[bench]",
        f'name = "truth {truth.number}"',
        "[instruments.furnace]",
        'driver = "simulated-furnace"',
        f"sample_sensor = {str(truth.sample_sensor).lower()}",
        "limits = { max_temperature_C = 150 }",
        "[instruments.potentiostat]",
        'driver = "simulated-potentiostat"',
        "[simulation]",
        'cell = "blocking"',
        f'preset = "{"K001" if truth.cells else "Li2OHCl"}"',
        f"seed = {truth.seed}",
        "[simulation.parameters]",
        f"sample_lag_s = {truth.lag_s!r}",
    ]
    for channel, cell in enumerate(truth.cells, 1):
        if channel > 1:
            lines.append(f"[simulation.channels.{channel}.parameters]")
        lines += [f"{name} = {value!r}" for name, value in cell.parameters().items()]
    return "\n".join(lines) + "\n"


def plan_text(truth: Truth) -> str:
    temperatures = list(truth.temperatures_C)
    pellet = "pellet = { thickness_mm = 0.9, diameter_mm = 10 }"
    lines = ['bench = "bench.toml"']
    if len(truth.cells) <= 1:
        lines += ["[sample]", 'name = "1"', pellet]
    else:
        for channel in range(1, len(truth.cells) + 1):
            lines += ["[[sample]]", f'id = "{channel}"', f'name = "{channel}"', f"channel = {channel}", pellet]
    if not truth.cells:
        temperatures = [25, 30, 34, 38, 41, 43, 45, 48, 52, 60, 52, 45, 40, 36, 32, 30, 28, 26, 24]
    lines += ["[[run]]", 'procedure = "eis-sweep"', f"temperatures_C = {temperatures}"]
    if not truth.cells:
        lines.append("frequency_min_Hz = 0.1")
    return "\n".join(lines) + "\n"


# ---------------------------------------------------------------- what was found
def judge(truth: Truth, folder: Path) -> Verdict:
    """Run one truth in a folder of its own and compare."""
    here = folder / f"{'sample' if truth.cells else 'transition'}-{len(truth.cells)}-{truth.number}"
    here.mkdir()
    (here / "bench.toml").write_text(bench_text(truth), encoding="utf-8")
    (here / "plan.toml").write_text(plan_text(truth), encoding="utf-8")
    (ended,) = run_plan(load_plan(here / "plan.toml"), here / "runs", Watcher())
    with RunFile.open(ended.path) as run:
        results, outcome = run.results(), run.outcome
    found = _sample_findings(truth, results) if truth.cells else _transition_findings(results)
    return Verdict(truth, outcome, tuple(found), tuple(_point_findings(truth, results)))


def _sample_findings(truth: Truth, results: Sequence[Result]) -> list[Finding]:
    found = []
    for channel, cell in enumerate(truth.cells, 1):
        at = {"sample": str(channel)} if len(truth.cells) > 1 else {}
        energy, sigma = cell.activation_energy_eV, cell.conductivity_25C
        found.append(_finding(results, "activation_energy", energy, ENERGY_WITHIN * energy, at))
        found.append(_finding(results, "conductivity_25C", sigma, SIGMA_WITHIN * sigma, at))
    return found


def _point_findings(truth: Truth, results: Sequence[Result]) -> list[Finding]:
    """Every total resistance against the truth at the temperature it is said to be of."""
    found = []
    for result in results:
        if result.name != "total_resistance" or "sample_temperature_C" not in result.at or not truth.cells:
            continue
        cell = truth.cells[int(result.at.get("sample", "1")) - 1]
        true_ohm = cell.resistance_ohm(result.at["sample_temperature_C"])
        if LEAST_ohm <= true_ohm <= MOST_ohm:
            found.append(_compare(result, true_ohm, POINT_WITHIN * true_ohm))
    return found


def _transition_findings(results: Sequence[Result]) -> list[Finding]:
    place = partial(_finding, results, "transition_temperature", allowed=TRANSITION_WITHIN_K)
    found = [place(truth=44.0, at={"direction": "heating"}), place(truth=27.0, at={"direction": "cooling"})]
    for direction, branch, energy in (
        ("heating", "below", 0.70),
        ("heating", "above", 0.56),
        ("cooling", "above", 0.56),
    ):
        at = {"direction": direction, "branch": branch}
        found.append(_finding(results, "activation_energy", energy, ENERGY_WITHIN * energy, at))
    sigma = SIGMA_LI2OHCL_S_cm
    found.append(_finding(results, "conductivity_25C", sigma, SIGMA_WITHIN * sigma, {"direction": "heating"}))
    cooling = [r for r in results if r.name == "conductivity_25C" and r.at.get("direction") == "cooling" and r.value]
    found += [_compare(r, sigma, SIGMA_WITHIN * sigma) for r in cooling]  # it may be refused: few points are there
    return found


def _finding(results: Sequence[Result], name: str, truth: float, allowed: float, at: dict[str, str]) -> Finding:
    fitting = [r for r in results if r.name == name and at.items() <= r.at.items()]
    if len(fitting) != 1:
        return Finding(name, None, truth, allowed, reason="")
    return _compare(fitting[0], truth, allowed)


def _compare(result: Result, truth: float, allowed: float) -> Finding:
    name = result.name + (f" ({result.at['direction']})" if "direction" in result.at else "")
    return Finding(name, result.value, truth, allowed, result.uncertainty, result.interval, result.reason)


# ---------------------------------------------------------------- all of them
def judge_all(truths: Sequence[Truth], folder: Path, workers: int) -> list[Verdict]:
    verdicts = []
    with ProcessPoolExecutor(workers) as pool:
        for verdict in pool.map(partial(judge, folder=folder), truths):
            print(verdict, flush=True)
            verdicts.append(verdict)
    return verdicts


def summary(title: str, verdicts: Sequence[Verdict]) -> tuple[str, bool]:
    """One line, and whether what it says is what is promised."""
    numbers = [f for v in verdicts for f in v.findings if f.value is not None]
    held, covered = sum(v.holds for v in verdicts), sum(f.covered for f in numbers)
    share = covered / max(len(numbers), 1)
    points = [f for v in verdicts for f in v.points if f.value is not None]
    told = sum(f.covered for f in points)
    text = (
        f"{title}: {held} of {len(verdicts)} as promised; the truth is inside the stated 95 % interval "
        f"for {covered} of {len(numbers)} numbers ({100 * share:.0f} %)"
    )
    if points:
        text += f", for {told} of {len(points)} resistances ({100 * told / len(points):.0f} %), "
        text += f"{sum(not f.near for f in points)} of them off by more than {100 * POINT_WITHIN:.0f} %"
    enough = share >= COVERED[0] or len(numbers) - covered <= 1
    return text, held == len(verdicts) and enough


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=50)
    parser.add_argument("--transitions", type=int, default=4)
    parser.add_argument("--several", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args(arguments)
    sets = {
        "random truths": random_truths(options.count, options.seed),
        "phase transitions": transition_truths(options.transitions, options.seed),
        "three samples in one furnace": several_truths(options.several, options.seed),
    }
    lines, good = [], True
    with tempfile.TemporaryDirectory() as folder:
        for title, truths in sets.items():
            if truths:
                text, held = summary(title, judge_all(truths, Path(folder), options.workers))
                lines.append(text)
                good = good and held
    print("\n".join(lines))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
