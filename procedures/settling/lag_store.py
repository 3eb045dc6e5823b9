"""Lags of fixtures, kept in a JSON file, so that the next run starts from them."""

from __future__ import annotations

import json
import math
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

from daq.errors import BadInput
from procedures.settling.observer import Direction, LagEstimate

FORMAT = "cellrig-lags-1"


class LagStore:
    """One file, one lag per fixture and direction. Read whole, written whole, replaced in one go."""

    def __init__(self, path: Path) -> None:
        self.path = Path(path)

    def get(self, fixture: str, direction: Direction) -> LagEstimate | None:
        """The stored lag with the date and uncertainty it was kept with; `BadInput` for a damaged file."""
        found = self._read().get(_key(fixture, direction))
        return None if found is None else self._estimate(found)

    def put(self, lag: LagEstimate) -> None:
        """Keep a lag in place of the one of the same fixture and direction. It needs a fixture and a date."""
        if not (lag.fixture and lag.determined_on):
            raise ValueError("a stored lag needs its fixture and the date it was determined on")
        table = self._read()
        table[_key(lag.fixture, lag.direction)] = asdict(lag)
        text = json.dumps({"format": FORMAT, "lags": list(table.values())}, indent=1)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        new = self.path.with_name(self.path.name + ".new")
        with open(new, "w", encoding="utf-8") as file:
            file.write(text + "\n")
            file.flush()
            os.fsync(file.fileno())
        os.replace(new, self.path)

    def _read(self) -> dict[str, dict[str, Any]]:
        try:
            document = json.loads(self.path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as bad:
            raise self._damaged(str(bad)) from bad
        if not isinstance(document, dict) or document.get("format") != FORMAT:
            raise self._damaged(f"it doesn't say {FORMAT!r}")
        rows = document.get("lags")
        if not isinstance(rows, list):
            raise self._damaged("it has no list of lags")
        lags = [self._estimate(row) for row in rows]
        return {_key(lag.fixture, lag.direction): asdict(lag) for lag in lags}

    def _estimate(self, row: Any) -> LagEstimate:
        try:
            lag = LagEstimate(**row)
            good = 0 < lag.lag_s < math.inf and 0 < lag.relative_uncertainty < math.inf
        except TypeError as bad:
            raise self._damaged(f"a lag it can't read: {row!r}") from bad
        if not good or lag.direction not in ("heating", "cooling"):
            raise self._damaged(f"a lag that can't be: {row!r}")
        return lag

    def _damaged(self, why: str) -> BadInput:
        return BadInput(f"can't be used: {why}; delete it to learn the lags anew", place=str(self.path))


def _key(fixture: str, direction: str) -> str:
    return f"{fixture}\n{direction}"
