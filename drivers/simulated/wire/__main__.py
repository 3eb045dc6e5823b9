"""`python -P -m drivers.simulated.wire eurotherm --tcp 5020`: what `cellrig simulate` starts."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from pathlib import Path

from daq.errors import CellrigError
from drivers.simulated.land_peer import LandPeer
from drivers.simulated.wire.process import HELP, Peer, PeerRequest, run_commands


def main() -> int:
    parser = argparse.ArgumentParser(prog="cellrig simulate", epilog=HELP)
    parser.add_argument("kind")
    parser.add_argument("--bench", type=Path)
    parser.add_argument("--tcp", type=int)
    parser.add_argument("--pty", type=Path)
    parser.add_argument("--family", default="2400", choices=("2200", "2400", "3200", "3500"))
    parser.add_argument("--model")
    parser.add_argument("--unit", type=int, default=1)
    parser.add_argument("--baud", type=int, default=0)
    parser.add_argument("--speed", type=float)
    parser.add_argument("--fault", action="append", default=[], dest="faults")
    parser.add_argument("--owner", type=int, help="the process that started it: it ends when that is gone")
    words = vars(parser.parse_args())
    owner = words.pop("owner")
    request = PeerRequest(**words)
    try:
        peer = LandPeer(request.bench, request.speed) if request.kind == "land" else Peer(request)
    except CellrigError as error:
        print(f"cellrig: {error}", file=sys.stderr, flush=True)
        return 2
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    try:
        _serve(peer, ended, owner)
    except KeyboardInterrupt:
        pass
    finally:
        peer.close()
    return 0


def _serve(peer: Peer | LandPeer, ended: threading.Event, owner: int | None) -> None:
    print(f"{peer.greeting}; type help, or quit", flush=True)

    def listen() -> None:
        if run_commands(peer, sys.stdin, lambda text: print(text, flush=True)):
            ended.set()

    threading.Thread(target=listen, name="commands", daemon=True).start()
    while not ended.wait(0.5):  # in slices: Windows lets no Ctrl-C through to an endless wait
        if owner is not None and os.getppid() != owner:  # it was killed; a port that nobody wants must be free again
            break


if __name__ == "__main__":
    sys.exit(main())
