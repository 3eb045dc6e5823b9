"""What can be wrong with a simulated Autolab, set from outside."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from daq.tables import StrictModel


class AutolabFaults(StrictModel):
    """`hang_in`: the call never returns, from the `hang_after`th on, as with a pulled USB: the cell stays as it is.

    `stuck_after`: the latch loads nothing any more after so many samples. `throws_after`: so many calls of `Start`
    or `Sample` and the SDK throws. `open_lead`: noise, and no flag. `oscillates`: above this loop's speed.
    """

    nova_holds_it: bool = False
    not_connected: bool = False
    no_fra: bool = False
    hang_in: Literal["", "Connect", "Sample", "Start"] = ""
    hang_after: int = Field(default=1, ge=1)
    stuck_after: int | None = Field(default=None, ge=0)
    throws_after: int | None = Field(default=None, ge=0)
    open_lead: bool = False
    refused_ranges: list[str] = Field(default_factory=list)
    oscillates_in: list[str] = Field(default_factory=list)
    chatter: bool = False


class Truths(StrictModel):
    """The answers of a dummy cell that nobody has proven: what this double really does."""

    galvanostatic_setpoint: Literal["A", "V"] = "A"
    fra_amplitude: Literal["rms", "peak"] = "rms"
    imaginary: Literal["inverted", "true"] = "inverted"
    follower_residue: float = Field(default=0.02, ge=0, le=1)
    start_overhead_s: float = Field(default=0.05, ge=0, le=10)
