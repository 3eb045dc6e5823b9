"""A BTS server with long tests in it, quick to answer: what is measured beside it is our side of the wire.

    python benchmarks/_bts_server.py --channels 64 --records 4000000 [--running]

prints its port. Every test cycles between 100 s of charge and 100 s of discharge, a record a second, 50 uA.
`--running`: the channels work, and each has a record more with every question.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable

from drivers.simulated.wire.mounts import TcpMount

HALF = 100  # records of a step, a second apart
AMPS = 5e-5
CYCLE = 2 * HALF
FULL_Ah = f"{AMPS * HALF / 3600:.8f}"
TAIL = "</bts>\r\n\n\n#\r\n"
CHANNEL = re.compile(r'devid="(\d+)" subdevid="(\d+)" chlid="(\d+)"')
NUMBER = {name: re.compile(rf'{name}="(\d+)"') for name in ("startpos", "count", "testid")}


def volt(place: int) -> float:
    return 3.42 + 0.003 * (place if place < HALF else CYCLE - place)


ROWS = [
    '" stepid="{}" cycleid="%d" steptype="{}" testtime="{}" atime="2026-01-05 22:29:05" volt="{:.5f}" curr="{:.8f}" '
    'cap="{:.8f}" eng="0.0135611" />'.format(
        1 + place // HALF, "cd"[place // HALF] + "c", 1000 * (place % HALF + 1), volt(place),
        AMPS if place < HALF else -AMPS, AMPS * (place % HALF + 1) / 3600,
    )
    for place in range(CYCLE)
]  # fmt: skip


class Server:
    def __init__(self, channels: int, records: int, is_running: bool) -> None:
        self._keys = [(1 + n // 8, 1 + n % 8) for n in range(channels)]
        self._counts = dict.fromkeys(self._keys, records)
        self._is_running = is_running
        self._buffer = b""
        self._commands: dict[str, Callable[[str], str]] = {
            "connect": lambda text: "<result>ok</result>",
            "getdevinfo": self._channels,
            "getchlstatus": lambda text: self._each(text, self._state),
            "inquire": lambda text: self._each(text, self._live),
            "inquiredf": lambda text: self._each(text, self._progress),
            "download": self._download,
            "downloadStepLayer": self._layers,
        }

    def feed(self, data: bytes, now: float) -> list[tuple[float, bytes]]:
        self._buffer += data
        replies: list[tuple[float, bytes]] = []
        while b"</bts>" in self._buffer:
            text, _, rest = self._buffer.partition(b"</bts>")
            self._buffer = rest.lstrip(b"\r\n#")
            asked = text.decode()
            command = asked.partition("<cmd>")[2].partition("</cmd>")[0]
            body = self._commands[command](asked)
            head = f'<?xml version="1.0" encoding="UTF-8" ?>\r\n<bts version="1.0">\r\n<cmd>{command}_resp</cmd>\r\n'
            replies.append((0.0, f"{head}{body}{TAIL}".encode()))
        return replies

    def _channels(self, text: str) -> str:
        lines = [
            f'<channel ip="127.0.0.1" devtype="27" devid="21" subdevid="{unit}" Channelid="{number}">true</channel>'
            for unit, number in self._keys
        ]
        return f'<middle count="{len(lines)}">{"".join(lines)}</middle>'

    def _each(self, text: str, line: Callable[[tuple[int, int]], str]) -> str:
        found = [(int(unit), int(number)) for _, unit, number in CHANNEL.findall(text)]
        return f'<list count="{len(found)}">{"".join(map(line, found))}</list>'

    def _state(self, key: tuple[int, int]) -> str:
        word = "working" if self._is_running else "finish"
        return f'<status {_named(key)} reservepause="0">{word}</status>'

    def _live(self, key: tuple[int, int]) -> str:
        return (
            f'<inquire dev="27-21-{key[0]}-{key[1]}-0" cycle_id="1" step_id="1" step_type="cc" workstatus="working" '
            'barcode="cell" current="0.0001" voltage="3.4200" capacity="0" energy="0" totaltime="0" relativetime="0" />'
        )

    def _progress(self, key: tuple[int, int]) -> str:
        if self._is_running:
            self._counts[key] += 1
        complete = "false" if self._is_running else "true"
        return f'<chl {_named(key)} testid="1" count="{self._counts[key]}">{complete}</chl>'

    def _download(self, text: str) -> str:
        first, count = (int(NUMBER[name].findall(text)[-1]) for name in ("startpos", "count"))
        _, unit, number = CHANNEL.findall(text)[0]
        last = min(first + count - 1, self._counts[int(unit), int(number)])
        rows = [
            f'<data seqid="{n}{ROWS[(n - 1) % CYCLE] % (1 + (n - 1) // CYCLE)}' for n in range(first, last + 1)
        ]  # fmt: skip
        key = int(unit), int(number)
        header = f'<download {_named(key)} testid="1" startpos="{first}" count="{count}" auxid="0" />'
        return f'{header}<list count="{len(rows)}">{"".join(rows)}</list>'

    def _layers(self, text: str) -> str:
        _, unit, number = CHANNEL.findall(text)[0]
        count = self._counts[int(unit), int(number)] // HALF
        rows = [
            f'<data startseqid="{HALF * n + 1}" endseqid="{HALF * (n + 1)}" stepid="{1 + n % 2}" '
            f'cycleid="{1 + n // 2}" steptype="{"cd"[n % 2]}c" steptime="{1000 * HALF}" cap="{FULL_Ah}" />'
            for n in range(count)
        ]
        return f'<list count="{len(rows)}">{"".join(rows)}</list>'


def _named(key: tuple[int, int]) -> str:
    return f'devtype="27" devid="21" subdevid="{key[0]}" chlid="{key[1]}"'


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--channels", type=int, default=64)
    parser.add_argument("--records", type=int, default=1000)
    parser.add_argument("--running", action="store_true")
    given = parser.parse_args()
    server = Server(given.channels, given.records, given.running)
    mount = TcpMount(lambda: server)
    print(mount.port, flush=True)
    sys.stdin.readline()
    mount.close()


if __name__ == "__main__":
    main()
