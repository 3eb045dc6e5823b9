"""Linkam stages with a T95, TMS 94 or CI 94 controller."""

from drivers.linkam.driver import Linkam

__all__ = ["Linkam"]
