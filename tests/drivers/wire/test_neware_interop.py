"""An independent client, unchanged, works with our peer as it does with the maker's server."""

from __future__ import annotations

from pathlib import Path

import pytest
from aurora_neware import NewareAPI
from neware_bench import context_of, to_and_fro

from daq.virtual_clock import VirtualClock
from drivers.neware.step_file import step_file
from drivers.neware.step_plan import plan_of
from drivers.simulated.options import shared_world, simulation_of
from drivers.simulated.wire.mounts import TcpMount
from drivers.simulated.wire.neware_core import NewareCore
from drivers.simulated.wire.neware_tester import NewareTester


def test_aurora_neware_connects_starts_watches_and_stops(tmp_path: Path) -> None:
    clock = VirtualClock()
    context = context_of(tmp_path, clock, "peer", {})
    tester = NewareTester(shared_world(context, simulation_of(context)), context, 8, {})
    mount = TcpMount(lambda: NewareCore(tester))
    path = tmp_path / "steps.xml"
    path.write_bytes(step_file(plan_of(to_and_fro(), "cycler"), "cell", 0.0))
    try:
        with NewareAPI(port=int(mount.port.rpartition(":")[2])) as client:
            assert len(client.getdevinfo()) == 8
            assert client.getchlstatus("21-1-3")["21-1-3"]["status"] == "finish"
            assert client.start("21-1-3", "cell", path)[0]["start"] == "ok"
            assert client.inquire("21-1-3")["21-1-3"]["workstatus"] == "working"
            assert client.getchlstatus("21-1-3")["21-1-3"]["status"] == "working"
            assert client.get_testid("21-1-3")["21-1-3"]["test_id"] == 1
            with pytest.raises(ValueError, match="21-1-3"):
                client.start("21-1-3", "cell", path)
            assert client.stop("21-1-3")[0]["stop"] == "ok"
            assert client.getchlstatus("21-1-3")["21-1-3"]["status"] == "stop"
    finally:
        mount.close()
        tester.close()
        context.shared.close()
