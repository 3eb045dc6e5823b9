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

import numpy as np

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
        self._response = _response(parameters)
        self._sensor_share = share_per_step(parameters.sensor_lag_s)
        self._slope_share = share_per_step(max(parameters.derivative_time_s, 1.0))

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
    def advance(self, first_step: int, count: int) -> list[float]:
        """Advance by `count` steps, the first being number `first_step`; returns the block's temperature of each."""
        state, parameters = self.state, self.parameters
        (hh, hb, hp, h0), (bh, bb, bp, b0) = self._response
        noise, noise_K, offset_K = self._noise.at, parameters.sensor_noise_K, parameters.sensor_offset_K
        heater, block, sensor = state.heater_C, state.block_C, state.sensor_C
        underway = state.underway_W
        blocks: list[float] = []
        for step in range(first_step, first_step + count):
            self._control()
            underway.append(state.output_W)
            power = underway.pop(0)
            heater, block = hh * heater + hb * block + hp * power + h0, bh * heater + bb * block + bp * power + b0
            sensor += self._sensor_share * (block - sensor)
            measured = sensor + offset_K + noise_K * noise(step)
            state.slope_K_per_s += self._slope_share * ((measured - state.measured_C) / STEP_s - state.slope_K_per_s)
            state.measured_C = measured
            blocks.append(block)
        state.heater_C, state.block_C, state.sensor_C = heater, block, sensor
        return blocks

    def _control(self) -> None:
        """One step of the controller: the working set-point ramps, PID with derivative on the measurement.

        Anti-windup: no integration while the power is at its maximum; at zero power the integral is drawn to
        where the output starts again just as the error vanishes.
        """
        state, parameters = self.state, self.parameters
        if not state.heater_on:
            return
        gap = state.setpoint_C - state.working_setpoint_C
        if gap:
            most = abs(gap) if state.ramp_K_per_s is None else state.ramp_K_per_s * STEP_s
            state.working_setpoint_C = (
                state.setpoint_C if abs(gap) <= most else (state.working_setpoint_C + math.copysign(most, gap))
            )
        gain, reset_s = parameters.proportional_W_per_K, parameters.integral_time_s
        error = state.working_setpoint_C - state.measured_C
        wanted = gain * (error - parameters.derivative_time_s * state.slope_K_per_s) + state.integral_W
        power = min(max(wanted, 0.0), parameters.max_power_W)
        if wanted < parameters.max_power_W or error < 0:
            state.integral_W += gain * error / reset_s * STEP_s
        if wanted < 0:
            state.integral_W -= wanted / reset_s * STEP_s
        state.output_W = power
