"""One tree of errors. Each carries a sentence for a chemist: what happened, to what, and what to do now.

`CellrigError` and what derives from it is caught at the command line and printed as one line; anything else is a bug.
"""

from __future__ import annotations


class CellrigError(Exception):
    """Base of every error that cellrig raises on purpose."""


class BadInput(CellrigError):
    """Something a person wrote (plan, bench file, argument, data file) can't be used; exit status 2.

    `place` names the file and key, `allowed` what would have been accepted.
    """

    def __init__(self, problem: str, *, place: str = "", allowed: str = "") -> None:
        self.problem = problem
        self.place = place
        self.allowed = allowed
        text = f"{place}: {problem}" if place else problem
        super().__init__(f"{text} (allowed: {allowed})" if allowed else text)


class BenchBusy(BadInput):
    """Another process holds the bench."""


class BenchChanged(BadInput):
    """The bench file is another than the plan was checked against."""


class RunFileError(BadInput):
    """A run file is missing, foreign, damaged, or written by a newer cellrig."""


class StorageError(CellrigError):
    """The run could not be written: disk full, folder gone, no rights."""


class InstrumentError(CellrigError):
    """An instrument failed. `instrument` is its name on the bench."""

    def __init__(self, instrument: str, problem: str) -> None:
        self.instrument = instrument
        super().__init__(f"{instrument}: {problem}")


class InstrumentLost(InstrumentError):
    """No answer within the deadline: cable, power, or a hang. A read may be repeated."""


class BadReply(InstrumentError):
    """Something came that can't be the answer. Never taken for a value; asked again."""


class LimitBroken(InstrumentError):
    """A reading is beyond a limit; the run ends safely."""


class NotSafe(InstrumentError):
    """`make_safe` could not be verified: a person has to look."""


class StepFailed(CellrigError):
    """A step could not be done; the run ends safely as failed."""


class Stopped(CellrigError):
    """Somebody asked the run to stop. Raised out of waits so that a step is left in order."""


class StepSkipped(Stopped):
    """Somebody asked to leave this step and go on with the next."""


class StepPaused(CellrigError):
    """An interlock has tripped: the step is left in order, and taken up again when it has cleared.

    Not a `Stopped`: a cycler's own test, which goes on by itself, is not stopped by it.
    """


class AnalysisRefused(CellrigError):
    """The data do not carry the number that was asked for; the text is the reason."""
