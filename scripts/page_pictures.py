"""Pictures of the status page for the docs, on a telephone and on a screen, of a run on a simulated bench.

    PYTHONPATH=tests/support python scripts/page_pictures.py [FOLDER]

needs Chromium (`sh scripts/system-packages browser`). Without a folder they go into docs/images.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from headless_page import find_browser, headless_page
from host_bench import SIMULATED, ended_with_the_test, until, write_bench, write_plan

from daq.bench_lock import bench_folder
from daq.clock import wall_sleep
from daq.service.client import BenchClient
from daq.service.tokens import FULL

ROOT = Path(__file__).resolve().parents[1]
SIZES = {"page_phone": (390, 844), "page_screen": (1440, 900)}
SPEED = 600
SPECTRA = 3


def main() -> None:
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "images"
    browser = find_browser()
    if browser is None:
        raise SystemExit("there is no Chromium here: sh scripts/system-packages browser")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as made:
        folder = Path(made)
        os.environ["CELLRIG_STATE"] = str(folder / "state")
        config = write_bench(folder, SIMULATED.replace("simulated, in real time", "glovebox 2 (simulated)"), SPEED)
        plan = write_plan(folder, [30, 45, 60, 75, 90, 105])
        words = [sys.executable, "-P", "-m", "cellrig", "serve", "--bench", str(config.source), "--port", "0"]
        with ended_with_the_test(config), subprocess.Popen(words, cwd=folder, stdout=subprocess.PIPE) as process:
            try:
                assert process.stdout is not None
                line = process.stdout.readline().decode()
                address = next(word for word in line.split() if word.startswith("http"))
                token = (bench_folder(config) / FULL).read_text(encoding="utf-8").strip()
                with BenchClient.of(config) as bench, headless_page(browser) as page:
                    number = bench.submit(plan)["id"]
                    bench.submit(plan)
                    page.size(*SIZES["page_screen"])
                    page.open(f"{address}#{token}")
                    wanted = f"number {SPECTRA}"
                    until(lambda: wanted in page.text("z-title"), 300, "no spectrum is shown")
                    for name, (width, height) in SIZES.items():
                        page.size(width, height)
                        wall_sleep(1.0)
                        page.picture(target / f"{name}.png")
                        print(target / f"{name}.png")
                    for entry in bench.status()["queue"]:
                        if entry["state"] == "waiting":
                            bench.remove(entry["id"])
                    bench.stop()
                    bench.wait(number)
            finally:
                process.send_signal(signal.SIGINT)
                process.communicate(timeout=30)


if __name__ == "__main__":
    main()
