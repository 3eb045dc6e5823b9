"""`[notify]` of a bench file: whom to tell, of what, how often. No addresses: those are in the user's own file."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from daq.tables import StrictModel

Kind = Literal["finished", "failed", "stopped", "interlock", "guard", "operator"]
USUAL: tuple[Kind, ...] = ("finished", "failed", "interlock", "guard", "operator")


class NotifyTable(StrictModel):
    """`to`: names in the user's file; left out, everybody there."""

    to: list[str] | None = None
    about: list[Kind] = Field(default_factory=lambda: [*USUAL])
    every_min: Annotated[float, Field(ge=0, le=24 * 60, allow_inf_nan=False)] = 10.0
