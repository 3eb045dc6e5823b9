"""Numbers of the cells that pass a direct current, each with its default, bounds and unit in the name.

Resistances are those at `reference_temperature_C`; they follow R exp(Ea/k (1/T - 1/T_ref)).
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from drivers.simulated.parameters import ParameterModel


class GoldParameters(ParameterModel):
    """Li | electrolyte | Au. The double layer is an ideal capacitor.

    `deposit_scale_mC_cm2`: as much plated lithium has half the activity of the metal. `dead_lithium_fraction` of
    what is plated is never stripped.
    """

    reference_temperature_C: float = Field(default=80.0, ge=-50, le=300)
    activation_energy_eV: float = Field(default=0.56, ge=0, le=3)
    area_cm2: float = Field(default=0.6362, gt=0, le=1e3)
    ohmic_resistance_ohm: float = Field(default=382.0, gt=0, le=1e9)
    open_circuit_potential_V: float = Field(default=2.1, ge=-10, le=10)
    exchange_current_density_mA_cm2: float = Field(default=0.5, gt=0, le=1e3)
    double_layer_uF_cm2: float = Field(default=5.0, gt=0, le=1e6)
    deposit_scale_mC_cm2: float = Field(default=0.2, gt=0, le=1e3)
    dead_lithium_fraction: float = Field(default=0.02, ge=0, lt=1)
    oxidation_onset_V: float = Field(default=4.0, ge=0.5, le=9)
    oxidation_onset_current_uA_cm2: float = Field(default=5.0, gt=0, le=1e6)
    oxidation_tafel_mV_per_decade: float = Field(default=60.0, ge=5, le=1e3)
    oxidation_limit_mA_cm2: float = Field(default=1.0, gt=0, le=1e4)
    leak_conductance_S: float = Field(default=2e-9, gt=0, le=1)
    residual_current_noise_A: float = Field(default=20e-9, ge=0, le=1)


class SymmetricParameters(ParameterModel):
    """Li | electrolyte | Li. Above the critical current damage grows by (|i|/i_crit - 1) per `time_to_short_s`.

    With damage the voltage first wanders, from 0.3 on it is softly shorted, at 1 shorted for good: as `short_kind`
    says hard, soft, or never.
    """

    reference_temperature_C: float = Field(default=80.0, ge=-50, le=300)
    activation_energy_eV: float = Field(default=0.56, ge=0, le=3)
    area_cm2: float = Field(default=0.6362, gt=0, le=1e3)
    electrolyte_asr_ohm_cm2: float = Field(default=235.0, gt=0, le=1e7)
    interface_asr_ohm_cm2: float = Field(default=12.0, gt=0, le=1e7)
    interface_capacitance_uF_cm2: float = Field(default=10.0, gt=0, le=1e6)
    growth_percent_per_h: float = Field(default=0.002, ge=0, le=100)
    critical_current_density_mA_cm2: float = Field(default=0.72, gt=0, le=1e3)
    time_to_short_s: float = Field(default=37.5, gt=0, le=1e7)
    short_kind: Literal["hard", "soft", "none"] = "hard"
    short_resistance_ohm: float = Field(default=2.0, gt=0, le=1e6)
    soft_short_fraction: float = Field(default=0.6, gt=0, le=1)
    unsteadiness_fraction: float = Field(default=0.04, ge=0, le=1)


class LfpParameters(ParameterModel):
    """Li | electrolyte | LFP. The capacity is what 80 mA/g deliver between 2.9 and 3.8 V on the first discharge.

    `first_cycle_efficiency` approaches `coulombic_efficiency` by a factor of e^2 per cycle.
    """

    reference_temperature_C: float = Field(default=120.0, ge=-50, le=300)
    activation_energy_eV: float = Field(default=0.56, ge=0, le=3)
    active_mass_mg: float = Field(default=1.4, gt=0, le=1e6)
    capacity_mAh_g: float = Field(default=121.1, gt=0, le=1e4)
    capacity_loss_percent_per_cycle: float = Field(default=0.0267, ge=0, le=50)
    coulombic_efficiency: float = Field(default=0.998, gt=0.5, le=1)
    first_cycle_efficiency: float = Field(default=0.93, gt=0.3, le=1)
    plateau_V: float = Field(default=3.42, ge=0.5, le=6)
    hysteresis_V: float = Field(default=0.016, ge=0, le=1)
    ohmic_resistance_ohm: float = Field(default=60.0, gt=0, le=1e9)
    interface_resistance_ohm: float = Field(default=136.4, gt=0, le=1e9)
    interface_capacitance_F: float = Field(default=1e-3, gt=0, le=1e3)
    initial_state_of_charge: float = Field(default=0.0, ge=0, le=1)
