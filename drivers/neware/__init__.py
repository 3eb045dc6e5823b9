"""Neware battery testers behind BTS Client, by its TCP interface."""

from drivers.neware.driver import Neware

__all__ = ["Neware"]
