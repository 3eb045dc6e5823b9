"""When is the sample at temperature: `Settling` decides, `SampleObserver` tells a sample's temperature from R(t)."""

from procedures.settling.lag_store import LagStore
from procedures.settling.machine import Settling
from procedures.settling.observer import LagEstimate, SampleObserver
from procedures.settling.release import Bracketing, Gate, Release, SettleState
from procedures.settling.spec import SettleSpec

__all__ = [
    "Bracketing",
    "Gate",
    "LagEstimate",
    "LagStore",
    "Release",
    "SampleObserver",
    "SettleSpec",
    "SettleState",
    "Settling",
]
