"""What an instrument says that it can do: the bit field of `CM`, and the techniques that follow from it."""

from __future__ import annotations

from drivers.methodscript.models import Model

LSV, CA, OCP, EIS, CP, GEIS = 23, 28, 30, 31, 67, 70
NEEDED = {
    "spectrum": EIS,
    "open-circuit": OCP,
    "cyclic-voltammetry": LSV,
    "linear-sweep": LSV,
    "constant-potential": CA,
    "constant-current": CP,
    "galvanostatic-spectrum": GEIS,
}
GALVANOSTATIC = ("constant-current", "galvanostatic-spectrum")


def techniques_of(model: Model, field: str | None) -> tuple[str, ...]:
    """By the model; where the instrument was asked (`field`, hex digits), only what it says it has.

    An answer that is no bit field tells nothing: then the model's table stands.
    """
    names = tuple(name for name in NEEDED if model.has_galvanostat or name not in GALVANOSTATIC)
    try:
        bits = int(field, 16) if field else None
    except ValueError:
        bits = None
    return names if bits is None else tuple(name for name in names if bits >> NEEDED[name] & 1)
