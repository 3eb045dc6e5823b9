"""Metrohm Autolab potentiostats (M204, 302N and kin) through the vendor's SDK, in a process of its own."""

from drivers.autolab.driver import Autolab

__all__ = ["Autolab"]
