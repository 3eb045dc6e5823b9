"""The report of one run, made by the bench host when the run has ended: `python -m procedures.report.at_end RUN`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from daq.errors import CellrigError
from procedures.report import write_report


def main(words: Sequence[str]) -> int:
    """Prints the page's path. Exit status 1 and a sentence on stderr when there is none."""
    try:
        (run,) = words
        print(write_report(Path(run)))
    except CellrigError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
