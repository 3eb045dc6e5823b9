"""What a client may send, checked whole; unknown keys are refused."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class PlanBody(Body):
    """A plan as its TOML file has it, as a table. `source`: the file it came from; paths in it are relative to that."""

    plan: dict[str, Any]
    source: str | None = Field(default=None, max_length=1000)


class OnBody(Body):
    on: bool = True


class MoveBody(Body):
    """Places later in the queue, earlier when negative."""

    by: int = Field(ge=-100_000, le=100_000)


class ManualBody(Body):
    command: Literal["set_target", "hold", "make_safe"]
    target_C: float | None = None
    ramp_K_per_min: float | None = None
