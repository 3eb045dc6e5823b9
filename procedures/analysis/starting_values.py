"""Starting values by variable projection on a grid.

For given time constants and exponents every other parameter enters linearly (Golub, Pereyra, SIAM J. Numer.
Anal. 10 (1973) 413). All columns that can occur are made once; their Gram matrix then holds each of the small
least-squares problems as a block, and all of them are solved in one batch.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from procedures.analysis.circuit import Circuit, Complexes, Floats

_TIMES_PER_DECADE = 2.5
_ARC_EXPONENTS = (0.95, 0.8, 0.65)
_LINE_EXPONENTS = (0.95, 0.8, 0.65, 0.5)
_RIDGE = 1e-9


class StartingGrid:
    """The columns of one spectrum: omega (n,) in rad/s, z_ohm (n,), weight (n,) = 1 / |Z|."""

    def __init__(self, omega: Floats, z_ohm: Complexes, weight: Floats) -> None:
        self._omega_ref = float(omega.min())
        shortest, longest = 0.1 / omega.max(), 0.5 / omega.min()
        count = max(6, min(20, round(_TIMES_PER_DECADE * np.log10(longest / shortest)) + 1))
        self.times_s = np.geomspace(shortest, longest, count)
        jw = 1j * omega[:, None]
        columns = [jw, np.ones_like(jw)]
        columns += [1 / (1 + (jw * self.times_s) ** n) for n in _ARC_EXPONENTS]
        columns += [(jw / self._omega_ref) ** -n for n in _LINE_EXPONENTS]
        weighted = np.concatenate(columns, axis=1) * weight[:, None]
        stacked = np.concatenate([weighted.real, weighted.imag])
        target = np.concatenate([(z_ohm * weight).real, (z_ohm * weight).imag])
        self._scale = np.linalg.norm(stacked, axis=0)
        stacked = stacked / self._scale
        self._omega, self.weight, self._stacked, self._target = omega, weight, stacked, target
        self._gram = stacked.T @ stacked
        self._moment = stacked.T @ target
        self._target_square = float(target @ target)
        self._smallest_ohm = 1e-3 / float(weight.max())

    def starts(self, circuit: Circuit, count: int) -> list[Floats]:
        """The best `count` starts (parameters), with different time constants, best first."""
        blocks, settings = self._blocks(circuit)
        gram = self._gram[blocks[:, :, None], blocks[:, None, :]] + _RIDGE * np.eye(blocks.shape[1])
        moment = self._moment[blocks]
        weights = np.linalg.solve(gram, moment[:, :, None])[:, :, 0]
        weights = np.maximum(weights, 0.0)
        through = np.einsum("bi,bij,bj->b", weights, gram, weights)
        cost = self._target_square - 2 * np.einsum("bi,bi->b", weights, moment) + through
        found: list[Floats] = []
        taken: list[NDArray[np.intp]] = []
        for index in np.argsort(cost)[: 40 * count]:
            times = settings[index, : circuit.arcs]
            if any(np.abs(times - other).max(initial=0) <= 1 for other in taken):
                continue
            taken.append(times)
            sizes = weights[index] / self._scale[blocks[index]]
            found.append(self._parameters(circuit, sizes, settings[index]))
            if len(found) == count:
                break
        return found

    def second_arcs(self, one: Circuit, parameters: Floats, count: int) -> list[Floats]:
        """Starts for one arc more than a fitted circuit has: its own arc and line stay, a second arc is tried
        at every time constant; the lowest minima over the time constant, best first."""
        _, slopes = one.impedance(parameters, self._omega, self._omega_ref)
        own = [k for k, name in enumerate(one.names) if not name.endswith(("time_constant_s", "exponent"))]
        fixed = slopes[:, own] * self.weight[:, None]
        fixed = np.concatenate([fixed.real, fixed.imag])
        fixed_scale = np.linalg.norm(fixed, axis=0)
        fixed = fixed / fixed_scale
        arc_count = len(_ARC_EXPONENTS) * len(self.times_s)
        arcs = self._stacked[:, 2 : 2 + arc_count]
        cross, gram = fixed.T @ arcs, fixed.T @ fixed + _RIDGE * np.eye(len(own))
        moment = fixed.T @ self._target
        alone = np.linalg.solve(gram, np.column_stack([cross, moment]))
        left = self._moment[2 : 2 + arc_count] - cross.T @ alone[:, -1]
        norm = np.maximum(1 - np.einsum("ij,ij->j", cross, alone[:, :-1]), 1e-9)
        size = np.maximum(left / norm, 0.0)
        gain = (size * left).reshape(len(_ARC_EXPONENTS), -1)
        best_kind = gain.argmax(axis=0)
        best = gain.max(axis=0)
        padded = np.pad(best, 1, constant_values=-1.0)
        peaks = np.flatnonzero((best >= padded[:-2]) & (best >= padded[2:]) & (best > 0))
        starts = []
        for peak in peaks[np.argsort(-best[peaks])][:count]:
            column = best_kind[peak] * len(self.times_s) + peak
            resistance = size[column] / self._scale[2 + column]
            own_sizes = np.maximum(alone[:, -1] - alone[:, column] * size[column], 1e-3) / fixed_scale
            start = parameters.copy()
            start[own] = parameters[own] * np.maximum(own_sizes, 1e-3)
            arc = [max(resistance, self._smallest_ohm), self.times_s[peak], _ARC_EXPONENTS[best_kind[peak]]]
            cut = len(one.names) - 2 * one.blocking
            starts.append(np.concatenate([start[:cut], arc, start[cut:]]))
        return starts

    def _blocks(self, circuit: Circuit) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Column numbers of every problem (b, columns) and what they stand for (b, arcs + 2)."""
        times = list(combinations(range(len(self.times_s)), circuit.arcs))
        arc_kinds = range(len(_ARC_EXPONENTS)) if circuit.arcs else range(1)
        line_kinds = range(len(_LINE_EXPONENTS)) if circuit.blocking else range(1)
        grid = np.array([(*t, a, q) for a in arc_kinds for q in line_kinds for t in times], dtype=np.intp)
        columns = [np.full(len(grid), 0)] * circuit.inductor + [np.full(len(grid), 1)] * circuit.resistor
        arc_kind, line_kind = grid[:, -2], grid[:, -1]
        columns += [2 + arc_kind * len(self.times_s) + grid[:, k] for k in range(circuit.arcs)]
        if circuit.blocking:
            columns.append(2 + len(_ARC_EXPONENTS) * len(self.times_s) + line_kind)
        return np.stack(columns, axis=1).astype(np.intp), grid

    def _parameters(self, circuit: Circuit, sizes: Floats, setting: NDArray[np.intp]) -> Floats:
        values: list[float] = []
        j = 0
        if circuit.inductor:
            values.append(max(sizes[j], 1e-9))
            j += 1
        if circuit.resistor:
            values.append(max(sizes[j], self._smallest_ohm))
            j += 1
        for k in range(circuit.arcs):
            values += [
                max(sizes[j], self._smallest_ohm),
                float(self.times_s[setting[k]]),
                _ARC_EXPONENTS[setting[-2]],
            ]
            j += 1
        if circuit.blocking:
            values += [max(sizes[j], self._smallest_ohm), _LINE_EXPONENTS[setting[-1]]]
        return np.array(values)
