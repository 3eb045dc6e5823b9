"""What is asked of the operating system, on Windows as well: its branches are tried with a start that only remembers.

No Windows was at hand. What these tests hold is what we ask for; what Windows makes of it: first-hour-windows.md.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest
from host_bench import until

from daq import system as system_module
from daq.system import System, write_private

# The numbers of Windows' own documentation.
OWN_GROUP, NO_WINDOW, OUT_OF_JOB, BELOW_NORMAL = 0x200, 0x08000000, 0x01000000, 0x4000


class Starts:
    """Stands for `subprocess.Popen`: remembers what was asked, and refuses to leave a job when told to."""

    def __init__(self, status: int | None = 0, in_a_closed_job: bool = False) -> None:
        self.status = status
        self.in_a_closed_job = in_a_closed_job
        self.asked: list[dict[str, Any]] = []
        self.words: list[str] = []

    def __call__(self, words: list[str], **options: Any) -> Starts:
        self.words = words
        self.asked.append(options)
        if self.in_a_closed_job and options.get("creationflags", 0) & OUT_OF_JOB:
            raise PermissionError(13, "Access is denied", None, 5)
        return self

    def wait(self, timeout: float) -> int:
        if self.status is None:
            raise subprocess.TimeoutExpired("python", timeout)
        return self.status


def test_on_windows_it_is_started_without_console_out_of_reach_of_ctrl_c_and_of_our_job(tmp_path: Path) -> None:
    starts = Starts()
    System("win32", starts).start_detached(["-m", "daq.guard", "C:\\a bench"], tmp_path / "new" / "host.log")
    (options,) = starts.asked
    assert options["creationflags"] == OWN_GROUP | NO_WINDOW | OUT_OF_JOB
    assert "start_new_session" not in options, "Windows' Popen takes none"
    assert options["stdin"] == subprocess.DEVNULL
    assert starts.words[-3:] == ["-m", "daq.guard", "C:\\a bench"]
    assert starts.words[-5] == sys.executable


def test_what_is_done_aside_opens_no_console_on_windows_and_gives_way() -> None:
    starts = Starts()
    System("win32", starts).start_aside(["-m", "a.report", "C:\\a run"])
    (options,) = starts.asked
    assert options["creationflags"] == NO_WINDOW | BELOW_NORMAL
    assert starts.words == [sys.executable, "-P", "-m", "a.report", "C:\\a run"]
    with System().start_aside(["-c", "input()"]) as child:
        assert sys.platform == "win32" or psutil.Process(child.pid).nice() > psutil.Process().nice()
        child.communicate()


def test_a_job_that_lets_nobody_out_is_no_reason_not_to_start(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    starts = Starts(in_a_closed_job=True)
    System("win32", starts).start_detached(["-V"], tmp_path / "host.log")
    assert [one["creationflags"] & OUT_OF_JOB for one in starts.asked] == [OUT_OF_JOB, 0]
    assert starts.asked[-1]["creationflags"] == OWN_GROUP | NO_WINDOW
    assert "may end when the job does" in caplog.text


@pytest.mark.parametrize("platform", ["linux", "darwin"])
def test_elsewhere_it_gets_a_session_of_its_own(platform: str, tmp_path: Path) -> None:
    starts = Starts()
    System(platform, starts).start_detached(["-V"], tmp_path / "host.log")
    (options,) = starts.asked
    assert options["start_new_session"] is True
    assert "creationflags" not in options


@pytest.mark.parametrize("platform", ["win32", "linux"])
@pytest.mark.parametrize(("status", "told"), [(1, "could not be started; see"), (None, "within 30 s; see")])
def test_what_does_not_start_is_told_with_where_to_look(
    platform: str, status: int | None, told: str, tmp_path: Path
) -> None:
    with pytest.raises(OSError, match=f"{told} .*host.log"):
        System(platform, Starts(status)).start_detached(["-V"], tmp_path / "host.log")


def test_the_launcher_leaves_a_python_that_is_nobody_s_child(tmp_path: Path) -> None:
    """The launcher itself is the same on every system; here it is run."""
    said = tmp_path / "said"
    system = System()
    system.start_detached(["-c", "import os; print('parent', os.getppid(), os.getcwd())"], said)
    until(lambda: said.read_bytes().endswith(b"\n"), 10, "it was not started")
    _, parent, folder = said.read_text(encoding="utf-8").split(maxsplit=2)
    assert int(parent) != os.getpid()
    assert folder.strip() == os.getcwd()
    assert system.children(system.this_process()) == []


def test_a_private_file_that_somebody_reads_is_replaced_a_moment_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Windows refuses to replace an open file; a reader has it open for an instant."""
    refused: list[Path] = []
    replace = os.replace

    def busy(source: Path, target: Path) -> None:
        if len(refused) < 3:
            refused.append(target)
            raise PermissionError(13, "Access is denied")
        replace(source, target)

    monkeypatch.setattr(system_module.os, "replace", busy)
    write_private(tmp_path / "note.json", "{}")
    assert (tmp_path / "note.json").read_text(encoding="utf-8") == "{}"
    assert len(refused) == 3
    monkeypatch.setattr(system_module, "REPLACE_S", 0.1)
    refused[:] = []
    monkeypatch.setattr(system_module.os, "replace", lambda source, target: refused.append(target) or _refuse())
    with pytest.raises(PermissionError):
        write_private(tmp_path / "note.json", "[]")
    assert len(refused) > 1


def _refuse() -> None:
    raise PermissionError(13, "Access is denied")
