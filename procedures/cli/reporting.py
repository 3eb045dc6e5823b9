"""`cellrig report`, and the report that every run leaves behind at its end."""

from __future__ import annotations

import logging
from pathlib import Path

from daq.catalog import find_run
from daq.errors import CellrigError
from procedures.cli.console import print_json, say, stdout
from procedures.cli.wall import complain

log = logging.getLogger(__name__)


def report_command(name: str, target: Path | None, png: bool, overwrite: bool, runs: Path, json: bool) -> None:
    from procedures.report import write_report

    written = write_report(find_run(runs, name), target, png, overwrite)
    if json:
        print_json({"report": written})
    else:
        say(stdout(), str(written))


def report_at_end(path: Path) -> Path | None:
    """The report of a run that has ended; None and a line on stderr when there is none, for the run stands."""
    try:
        from procedures.report import write_report

        return write_report(path)
    except KeyboardInterrupt:
        complain(f"the report is left out; it can be had with: cellrig report {path}")
    except CellrigError as error:
        complain(f"no report: {error}")
    except Exception as error:  # noqa: BLE001  whatever is wrong with a figure, the run is done and on disk
        log.warning("the report of %s", path, exc_info=True)
        complain(f"no report ({error!r}), though the run is on disk as it should be; try: cellrig report {path}")
    return None
