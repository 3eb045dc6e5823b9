"""Eurotherm temperature controllers."""

from drivers.eurotherm.driver import Eurotherm

__all__ = ["Eurotherm"]
