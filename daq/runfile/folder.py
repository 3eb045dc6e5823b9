"""The folder of a run: its name, its reserve file."""

from __future__ import annotations

import contextlib
import os
import re
import unicodedata
from itertools import count
from pathlib import Path

from daq.clock import date_of
from daq.disk import RESERVE_BYTES
from daq.errors import BadInput

RESERVE = "reserve.bin"
_LONGEST = 60


def safe_name(text: str) -> str:
    """`text` as a part of a folder name on any system: letters, digits, `.` and `-`; subscripts become digits."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    words = re.sub(r"[^A-Za-z0-9.]+", "-", plain)[:_LONGEST].strip("-.")
    return words or "sample"


def new_folder(runs_folder: Path, procedure: str, sample: str, started_unix: float) -> Path:
    """A new `<date>_<procedure>_<sample>[_n]`, never one that exists. Raises BadInput when it can't be made."""
    stem = f"{date_of(started_unix)}_{safe_name(procedure)}_{safe_name(sample)}"
    try:
        runs_folder.mkdir(parents=True, exist_ok=True)
        for number in count(1):
            folder = runs_folder / (stem if number == 1 else f"{stem}_{number}")
            with contextlib.suppress(FileExistsError):
                folder.mkdir()
                return folder.absolute()
    except OSError as error:
        raise BadInput(
            f"no run can be stored here: {error.strerror or error}",
            place=str(runs_folder),
            allowed="a folder on a local disk that you may write to; name one with --runs",
        ) from error
    raise AssertionError("count() ended")


def make_reserve(folder: Path) -> None:
    """Room that is given back when the disk is full. Random, so that no file system saves it away. Raises OSError."""
    with (folder / RESERVE).open("wb") as file:
        file.write(os.urandom(RESERVE_BYTES))


def free_reserve(folder: Path) -> None:
    with contextlib.suppress(OSError):
        (folder / RESERVE).unlink(missing_ok=True)
