"""Who may: one token may do everything, one may only look. Each lies in a file that only its user can read."""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from daq.errors import BadInput
from daq.system import write_private

FULL, READ = "service-token", "service-token-read"
Right = Literal["none", "read", "full"]
_FEWEST = 20  # letters


@dataclass(frozen=True)
class Tokens:
    full: str
    read: str

    def right_of(self, given: str) -> Right:
        """What somebody with this token may do."""
        if hmac.compare_digest(given.encode(), self.full.encode()):
            return "full"
        return "read" if hmac.compare_digest(given.encode(), self.read.encode()) else "none"


def tokens_in(folder: Path) -> Tokens:
    """The bench's tokens, made when there are none; they stay, so that a page stays open over a restart.

    Raises BadInput when they can't be written.
    """
    return Tokens(_token(folder / FULL), _token(folder / READ))


def _token(path: Path) -> str:
    try:
        kept = path.read_text(encoding="utf-8").strip() if path.exists() else ""
        if len(kept) < _FEWEST:
            kept = secrets.token_urlsafe(24)
            write_private(path, kept + "\n")
        return kept
    except OSError as error:
        raise BadInput(f"the service's token cannot be kept: {error}", place=str(path)) from error
