"""The status page in a browser: what it shows of a run, and that its STOP makes the bench safe.

Needs Chromium (`sh scripts/system-packages browser`); where it can't be had, the test says so by name.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
from headless_page import Page, find_browser, headless_page
from host_bench import SIMULATED, ended_with_the_test, until, write_bench, write_plan

from daq import untold
from daq.bench_lock import bench_folder
from daq.service.client import BenchClient
from daq.service.tokens import FULL

SPEED = 600


@pytest.mark.timeout(150)
@pytest.mark.filterwarnings("default:no Chromium")
def test_stop_on_the_page_makes_the_bench_safe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = find_browser()
    if browser is None:
        warnings.warn("no Chromium here: STOP on the status page was not pressed", stacklevel=1)
        return
    monkeypatch.setenv("CELLRIG_STATE", str(tmp_path / "state"))
    config = write_bench(tmp_path, SIMULATED, SPEED)
    plan = write_plan(tmp_path, [40, 60, 80, 100, 120])
    words = [sys.executable, "-P", "-m", "cellrig", "serve", "--bench", str(config.source), "--port", "0"]
    with ended_with_the_test(config), subprocess.Popen(words, cwd=tmp_path, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline().decode()
            address = next(word for word in line.split() if word.startswith("http"))
            token = (bench_folder(config) / FULL).read_text(encoding="utf-8").strip()
            with BenchClient.of(config) as bench, headless_page(browser) as page:
                number = bench.submit(plan)["id"]
                page.size(390, 844)
                page.open(address)
                _token_is_asked_for(page, token)
                until(lambda: page.text("state") == "running", 30, "the page does not tell that it runs")
                _a_phone_shows_it(page)
                until(lambda: "°C" in page.text("t-title"), 30, "the page shows no temperature")
                untold.keep(config, ["the message 'x' did not get to address 1: no answer"])
                until(lambda: "address 1" in page.text("notes"), 10, "what should be known is not shown")
                untold.keep(config, [])
                until(lambda: page.text("notes") == "", 10, "what is over stays")
                page.press("stop")
                until(lambda: page.text("told").startswith("STOP: "), 20, "nothing is said of STOP")
                assert bench.wait(number)["state"] == "stopped"
                until(lambda: page.text("state") == "idle", 20, "the page does not tell that it stopped")
                safe = bench.status()["safe"]
                assert "furnace: heater off" in safe
                assert "potentiostat: 4 cells off" in safe
                until(lambda: "heater off" in page.text("told"), 10, "the page does not say that it is safe")
                page.press("stop")  # on an idle bench it makes safe as well
                until(lambda: bench.status()["state"] == "idle", 20, "it does not stay idle")
        finally:
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=20)
    assert os.listdir(tmp_path / "runs")


def _token_is_asked_for(page: Page, token: str) -> None:
    until(lambda: page.value("!document.getElementById('ask').hidden"), 10, "no token is asked for")
    page.value(f"document.getElementById('token').value = {token!r}")
    page.value("document.querySelector('#token-form button').click()")


def _a_phone_shows_it(page: Page) -> None:
    """Nothing sticks out at the side, and STOP is there without scrolling."""
    assert page.value("document.documentElement.scrollWidth") <= 390
    inside = "(b => b.left >= 0 && b.top >= 0 && b.right <= innerWidth && b.bottom <= innerHeight && b.height >= 40)"
    assert page.value(f"{inside}(document.getElementById('stop').getBoundingClientRect())")
