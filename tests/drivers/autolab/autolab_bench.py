"""An Autolab in its child process, with the double of its SDK named as `sdk`: options, context, driver."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from wire_bench import driver_context

from daq.clock import Clock, ScaledClock
from drivers.autolab import Autolab

DOUBLE = "drivers.simulated.autolab.stand_in:double"
ANSWERED = {"galvanostatic_setpoint": "A", "range_change": "cell-on"}


def autolab_options(folder: Path, **options: Any) -> dict[str, Any]:
    """`faults`, `truths` and `simulation` go to the double; the rest is the driver's."""
    folder.mkdir(parents=True, exist_ok=True)
    files = {"firmware_file": folder / "Adk.x", "hardware_setup_file": folder / "HardwareSetup.AUT00000.xml"}
    for path in files.values():
        path.write_text("stands in", encoding="utf-8")
    settings = {name: options.pop(name) for name in ("faults", "truths", "simulation") if name in options}
    model = options.pop("model", "PGSTAT302N")
    return {
        "model": model,
        **{name: str(path) for name, path in files.items()},
        "sdk": DOUBLE,
        "sdk_settings": {"model": model, "state_folder": str(folder / "sdk"), **settings},
        "first_hour": {**ANSWERED, **options.pop("first_hour", {})},
        **options,
    }


@contextmanager
def autolab_in(folder: Path, clock: Clock | None = None, **options: Any) -> Iterator[Autolab]:
    """Connected; 20 x as fast as the wall unless told."""
    context = driver_context(
        autolab_options(folder, **options), folder, clock or ScaledClock(20.0), "potentiostat", limits={}
    )
    Autolab.check(context)
    driver = Autolab(context)
    driver.connect()
    try:
        yield driver
    finally:
        driver.disconnect()
