"""The process that holds the SDK: `python -P -m drivers.autolab.child`, JSON lines on stdin and stdout.

Its main thread is the one that calls the SDK; a reader thread takes the lines, so that a halt is seen at once. When
the pipe ends, whatever the reason, the cell goes off, and the process with it.
"""

from __future__ import annotations

import json
import os
import queue
import sys
import threading
from typing import Any, TextIO

from daq.clock import Clock, ScaledClock, SystemClock, wall_sleep
from daq.errors import CellrigError
from drivers.autolab.service import Service

ORPHAN_s = 60.0  # an SDK call that has not come back by then never will
Requests = queue.Queue[dict[str, Any] | None]


def own_stdout() -> TextIO:
    """The pipe for answers; whatever the SDK prints goes to stderr instead."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8", newline="\n")
    os.dup2(2, 1)
    return answers


def read_requests(lines: TextIO, service: Service, requests: Requests) -> None:
    for line in lines:
        request: dict[str, Any] = json.loads(line)
        if request["do"] == "halt":
            service.halt.ask(request["why"])
        else:
            service.received(request)
            requests.put(request)
    service.halt.ask("safe")
    requests.put(None)
    wall_sleep(ORPHAN_s)
    os._exit(3)


def send(answers: TextIO, message: dict[str, Any]) -> None:
    answers.write(json.dumps(message) + "\n")
    answers.flush()


def clock_of(start: dict[str, Any]) -> Clock:
    """The bench's: the wall's own, or a scaled one shared through its epoch."""
    if start["speed"] == 1.0:
        return SystemClock()
    return ScaledClock(start["speed"], start["epoch_unix"])


def serve(service: Service, requests: Requests, answers: TextIO) -> None:
    """Until the pipe ends. A parent that is gone does not keep the cell from being switched off."""
    while (request := requests.get()) is not None:
        for message in service.answer(request):
            send(answers, {"id": request["id"], **message})


def main() -> int:
    answers = own_stdout()
    lines = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115  (open as long as the process)
    start: dict[str, Any] = json.loads(lines.readline())
    service = Service(start["name"], start["options"], start["channel"], clock_of(start))
    requests: Requests = queue.Queue()
    threading.Thread(target=read_requests, args=(lines, service, requests), daemon=True).start()
    status = 0
    try:
        serve(service, requests, answers)
    except OSError:
        status = 1  # nobody reads the answers any more
    finally:
        try:
            service.close()
        except CellrigError as error:
            print(error, file=sys.stderr)
            status = 2
    sys.stderr.flush()
    os._exit(status)  # threads of a broken SDK would keep the process alive


if __name__ == "__main__":
    main()
