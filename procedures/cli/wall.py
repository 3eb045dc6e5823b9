"""The wall between errors and the terminal: one line for a person's mistake, and the exit status of the contract."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable
from enum import IntEnum
from typing import Any

from daq.errors import BadInput, CellrigError, Stopped

log = logging.getLogger(__name__)
INTERRUPTED = 130  # what Typer makes of a Ctrl-C that it sees itself


class Status(IntEnum):
    """Exit statuses. Worse is not larger: a run that failed is 1, what a person has to correct is 2."""

    DONE = 0
    FAILED = 1
    BAD_INPUT = 2
    STOPPED = 3


def complain(text: str) -> None:
    """One line on stderr, whatever stdout is used for."""
    print("cellrig: " + " ".join(text.split()), file=sys.stderr, flush=True)


def abandon_stdout() -> None:
    """Whoever read stdout is gone: what is still in its buffer goes nowhere, and Python's own exit stays quiet."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, ValueError):
        log.debug("stdout is no file", exc_info=True)


def guarded(command: Callable[..., Any]) -> None:
    """Run a Typer app and end the process. Anything that is not listed here is a bug and keeps its traceback."""
    logging.basicConfig(level=logging.ERROR, format="cellrig: %(name)s: %(message)s")
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")  # a console that lacks a sign shows ? and does not die of it
    sys.exit(_status(command))


def _status(command: Callable[..., Any]) -> int:
    try:
        returned = command(standalone_mode=False)
        if sys.stdout is not None:  # Windows' pythonw has none
            sys.stdout.flush()
        if returned == INTERRUPTED:
            complain("interrupted")
            return Status.STOPPED
    except BadInput as error:
        complain(str(error))
        return Status.BAD_INPUT
    except Stopped as error:
        complain(str(error))
        return Status.STOPPED
    except CellrigError as error:
        complain(str(error))
        return Status.FAILED
    except KeyboardInterrupt:
        complain("interrupted")
        return Status.STOPPED
    except BrokenPipeError:  # `cellrig runs | head`: the reader has seen enough
        abandon_stdout()
        return Status.DONE
    except Exception as error:  # Typer's own usage errors, told from bugs by what they carry; bugs are raised on
        usage = getattr(error, "format_message", None)
        if usage is None:
            if type(error).__name__ != "Abort":
                raise
            complain("interrupted")
            return Status.STOPPED
        complain(_usage(error, usage()))
        return Status.BAD_INPUT
    return returned if isinstance(returned, int) else Status.DONE


def _usage(error: Exception, message: str) -> str:
    context = getattr(error, "ctx", None)
    where = getattr(context, "command_path", "cellrig")
    place = where.removeprefix("cellrig").strip()
    return f"{place + ': ' if place else ''}{message.rstrip('.')} (see {where} --help)"
