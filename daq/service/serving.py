"""`cellrig serve`: the service on its port, until it is told to end."""

from __future__ import annotations

import json
import logging
import os
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

import uvicorn

from daq.bench import BenchConfig
from daq.bench_lock import bench_folder
from daq.errors import BadInput, CellrigError
from daq.host_note import QUEUE
from daq.run_queue import RunQueue
from daq.runner import versions
from daq.service.app import Parts, make_app
from daq.service.host_door import HostDoor
from daq.service.note import NAME, ServiceNote
from daq.service.queue_view import QueueView
from daq.service.service_log import logged_to
from daq.service.tokens import FULL, tokens_in
from daq.service.walls import Walls
from daq.system import System, write_private

log = logging.getLogger(__name__)
LOOPBACK = ("127.0.0.1", "localhost", "::1")
MOST_CLIENTS = 200


def listening(address: str, port: int) -> socket.socket:
    """A socket on loopback. Raises BadInput for another address, or a port in use."""
    if address not in LOOPBACK:
        raise BadInput(
            f"the service answers on this computer only, not on {address}",
            place="--host",
            allowed="127.0.0.1; from elsewhere through an SSH tunnel: docs/how-to/remote-bench.md",
        )
    # asyncio sets TCP_NODELAY only where the protocol is named; without it each answer waits 40 ms
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind(("127.0.0.1", port))
        made.listen(128)
    except (OSError, OverflowError) as error:
        made.close()
        raise BadInput(
            f"port {port} cannot be had: {error}", place="--port", allowed="another port, 0 for any"
        ) from None
    return made


def serve(config: BenchConfig, runs_folder: Path, address: str, port: int, say: Callable[[str], None] = print) -> None:
    """Serve until Ctrl-C or a request to end. A run in progress goes on without us; an idle host is ended.

    What it does and what is asked of it is told to `service.log` in the bench's folder (`daq.service.service_log`).
    Raises BenchBusy when somebody else has the bench, BadInput for address, port, bench or queue that won't do.
    """
    folder = bench_folder(config)
    there = ServiceNote.read(folder)
    if there is not None:
        raise BadInput(f"the bench has a service already, at http://127.0.0.1:{there.port}", place=config.place)
    door = listening(address, port)
    try:
        with logged_to(folder):
            _serve(config, runs_folder, door, say)
    finally:
        door.close()


def _serve(config: BenchConfig, runs_folder: Path, door: socket.socket, say: Callable[[str], None]) -> None:
    folder = bench_folder(config)
    port = door.getsockname()[1]
    log.info(
        "process %s serves %s at port %s, runs in %s; %s", os.getpid(), config.place, port, runs_folder, versions()
    )
    queue = RunQueue(folder / QUEUE)
    host = HostDoor(config, runs_folder)
    try:
        tokens = tokens_in(folder)
        host.open()
        parts = Parts(config, runs_folder.absolute(), queue, host, QueueView(queue))
        app = Walls(make_app(parts), tokens, port)
        write_private(folder / NAME, json.dumps(asdict(ServiceNote(System().this_process(), port))))
        say(f"{config.name} is at http://127.0.0.1:{port}/ (its token lies in {folder / FULL})")
        server = uvicorn.Server(
            uvicorn.Config(
                app,
                log_config=None,
                log_level="warning",
                access_log=False,
                server_header=False,
                limit_concurrency=MOST_CLIENTS,
                timeout_keep_alive=30,
                timeout_graceful_shutdown=1,
                lifespan="off",
                h11_max_incomplete_event_size=32 * 1024,
            )
        )
        server.run(sockets=[door])
        left = _leave(host)
        log.info("%s", left)
        say(left)
    except CellrigError as error:
        log.error("%s", error)
        raise
    finally:
        (folder / NAME).unlink(missing_ok=True)
        host.close()
        queue.close()


def _leave(host: HostDoor) -> str:
    with suppress(CellrigError):
        if host.status()["state"] == "idle":
            host.ask("end")
            return "the service and its bench host have ended"
        return "the run goes on without the service; cellrig serve attaches to it again"
    return "the service has ended"
