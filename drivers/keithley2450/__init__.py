"""The Keithley 2450 source-meter, as a potentiostat for direct currents."""

from drivers.keithley2450.driver import Keithley2450Source

__all__ = ["Keithley2450Source"]
