"""Where step files are put: a folder that this computer and the Windows computer with BTS Client both see.

Nothing can be uploaded through the API: `start` names a file by its path on the Windows computer.
"""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path

from daq.errors import InstrumentError


@dataclass(frozen=True)
class StepFileDrop:
    """`seen_by_us` and `seen_by_windows` are the same folder."""

    seen_by_us: Path
    seen_by_windows: str
    instrument: str

    def missing(self) -> str:
        """What is wrong with the folder; empty when it is there."""
        if self.seen_by_us.is_dir():
            return ""
        return f"the folder for step files, {self.seen_by_us}, is not there: nothing can be started, only watched"

    def put(self, name: str, data: bytes) -> tuple[str, str]:
        """Write and read back; returns the path for `start` and the SHA-256. Raises InstrumentError."""
        safe = re.sub(r"[^\w.-]", "_", name) + ".xml"
        path = self.seen_by_us / safe
        try:
            with open(path, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            written = path.read_bytes()
        except OSError as error:
            raise InstrumentError(
                self.instrument,
                f"the step file can't be put into {self.seen_by_us} ({error}); nothing was started; is the folder "
                "shared by the computer of BTS Client there?",
            ) from error
        if written != data:
            raise InstrumentError(self.instrument, f"{path} reads back otherwise than written; nothing was started")
        slash = "/" if "/" in self.seen_by_windows and "\\" not in self.seen_by_windows else "\\"
        return f"{self.seen_by_windows.rstrip(slash)}{slash}{safe}", hashlib.sha256(data).hexdigest()
