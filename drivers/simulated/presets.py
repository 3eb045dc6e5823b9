"""Samples by name, as values that replace defaults of `BlockingParameters`.

Reference geometry: 0.9 mm thick, 10 mm in diameter. Resistances follow from R = thickness / (conductivity area).
"""

from __future__ import annotations

import math
from collections.abc import Mapping

THICKNESS_cm = 0.09
AREA_cm2 = math.pi * 0.5**2
BULK_SHARE = 529 / 25529  # of the total resistance of K001; taken over where a source gives the total only


def _arcs(conductivity_S_cm: float, bulk_share: float, prefix: str = "") -> dict[str, float]:
    total_ohm = THICKNESS_cm / (conductivity_S_cm * AREA_cm2)
    return {
        f"{prefix}bulk_resistance_ohm": bulk_share * total_ohm,
        f"{prefix}grain_boundary_resistance_ohm": (1 - bulk_share) * total_ohm,
    }


BLOCKING: Mapping[str, Mapping[str, float]] = {
    # (Li2OH)0.99K0.01Cl; R and Ea from Gao et al., Nat. Commun. (2023), the rest assumed
    "K001": {},
    # (Li2OH)0.9K0.1Cl; Ea from the same source, conductivity read off its figure 4e, uncertain
    "K010": {**_arcs(1.3e-6, BULK_SHARE), "activation_energy_eV": 0.62},
    # Li2OHCl; conductivity at 25 degC and the transition from the same source, Ea of the low phase assumed
    "Li2OHCl": {
        **_arcs(0.85 * THICKNESS_cm / (25529 * AREA_cm2), BULK_SHARE),
        **_arcs(1.37e-7, 0.05, "low_phase_"),
        "low_phase_activation_energy_eV": 0.70,
        "transition_heating_C": 44.0,
        "transition_cooling_C": 27.0,
    },
}

# the cells of the same source; what is assumed is said at each model's defaults
PRESETS: Mapping[str, Mapping[str, Mapping[str, float]]] = {
    "blocking": BLOCKING,
    "gold": {"K001": {}},
    "symmetric": {"K001": {}},
    "lfp": {"K001": {}},
}
