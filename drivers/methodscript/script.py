"""A technique as a MethodSCRIPT: its lines, and what its measurement loops will send.

Sweeps are chains of `meas_loop_lsv`, so that any start, end and number of cycles is the same to the instrument.
Voltage and current cut-offs are in the script: the instrument keeps to them without this computer.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from drivers.methodscript.models import Model
from drivers.methodscript.package import literal
from drivers.methodscript.ways import Way, repeated
from drivers.staircase import corners
from drivers.techniques import (
    ConstantCurrent,
    ConstantPotential,
    CutOffs,
    CyclicVoltammetry,
    GalvanostaticSpectrum,
    LinearSweep,
    OpenCircuit,
    Spectrum,
    Technique,
)

VOLTAGE, CURRENT = ("ab", "da"), ("ba", "db")
DIRECT_COLUMNS = (("eb",), VOLTAGE, CURRENT)
OPEN_COLUMNS = (("eb",), VOLTAGE)
SPECTRUM_COLUMNS = (("dc",), ("cc",), ("cd",))
OPEN_CIRCUIT_s = 0.5  # before a sweep or spectrum that begins at the open-circuit potential
BANDWIDTH_MIN_Hz, BANDWIDTH_PER_POINT = 40.0, 4.0
SAME_RATIO = 1e-4
CHECK_s = 1.0  # with longer intervals the instrument looks at the cut-offs more often than it tells a point
OFF = ("cell_off",)


@dataclass(frozen=True)
class LoopPlan:
    """One measurement loop: the allowed types of each column, how many points, and the longest wait for one."""

    columns: tuple[tuple[str, ...], ...]
    points: int
    point_s: float
    cycle: int = 1
    frequencies_Hz: tuple[float, ...] = ()


@dataclass(frozen=True)
class Script:
    """`lines` to be sent, and the loops that run, in their order (a loop in a `loop` as often as it runs)."""

    lines: tuple[str, ...]
    loops: tuple[LoopPlan, ...]


@dataclass(frozen=True)
class Writer:
    """Writes scripts for one model. `repeats`: every value is sent so many times, as a check of the line.

    `ranges_A`: smallest and largest range that the instrument may choose itself.
    """

    model: Model
    ranges_A: tuple[float, float]
    repeats: int = 1

    def write(self, technique: Technique, open_circuit_V: float) -> Script:
        """`open_circuit_V` is used where the technique leaves its start or bias to it."""
        if isinstance(technique, OpenCircuit):
            return self._open_circuit(technique)
        if isinstance(technique, Spectrum):
            return self._spectrum(technique, open_circuit_V)
        if isinstance(technique, GalvanostaticSpectrum):
            return self._galvanostatic_spectrum(technique)
        if isinstance(technique, ConstantCurrent):
            return self._constant_current(technique)
        if isinstance(technique, ConstantPotential):
            return self._constant_potential(technique)
        return self._sweep(technique, open_circuit_V)

    # ------------------------------------------------------------ direct current
    def _open_circuit(self, technique: OpenCircuit) -> Script:
        interval_s, count = divided(max(technique.duration_s, min(technique.interval_s, 0.1)), technique.interval_s)
        loop = f"meas_loop_ocp p {literal(interval_s)} {literal(count * interval_s)}"
        lines = ("var t", "var p", "set_pgstat_chan 0", f"set_pgstat_mode {self.model.slow}", "cell_off",
                 "timer_start", loop, "timer_get t", *self._packed("t", "p"), "endloop")  # fmt: skip
        return Script(lines, (LoopPlan(OPEN_COLUMNS, count, interval_s),))

    def _constant_current(self, technique: ConstantCurrent) -> Script:
        duration_s = technique.duration_s
        if technique.cut_offs.charge_C is not None and technique.current_A:
            duration_s = min(duration_s, technique.cut_offs.charge_C / abs(technique.current_A))
        interval_s, count = divided(duration_s, technique.interval_s)
        range_A = self._smallest_above(abs(technique.current_A))
        current = literal(technique.current_A, with_prefix=True)
        lines = (
            *self._variables(), "set_pgstat_mode 6", bandwidth(interval_s),
            *ranging("db", range_A, range_A, range_A), *ranging("ab", 5.0, 1.0, 5.0),
            f"set_i {current}", "cell_on", "timer_start",
            *self._level(f"meas_loop_cp p c {current}", interval_s, count, technique.cut_offs),
            *ended(technique.end_state),
        )  # fmt: skip
        return Script(lines, (LoopPlan(DIRECT_COLUMNS, count, interval_s),))

    def _constant_potential(self, technique: ConstantPotential) -> Script:
        interval_s, count = divided(technique.duration_s, technique.interval_s)
        potential = literal(technique.voltage_V, with_prefix=True)
        lines = (
            *self._potentiostat([technique.voltage_V], technique.current_range_A, interval_s),
            *self._level(f"meas_loop_ca p c {potential}", interval_s, count, technique.cut_offs),
            *ended(technique.end_state),
        )  # fmt: skip
        return Script(lines, (LoopPlan(DIRECT_COLUMNS, count, interval_s),))

    def _sweep(self, technique: CyclicVoltammetry | LinearSweep, open_circuit_V: float) -> Script:
        """Way after way; those of the second cycle and later in a `loop`. After a cut-off the ways left are passed."""
        turns = corners(technique, open_circuit_V)
        ways = [Way(a[0], b[0], b[1], technique) for a, b in pairwise(turns) if abs(b[0] - a[0]) > 1e-9]
        interval_s = technique.step_V / technique.scan_rate_V_s
        if not ways:
            level = ConstantPotential(turns[0][0], interval_s, interval_s, technique.cut_offs,
                                      technique.current_range_A, technique.end_state)  # fmt: skip
            return self._constant_potential(level)
        ways[0].with_start = True
        groups = repeated(ways)
        counters = [f"n{number}" for number in range(len(groups))]
        lines = ["var b", *[f"var {name}" for name, group in zip(counters, groups, strict=True) if group.times > 1]]
        lines += self._potentiostat([turn[0] for turn in turns], technique.current_range_A, interval_s)
        lines.append("store_var b 0i ja")
        for name, group in zip(counters, groups, strict=True):
            body = [line for way in group.ways for line in self._guarded(way, technique.cut_offs)]
            if group.times > 1:
                body = [f"store_var {name} 1i ja", f"loop {name} <= {group.times}i", *body,
                        f"add_var {name} 1i", "endloop"]  # fmt: skip
            lines += body
        loops = tuple(LoopPlan(DIRECT_COLUMNS, way.points, interval_s, way.cycle) for way in ways)
        return Script((*lines, *ended(technique.end_state)), loops)

    def _guarded(self, way: Way, cut_offs: CutOffs) -> Iterator[str]:
        out = ["store_var b 1i ja", "breakloop"]
        yield "if b < 1i"
        yield from (way.line(), "timer_get t", *self._packed("t", "p", "c"), *conditions(cut_offs, out), "endloop")
        yield "endif"

    def _potentiostat(self, levels_V: Sequence[float], range_A: float | None, interval_s: float) -> list[str]:
        low, high = (range_A, range_A) if range_A else self.ranges_A
        level_range = f"{literal(min(levels_V), with_prefix=True)} {literal(max(levels_V), with_prefix=True)}"
        return [
            *self._variables(), f"set_pgstat_mode {self.model.slow}", bandwidth(interval_s),
            f"set_range_minmax da {level_range}", *ranging("ba", high, low, high),
            f"set_e {literal(levels_V[0], with_prefix=True)}", "cell_on", "timer_start",
        ]  # fmt: skip

    def _variables(self) -> tuple[str, ...]:
        return ("var t", "var p", "var c", "var k", "set_pgstat_chan 0")

    def _level(self, start: str, interval_s: float, points: int, cut_offs: CutOffs) -> list[str]:
        """A loop at one level: a package every `interval_s`, and one more at a cut-off that is seen in between."""
        package = self._packed("t", "p", "c")
        checks = conditions(cut_offs, ["breakloop"])
        count = math.ceil(interval_s / CHECK_s - 1e-9) if checks else 1
        line = f"{start} {literal(interval_s / count)} {literal(points * interval_s)}"
        if count == 1:
            return [line, "timer_get t", *package, *checks, "endloop"]
        told = [f"if k > {count - 1}i", *package, "store_var k 0i ja", "endif"]
        checks = conditions(cut_offs, [*package, "breakloop"])
        return ["store_var k 0i ja", line, "timer_get t", "add_var k 1i", *told, *checks, "endloop"]

    def _packed(self, *names: str) -> list[str]:
        return ["pck_start", *[f"pck_add {name}" for name in names for _ in range(self.repeats)], "pck_end"]

    def _smallest_above(self, current_A: float) -> float:
        fitting = [one for one in self.model.ranges_A if one >= current_A * (1 - 1e-9)]
        return fitting[-1] if fitting else self.model.ranges_A[0]

    # ------------------------------------------------------------ impedance
    def _spectrum(self, technique: Spectrum, open_circuit_V: float) -> Script:
        bias_V = open_circuit_V if technique.bias_V is None else technique.bias_V
        bias = literal(bias_V, with_prefix=True)
        low, high = (technique.current_range_A,) * 2 if technique.current_range_A else self.ranges_A
        head = (
            "var f", "var r", "var j", "set_pgstat_chan 0", f"set_pgstat_mode {self.model.fast}",
            f"set_max_bandwidth {literal(max(technique.frequencies_Hz))}",
            *ranging("ba", high, low, high), *ranging("ab", 1.0, 0.1, 1.0), f"set_e {bias}", "cell_on",
        )  # fmt: skip
        start = f"meas_loop_eis f r j {literal(technique.amplitude_V, with_prefix=True)}"
        return self._impedance(head, start, bias, technique)

    def _galvanostatic_spectrum(self, technique: GalvanostaticSpectrum) -> Script:
        bias = literal(technique.bias_A, with_prefix=True)
        range_A = self._smallest_above(math.sqrt(2) * technique.amplitude_A + abs(technique.bias_A))
        head = (
            "var f", "var r", "var j", "set_pgstat_chan 0", "set_pgstat_mode 6",
            f"set_max_bandwidth {literal(max(technique.frequencies_Hz))}",
            *ranging("db", range_A, range_A, range_A), *ranging("ab", 1.0, 0.1, 1.0), f"set_i {bias}", "cell_on",
        )  # fmt: skip
        start = f"meas_loop_geis f r j {literal(technique.amplitude_A, with_prefix=True)}"
        return self._impedance(head, start, bias, technique)

    def _impedance(
        self, head: tuple[str, ...], start: str, bias: str, technique: Spectrum | GalvanostaticSpectrum
    ) -> Script:
        lines, loops = list(head), []
        for part in log_spaced(technique.frequencies_Hz):
            lines.append(f"{start} {literal(part[0])} {literal(part[-1])} {len(part)}i {bias}")
            lines += [*self._packed("f", "r", "j"), "endloop"]
            longest_s = max(technique.minimum_time_s, technique.minimum_cycles / min(part))
            loops.append(LoopPlan(SPECTRUM_COLUMNS, len(part), longest_s, frequencies_Hz=part))
        return Script((*lines, *ended(technique.end_state)), tuple(loops))


def divided(duration_s: float, interval_s: float) -> tuple[float, int]:
    """Equal intervals, no longer than `interval_s`, that fill the duration: no rest without a point."""
    count = max(1, math.ceil(duration_s / interval_s - 1e-9))
    return duration_s / count, count


def bandwidth(interval_s: float) -> str:
    return f"set_max_bandwidth {literal(max(BANDWIDTH_MIN_Hz, round(BANDWIDTH_PER_POINT / interval_s)))}"


def ranging(kind: str, at_first: float, low: float, high: float) -> tuple[str, str]:
    one, two, three = (literal(value, with_prefix=True) for value in (at_first, low, high))
    return f"set_range {kind} {one}", f"set_autoranging {kind} {two} {three}"


def conditions(cut_offs: CutOffs, out: Sequence[str]) -> list[str]:
    """What ends the loop in the instrument: voltages and currents; charge and rate are watched by the computer."""
    c, lines = cut_offs, []
    if c.voltage_max_V is not None:
        lines += [f"if p > {literal(c.voltage_max_V, with_prefix=True)}", *out, "endif"]
    if c.voltage_min_V is not None:
        lines += [f"if p < {literal(c.voltage_min_V, with_prefix=True)}", *out, "endif"]
    if c.current_max_A is not None:
        most, least = (literal(sign * c.current_max_A, with_prefix=True) for sign in (1, -1))
        lines += [f"if c > {most}", *out, "endif", f"if c < {least}", *out, "endif"]
    if c.current_min_A is not None:
        most, least = (literal(sign * c.current_min_A, with_prefix=True) for sign in (1, -1))
        lines += [f"if c < {most}", f"if c > {least}", *out, "endif", "endif"]
    return lines


def ended(end_state: str) -> tuple[str, ...]:
    """`on_finished:` runs however the script ends: at its end, aborted, or after an error."""
    return () if end_state == "hold" else ("on_finished:", "cell_off")


def log_spaced(frequencies_Hz: Sequence[float]) -> list[tuple[float, ...]]:
    """The frequencies in runs of one constant ratio each: what one loop of the instrument can do."""
    runs: list[list[float]] = []
    for frequency_Hz in frequencies_Hz:
        if runs and _fits(runs[-1], frequency_Hz):
            runs[-1].append(frequency_Hz)
        else:
            runs.append([frequency_Hz])
    return [tuple(run) for run in runs]


def _fits(run: list[float], frequency_Hz: float) -> bool:
    if len(run) == 1:
        return frequency_Hz != run[0]
    return math.isclose(frequency_Hz / run[-1], run[1] / run[0], rel_tol=SAME_RATIO)
