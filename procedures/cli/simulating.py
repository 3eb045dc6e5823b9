"""`cellrig simulate`: a wire peer as a process of its own. Started, never imported: it is no part of a bench."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

PEERS = "drivers.simulated.wire"


def simulate_command(
    peer: str,
    bench: Path | None,
    tcp: int | None,
    pty: Path | None,
    family: str,
    model: str | None,
    speed: float | None,
    faults: Sequence[str],
) -> int:
    """Start the peer in the foreground, and end with its status."""
    words = [sys.executable, "-P", "-m", PEERS, peer, "--family", family, "--owner", str(os.getpid())]
    for option, value in (("--bench", bench), ("--tcp", tcp), ("--pty", pty), ("--speed", speed), ("--model", model)):
        if value is not None:
            words += [option, str(value)]
    for fault in faults:
        words += ["--fault", fault]
    child = subprocess.Popen(words)
    signal.signal(signal.SIGTERM, lambda *_: child.terminate())
    while True:
        with suppress(KeyboardInterrupt):  # the peer gets it too, and ends in order
            return child.wait()
