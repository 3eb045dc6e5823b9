"""Whether a cell was shorted by its very first current, so soon that no change can be seen in the record.

A steady current sees all that a spectrum sees at 10 Hz, and more: the resistance of a sound cell under current is not
less than the modulus of its impedance a moment before.
"""

from __future__ import annotations

import numpy as np

from daq.contracts import Rig, RunReader
from daq.sample import Sample
from drivers.roles import Potentiostat
from procedures.dc_taking import PRE_CHECK_HZ, ohm_of

REMEMBERED = "ohm before the first current"
SHARE = 0.5  # of it; a factor of two is beyond what noise and a charged double layer do


def look_before(rig: Rig, potentiostat: Potentiostat, sample: Sample) -> None:
    """At temperature, once in a run, where the instrument measures spectra."""
    if rig.recall(REMEMBERED) is not None or "spectrum" not in potentiostat.abilities().techniques:
        return
    ohm = ohm_of(potentiostat, sample)
    rig.remember(REMEMBERED, ohm)
    rig.log(f"{sample.label}: {ohm:.4g} Ω at {PRE_CHECK_HZ:g} Hz before the first current")


def shorted_at_once(
    known: Rig | RunReader, current_A: np.ndarray, voltage_V: np.ndarray, stage: np.ndarray, sample: Sample
) -> str:
    """A sentence where the second half of the first stage shows less than half of what was seen before; else nothing.

    Rows (n,) of one cell, in order.
    """
    before_ohm = known.recall(REMEMBERED)
    flows = np.flatnonzero(current_A != 0)
    if before_ohm is None or not flows.size:
        return ""
    first = flows[stage[flows] == stage[flows[0]]]
    late = first[len(first) // 2 :]
    ohm = float(np.median(np.abs(voltage_V[late] / current_A[late])))
    if ohm >= SHARE * before_ohm:
        return ""
    return (
        f"{sample.label} shorted at its first current: {before_ohm:.3g} Ω at {PRE_CHECK_HZ:g} Hz before, {ohm:.2g} Ω "
        "under it; begin with a smaller current"
    )
