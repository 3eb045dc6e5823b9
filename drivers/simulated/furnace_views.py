"""What the simulated furnace's controller and sensors show: now, and reading by reading. degC, percent."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class FurnaceView(NamedTuple):
    """What the furnace's controller and sensors show now. degC. A tuple, for it is looked at more than all else."""

    temperature_C: float
    setpoint_C: float
    working_setpoint_C: float
    output_percent: float
    sample_temperature_C: float
    heater_on: bool


class FurnaceCourse(NamedTuple):
    """As `FurnaceView`, reading by reading."""

    temperature_C: NDArray[np.float64]
    setpoint_C: NDArray[np.float64]
    working_setpoint_C: NDArray[np.float64]
    output_percent: NDArray[np.float64]
    sample_temperature_C: NDArray[np.float64]
