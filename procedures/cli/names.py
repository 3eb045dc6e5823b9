"""Small things that several commands ask for by name."""

from __future__ import annotations


def procedure_name(procedure: object) -> str:
    """What a plan calls it."""
    return str(getattr(procedure, "procedure_name", type(procedure).__name__))
