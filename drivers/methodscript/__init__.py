"""PalmSens instruments that speak MethodSCRIPT: EmStat Pico, EmStat4, Nexus."""

from drivers.methodscript.driver import MethodScript

__all__ = ["MethodScript"]
