"""Every number of the simulated world, with its default, its bounds and its unit in the name.

A bench file sets them in one flat table, `[simulation.parameters]`; names are unique over all models here.
Bounds keep typing mistakes out and the fixed time step stable; they are not statements about materials.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class ParameterModel(BaseModel):
    """A table of numbers: unknown names, text in place of numbers, and nan are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class FurnaceParameters(ParameterModel):
    """Heater, block, control sensor and PID controller.

    As they stand the block alone cools with 900 s, 400 W reach 200 degC, and 10 K steps overshoot by ~0.4 K.
    """

    ambient_C: float = Field(default=20.0, ge=-20, le=60)
    max_power_W: float = Field(default=400.0, gt=0, le=5000)
    heater_heat_capacity_J_per_K: float = Field(default=100.0, ge=1, le=1e4)
    heater_conductance_W_per_K: float = Field(default=5.0, ge=0.1, le=1e3)
    block_heat_capacity_J_per_K: float = Field(default=2000.0, ge=200, le=1e6)
    loss_conductance_W_per_K: float = Field(default=400 / 180, ge=0.01, le=100)
    dead_time_s: float = Field(default=10.0, ge=0, le=600)
    sensor_lag_s: float = Field(default=15.0, ge=0, le=3600)
    sensor_noise_K: float = Field(default=0.012, ge=0, le=10)
    sensor_offset_K: float = Field(default=0.0, ge=-50, le=50)
    proportional_W_per_K: float = Field(default=40.0, ge=0, le=1e4)
    integral_time_s: float = Field(default=700.0, gt=0, le=1e5)
    derivative_time_s: float = Field(default=15.0, ge=0, le=1e4)


class HolderParameters(ParameterModel):
    """The sample in its holder: how far it trails the block, and what its own sensor adds.

    `lead_loss_fraction`: the sample stays this share of (block - ambient) below the block, for good.
    """

    sample_lag_s: float = Field(default=300.0, ge=0, le=1e5)
    lead_loss_fraction: float = Field(default=0.0, ge=0, le=0.5)
    sample_sensor_noise_K: float = Field(default=0.012, ge=0, le=10)
    sample_sensor_offset_K: float = Field(default=0.0, ge=-50, le=50)


class AnalyserParameters(ParameterModel):
    """The potentiostat with its frequency-response analyser.

    Noise is rms over 1 s of integration and falls with 1/sqrt(time). Current noise is a share of the range's
    full scale. `phase_residual` is the share of a range's first-order lag that calibration leaves.
    """

    point_overhead_s: float = Field(default=0.2, ge=0, le=60)
    adc_bits: int = Field(default=16, ge=4, le=24)
    adc_rate_Hz: float = Field(default=1e5, ge=10, le=1e9)
    voltage_noise_V: float = Field(default=2e-6, ge=0, le=1)
    current_noise_fraction: float = Field(default=1e-5, ge=0, le=1)
    gain_error_fraction: float = Field(default=1e-3, ge=0, le=0.5)
    bandwidth_Hz: float = Field(default=8e6, ge=1e3, le=1e9)
    bandwidth_margin: float = Field(default=10.0, ge=0, le=1e3)
    phase_residual: float = Field(default=0.02, ge=0, le=1)
    open_circuit_noise_V: float = Field(default=2e-5, ge=0, le=1)


class CyclerParameters(ParameterModel):
    """What the battery cycler adds to each record, rms, whatever time lies between them. Its control is exact.

    `cycler_current_noise_fraction` is a share of the current that flows; at rest there is none to read.
    """

    cycler_voltage_noise_V: float = Field(default=2e-5, ge=0, le=1)
    cycler_current_noise_fraction: float = Field(default=1e-5, ge=0, le=1)


class BlockingParameters(ParameterModel):
    """A pellet between two blocking electrodes, at 25 degC and for 0.9 mm thickness and 10 mm diameter.

    Resistances are those of this reference pellet whatever geometry a plan states. `activation_energy_eV`
    stands for both arcs where the energy of one is not given. The `low_phase_` values and the transition belong
    together: below the transition the low phase conducts, above it the values without prefix.
    Capacitance of the grain boundary is the effective one, R C = time constant at the arc's apex.
    """

    activation_energy_eV: float = Field(default=0.56, ge=0, le=3)
    bulk_activation_energy_eV: float | None = Field(default=None, ge=0, le=3)
    grain_boundary_activation_energy_eV: float | None = Field(default=None, ge=0, le=3)
    bulk_resistance_ohm: float = Field(default=529.0, gt=0, le=1e12)
    grain_boundary_resistance_ohm: float = Field(default=25.0e3, gt=0, le=1e12)
    geometric_capacitance_F: float = Field(default=7.7e-12, ge=0, le=1e-3)
    grain_boundary_capacitance_F: float = Field(default=2.5e-10, gt=0, le=1e-3)
    grain_boundary_exponent: float = Field(default=0.90, gt=0.3, le=1)
    blocking_cpe_S_sn: float = Field(default=5e-6, gt=0, le=10)
    blocking_exponent: float = Field(default=0.80, gt=0.3, le=1)
    blocking_activation_energy_eV: float = Field(default=0.05, ge=0, le=3)
    lead_resistance_ohm: float = Field(default=0.3, ge=0, le=1e6)
    lead_inductance_H: float = Field(default=1e-6, ge=0, le=1)
    stray_capacitance_F: float = Field(default=5e-12, ge=0, le=1e-3)
    low_phase_bulk_resistance_ohm: float | None = Field(default=None, gt=0, le=1e15)
    low_phase_grain_boundary_resistance_ohm: float | None = Field(default=None, gt=0, le=1e15)
    low_phase_activation_energy_eV: float | None = Field(default=None, ge=0, le=3)
    transition_heating_C: float | None = Field(default=None, ge=-100, le=500)
    transition_cooling_C: float | None = Field(default=None, ge=-100, le=500)
    transition_width_K: float = Field(default=1.0, gt=0, le=100)
    transition_time_s: float = Field(default=300.0, ge=0, le=1e6)
    open_circuit_potential_V: float = Field(default=0.0, ge=-10, le=10)
    thermopower_V_per_K: float = Field(default=1e-5, ge=-1, le=1)
