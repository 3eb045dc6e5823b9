"""The furnace: heater, block and control sensor as thermal masses, a dead time, and a PID controller.

    heater  C_h dT_h/dt = P(t - dead time) - G_h (T_h - T_b)
    block   C_b dT_b/dt = flow from the heater - G_loss (T_b - T_ambient)
    sensor  first-order lag behind the block, plus noise and offset

Heater and block are advanced exactly over each step (matrix exponential, power held), so that any sensible
masses and conductances are stable and heat never flows uphill. There is no active cooling.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from drivers.simulated.held_furnace import TOGETHER_STEPS, HeldFurnace, Response
from drivers.simulated.noise import StepNoise
from drivers.simulated.parameters import FurnaceParameters

STEP_s = 1.0


@dataclass(slots=True)
class FurnaceState:
    """All that is needed to go on. Temperatures in degC; `ramp_K_per_s` None: the working set-point jumps."""

    heater_C: float
    block_C: float
    sensor_C: float
    measured_C: float
    setpoint_C: float
    working_setpoint_C: float
    ramp_K_per_s: float | None
    heater_on: bool
    output_W: float
    integral_W: float
    slope_K_per_s: float
    underway_W: list[float]  # power commanded and not yet arrived, oldest first


class Course(NamedTuple):
    """What happened, step by step: the block's temperature, what the sensor showed, working set-point, output sent."""

    block_C: NDArray[np.float64]
    measured_C: NDArray[np.float64]
    working_setpoint_C: NDArray[np.float64]
    output_W: NDArray[np.float64]

    @classmethod
    def nothing(cls) -> Course:
        return cls(*np.empty((4, 0)))

    def then(self, later: Course) -> Course:
        return Course(*map(np.concatenate, zip(self, later, strict=True)))


def cold(parameters: FurnaceParameters) -> FurnaceState:
    """The furnace at ambient with its heater off."""
    ambient = parameters.ambient_C
    delay = [0.0] * round(parameters.dead_time_s / STEP_s)
    measured = ambient + parameters.sensor_offset_K
    return FurnaceState(
        heater_C=ambient,
        block_C=ambient,
        sensor_C=ambient,
        measured_C=measured,
        setpoint_C=ambient,
        working_setpoint_C=ambient,
        ramp_K_per_s=None,
        heater_on=False,
        output_W=0.0,
        integral_W=0.0,
        slope_K_per_s=0.0,
        underway_W=delay,
    )


def share_per_step(time_constant_s: float) -> float:
    """How far a first-order lag comes in one step, 0..1."""
    return 1.0 if time_constant_s <= 0 else 1.0 - math.exp(-STEP_s / time_constant_s)


def _response(parameters: FurnaceParameters) -> list[list[float]]:
    """What a step makes of (heater, block, power, 1): two rows of four factors; the last is ambient's share.

    The exponential of the 2 x 2 rate matrix through its eigenvalues, which are real and negative; the power's
    column from its integral, A^-1 (exp(A dt) - 1) B.
    """
    heater_J_per_K, block_J_per_K = parameters.heater_heat_capacity_J_per_K, parameters.block_heat_capacity_J_per_K
    between, loss = parameters.heater_conductance_W_per_K, parameters.loss_conductance_W_per_K
    rates = np.array(
        [
            [-between / heater_J_per_K, between / heater_J_per_K],
            [between / block_J_per_K, -(between + loss) / block_J_per_K],
        ]
    )
    values, vectors = np.linalg.eig(rates)
    step = (vectors * np.exp(values * STEP_s)) @ np.linalg.inv(vectors)
    power = np.linalg.solve(rates, (step - np.eye(2)) @ np.array([1 / heater_J_per_K, 0.0]))
    ambient = (1 - step.sum(axis=1)) * parameters.ambient_C
    return np.column_stack([step, power, ambient]).tolist()


class Furnace:
    """The furnace's physics and its controller. Plain floats: a day is 86 400 steps."""

    def __init__(self, parameters: FurnaceParameters, noise: StepNoise, state: FurnaceState) -> None:
        self.parameters = parameters
        self.state = state
        self._noise = noise
        heater, block = _response(parameters)
        slope_share = share_per_step(max(parameters.derivative_time_s, 1.0))
        self._response = Response(heater, block, share_per_step(parameters.sensor_lag_s), slope_share)
        self._held = HeldFurnace(parameters, self._response, STEP_s, len(state.underway_W))

    # ------------------------------------------------------------ commands
    def set_target(self, temperature_C: float, ramp_K_per_s: float | None) -> None:
        state = self.state
        if not state.heater_on:
            state.working_setpoint_C = state.measured_C
            state.integral_W = 0.0
            state.heater_on = True
        state.setpoint_C = temperature_C
        state.ramp_K_per_s = ramp_K_per_s

    def hold(self) -> None:
        """The ramp stops where it is; a heater that is off stays off."""
        self.state.setpoint_C = self.state.working_setpoint_C

    def heater_off(self) -> None:
        state = self.state
        state.heater_on = False
        state.output_W = 0.0
        state.integral_W = 0.0

    def fix_output(self, percent: float) -> None:
        """Manual mode: this share of the power whatever the temperature, until the next target."""
        self.heater_off()
        self.state.output_W = percent / 100 * self.parameters.max_power_W

    # ------------------------------------------------------------ time
    def advance(self, first_step: int, count: int) -> Course:
        """Advance by `count` steps, the first being number `first_step`."""
        noise = self._noise.between(first_step, count)
        if self.state.heater_on and self.state.working_setpoint_C == self.state.setpoint_C:
            held = self._hold(noise[: count - count % TOGETHER_STEPS])
            left = noise[len(held.block_C) :]
            return held.then(self._step_by_step(left.tolist())) if left.size else held
        return self._step_by_step(noise.tolist())

    def _hold(self, noise: NDArray[np.float64]) -> Course:
        """As many steps as there is noise for; none where that can't be done at once."""
        state = self.state
        before = [state.heater_C, state.block_C, state.sensor_C, state.measured_C, state.slope_K_per_s]
        before += [state.integral_W, *state.underway_W, state.setpoint_C, 1.0]
        held = self._held.advance(before, noise) if noise.size else None
        if held is None:
            return Course.nothing()
        state.heater_C, state.block_C, state.sensor_C, state.measured_C, state.slope_K_per_s = held.state[:5]
        state.integral_W, *state.underway_W = held.state[5:-2]
        state.output_W = float(held.output_W[-1])
        return Course(held.block_C, held.measured_C, np.full(noise.size, state.setpoint_C), held.output_W)

    def _step_by_step(self, noises: list[float]) -> Course:
        """As many steps as there is noise for.

        The controller's working set-point ramps; PID with the derivative on the measurement. Anti-windup: no
        integration while the power is at its maximum; at zero power the integral is drawn to where the output starts
        again just as the error vanishes. All in local names: ramps and cold starts are steps by the thousand.
        """
        state, parameters, count = self.state, self.parameters, len(noises)
        (hh, hb, hp, h0), (bh, bb, bp, b0), sensor_share, slope_share = self._response
        noise_K, offset_K = parameters.sensor_noise_K, parameters.sensor_offset_K
        gain, most_W, derivative_s = (
            parameters.proportional_W_per_K,
            parameters.max_power_W,
            parameters.derivative_time_s,
        )
        integral_gain = gain / parameters.integral_time_s * STEP_s
        integral_back = STEP_s / parameters.integral_time_s
        heater, block, sensor = state.heater_C, state.block_C, state.sensor_C
        measured, slope, integral, output = state.measured_C, state.slope_K_per_s, state.integral_W, state.output_W
        is_on, working, target = state.heater_on, state.working_setpoint_C, state.setpoint_C
        powers = list(state.underway_W)  # those that arrive, and behind them, as they are sent, those that will
        blocks: list[float] = []
        shown: list[float] = []
        ramped: list[float] = []
        arriving = iter(powers)
        for noise in noises:
            if is_on:
                if working != target:
                    working = self._ramped(working, target)
                    ramped.append(working)
                error = working - measured
                output = gain * (error - derivative_s * slope) + integral
                if 0.0 <= output < most_W:
                    integral += integral_gain * error
                elif output < 0.0:
                    integral = integral + integral_gain * error - output * integral_back
                    output = 0.0
                else:
                    output = most_W
                    if error < 0:
                        integral += integral_gain * error
            powers.append(output)
            power = next(arriving)
            heater, block = hh * heater + hb * block + hp * power + h0, bh * heater + bb * block + bp * power + b0
            sensor += sensor_share * (block - sensor)
            before, measured = measured, sensor + offset_K + noise_K * noise
            slope += slope_share * ((measured - before) / STEP_s - slope)
            blocks.append(block)
            shown.append(measured)
        state.heater_C, state.block_C, state.sensor_C = heater, block, sensor
        state.measured_C, state.slope_K_per_s, state.integral_W, state.output_W = measured, slope, integral, output
        state.working_setpoint_C, state.underway_W = working, powers[count:]
        working_C = ramped + [working] * (count - len(ramped))
        return Course(*map(np.array, (blocks, shown, working_C, powers[len(powers) - count :])))

    def _ramped(self, working_C: float, target_C: float) -> float:
        """One step of the ramp towards the target."""
        gap, ramp = target_C - working_C, self.state.ramp_K_per_s
        most = abs(gap) if ramp is None else ramp * STEP_s
        return target_C if abs(gap) <= most else working_C + math.copysign(most, gap)
