"""A furnace that holds its temperature, a minute at once.

While the target stands and the power is neither at zero nor at its maximum, a step of heater, block, sensor and
controller is linear, so a minute of steps is one matrix: how each of its values follows from the state before it and
from the noise. A month of holding is then a few products of matrices instead of millions of steps.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from drivers.simulated.parameters import FurnaceParameters

TOGETHER_STEPS = 60
MOST_GAIN = 1e6  # beyond it an unsteady controller: rounding would be seen
HEATER, BLOCK, SENSOR, MEASURED, SLOPE, INTEGRAL, UNDERWAY = range(7)  # then the target and 1, after what is underway

Array = NDArray[np.float64]


class Response(NamedTuple):
    """What a step makes of (heater, block, power, 1), and how far the sensor and the slope come in one."""

    heater: list[float]
    block: list[float]
    sensor_share: float
    slope_share: float


class HeldCourse(NamedTuple):
    """Step by step, and the state after all of them."""

    block_C: Array
    measured_C: Array
    output_W: Array
    state: list[float]  # as given


class HeldFurnace:
    """`step_s` is the length of a step, `delay` how many of them the power is underway."""

    def __init__(self, parameters: FurnaceParameters, response: Response, step_s: float, delay: int) -> None:
        self._parameters = parameters
        self._response = response
        self._step_s = step_s
        self._size = UNDERWAY + delay + 2
        course, after = self._together()
        self._course = course.reshape(3 * TOGETHER_STEPS, -1).T.copy()
        self._by_state, self._by_noise = after[:, : self._size].copy(), after[:, self._size :].T.copy()
        greatest = max(np.abs(course).max(), np.abs(after).max())
        self._is_steady = bool(greatest <= MOST_GAIN)  # not where it is nan

    def advance(self, state: list[float], noise: Array) -> HeldCourse | None:
        """`state` as the names at the top tell; `noise` (n,), n a multiple of TOGETHER_STEPS.

        None where the power would not stay within its bounds, or this controller can't be reckoned so.
        """
        if not self._is_steady:
            return None
        minutes = noise.reshape(-1, TOGETHER_STEPS)
        before = np.empty((len(minutes) + 1, self._size))
        before[0], before[1:] = state, minutes @ self._by_noise
        for place in range(len(minutes)):
            before[place + 1] += self._by_state @ before[place]
        course = np.hstack((before[:-1], minutes)) @ self._course
        block, measured, output = course.reshape(len(minutes), 3, TOGETHER_STEPS).transpose(1, 0, 2).reshape(3, -1)
        if not (output.min() >= 0.0 and output.max() < self._parameters.max_power_W):
            return None
        return HeldCourse(block, measured, output, before[-1].tolist())

    def _together(self) -> tuple[Array, Array]:
        """How block, measured and output of each step (3, steps, n), and the state after (m, n), follow from the
        state before and each step's noise, the n: every one of them is carried through the steps by itself.
        """
        rows = np.hstack((np.eye(self._size), np.zeros((self._size, TOGETHER_STEPS))))
        course = np.empty((3, TOGETHER_STEPS, rows.shape[1]))
        with np.errstate(over="ignore", invalid="ignore"):
            for step in range(TOGETHER_STEPS):
                noise = np.zeros(rows.shape[1])
                noise[self._size + step] = 1.0
                rows, output = self._stepped(rows, noise)
                course[:, step] = rows[BLOCK], rows[MEASURED], output
        return course, rows

    def _stepped(self, before: Array, noise: Array) -> tuple[Array, Array]:
        """One step of all, as `Furnace.advance` takes it between the power's bounds; and the output sent."""
        p, (heater, block, sensor_share, slope_share) = self._parameters, self._response
        after, one = before.copy(), before[-1]
        error = before[-2] - before[MEASURED]
        output = p.proportional_W_per_K * (error - p.derivative_time_s * before[SLOPE]) + before[INTEGRAL]
        after[INTEGRAL] += p.proportional_W_per_K / p.integral_time_s * self._step_s * error
        after[UNDERWAY:-2] = np.vstack((before[UNDERWAY:-2], output))[1:]
        power = np.vstack((before[UNDERWAY:-2], output))[0]
        known = before[HEATER], before[BLOCK], power, one
        after[HEATER] = sum(share * row for share, row in zip(heater, known, strict=True))
        after[BLOCK] = sum(share * row for share, row in zip(block, known, strict=True))
        after[SENSOR] += sensor_share * (after[BLOCK] - before[SENSOR])
        after[MEASURED] = after[SENSOR] + p.sensor_offset_K * one + p.sensor_noise_K * noise
        after[SLOPE] += slope_share * ((after[MEASURED] - before[MEASURED]) / self._step_s - before[SLOPE])
        return after, output
