"""The way in: `cellrig`, `python -m cellrig`. It looks whether it is at home before it imports anything else.

The four floors have plain names (`daq`, `drivers`, `procedures`, `gui`). A lab may well have a folder of the same
name; on Python's path before ours it would be imported instead, and the error would make no sense to anybody.
"""

from __future__ import annotations

import gc
import sys
from importlib.util import find_spec
from pathlib import Path

COLLECT_AFTER = 400_000  # objects; imports and figures make many that stay: 5 % of a run went into looking at them
FLOORS = ("daq", "drivers", "procedures", "gui")


def stranger(home: Path) -> Path | None:
    """The folder or file that Python would import in place of one of the floors that lie in `home`."""
    for floor in FLOORS:
        spec = find_spec(floor)
        if spec is None:
            return home / floor  # ours is gone; say so under the name where it should be
        places = [Path(place) for place in spec.submodule_search_locations or [spec.origin or ""]]
        if places[0].resolve().parent != home:
            return places[0]
    return None


def main() -> None:
    found = stranger(Path(__file__).resolve().parent)
    if found is not None:
        print(
            f"cellrig: {found}: stands in for cellrig's own {found.stem!r} and keeps it from starting "
            "(rename it, start from another folder, or take it off PYTHONPATH)",
            file=sys.stderr,
        )
        raise SystemExit(2)
    gc.set_threshold(COLLECT_AFTER)
    try:
        from procedures.cli.app import run_app

        run_app()
    except KeyboardInterrupt:  # before there was anything to stop
        print("cellrig: interrupted", file=sys.stderr)
        raise SystemExit(3) from None
    finally:
        gc.freeze()  # everything was closed by name; to look at each object once more, at the exit, took 0.2 s


if __name__ == "__main__":
    main()
