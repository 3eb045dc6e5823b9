"""LAND battery testers (LANDdt, LANHE, Landt): watched through the files they export, never started or stopped."""

from drivers.land.driver import Land

__all__ = ["Land"]
