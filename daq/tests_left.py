"""Tests that an earlier run left on a cycler, which go on by themselves: a new run does not begin beside them.

It would take the furnace that is kept warm for them, and its end, even a refusal in its first minute, would end them.
"""

from __future__ import annotations

import logging
from pathlib import Path

from daq.bench import Bench
from daq.contracts import CarriesOn
from daq.errors import BadInput, InstrumentError

log = logging.getLogger(__name__)


def refuse_beside_tests(bench: Bench, left: Path | None) -> None:
    """Connects the cyclers only, and asks. `left` is the run that was broken off last, where there is one.

    Raises BadInput while tests go on, and when a cycler can't be asked although a run was broken off.
    """
    name = left.name if left is not None else "RUN"
    for cycler in bench.instruments.values():
        if not isinstance(cycler, CarriesOn):
            continue
        try:
            cycler.connect()
            tests = list(cycler.carrying_on())
        except InstrumentError as error:
            if left is None:
                log.warning("%s", error)  # the run says so itself when it connects
                continue
            tests = [f"it can't be asked what it runs ({error})"]
        if tests:
            raise BadInput(
                f"{cycler.name}: {'; '.join(tests)}. An earlier run left that; a new run on this bench would change "
                "its furnace and end it. Nothing was started and nothing was touched",
                place=bench.config.place,
                allowed=f"cellrig resume {name}, which ends it in order when it is stopped; or stop the test on the "
                "cycler itself",
            )
