"""`driver = "simulated-land"`: the LAND driver with an operator and simulated cells behind it, for virtual time.

Everything between the export folder and the records is the real code; the tester is the simulated cycler's.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from pydantic import Field

from daq.bench import DriverContext
from daq.contracts import Identity
from daq.tables import StrictModel, parse
from drivers.land.driver import Land
from drivers.schedule import Schedule
from drivers.simulated.cycler_driver import SimulatedCycler
from drivers.simulated.land_exports import Dialect
from drivers.simulated.land_operator import Habits, LandOperator
from drivers.simulated.options import FIRMWARE
from drivers.simulated.simulation import CHANNELS_MAX
from drivers.step_sheet import sheet_of

FOLDER = "simulated_land"


class OperatorOptions(StrictModel):
    """`operator = { ... }`: how long the sheet takes to type in, how often is exported, in which dialect.

    `digits`: after the point of an exported current, in mA (in A where the dialect is `csv`).
    """

    typing_s: float = Field(default=600.0, ge=0)
    export_every_s: float = Field(default=24 * 3600.0, ge=60)
    dialect: Dialect = "text"
    digits: int = Field(default=5, ge=0, le=12)


class SimulatedLand(Land):
    """The LAND driver, watching the exports of a simulated operator. Speaks V, A and Ah; charge is positive current."""

    in_process = True

    def __init__(self, context: DriverContext) -> None:
        super().__init__(_real(context))
        habits = _habits(context)
        folder = Path(context.state_folder) / FOLDER / context.name
        self._tester = SimulatedCycler(replace(context, name=f"{context.name}-tester", options={}))
        self._operator_lock = threading.Lock()
        self._operator = LandOperator(self._tester, context.clock, folder, _exports(context), habits)

    @classmethod
    def check(cls, context: DriverContext) -> None:
        _habits(context)
        SimulatedCycler.check(replace(context, options={}, limits={}))
        super().check(_real(context))

    def connect(self) -> None:
        self._tester.connect()
        self._operator.come_in()
        super().connect()

    def disconnect(self) -> None:
        if self._is_connected:
            self._tester.disconnect()
        super().disconnect()

    def identity(self) -> Identity:
        return replace(
            super().identity(), maker="cellrig", model="simulated LAND tester, operator-run", firmware=FIRMWARE
        )

    def expect(self, channel: int, schedule: Schedule, sample_id: str) -> str:
        ref = super().expect(channel, schedule, sample_id)
        self._operator.print_sheet(ref, channel, sheet_of(schedule, sample_id).csv())
        return ref

    def _look(self) -> None:
        if self._is_connected:
            with self._operator_lock:
                self._operator.act(self.hand_over)
        super()._look()


def _exports(context: DriverContext) -> Path:
    return Path(context.state_folder) / FOLDER / context.name / "exports"


def _real(context: DriverContext) -> DriverContext:
    """The context of the real driver: what is not the operator's, and the folder of the exports."""
    rest: Mapping[str, object] = {name: value for name, value in context.options.items() if name != "operator"}
    return replace(context, options={"exports": str(_exports(context)), "channels": CHANNELS_MAX, **rest})


def _habits(context: DriverContext) -> Habits:
    """Raises BadInput."""
    options = parse(OperatorOptions, context.options.get("operator", {}), f"{context.place}.operator")
    return Habits(options.typing_s, options.export_every_s, options.dialect, options.digits)
