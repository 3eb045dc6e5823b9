"""BTS Client's TCP server as bytes: requests in, replies in the captured shapes out, with the quirks as switches."""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from xml.sax.saxutils import quoteattr

from daq.errors import BadInput
from drivers.neware.client import BLOCK
from drivers.neware.messages import CLOSING, Address, address_of
from drivers.neware.xml_text import Element, parse_xml
from drivers.schedule import CyclerRecord
from drivers.simulated.wire.faults import Replies, WireFaults
from drivers.simulated.wire.neware_tester import NewareTester, Test

HEAD = '<?xml version="1.0" encoding="UTF-8" ?>\r\n<bts version="1.0">\r\n'
TAIL = "</bts>\r\n\n\n#\r\n"
REPLY_s = 0.02
PIECE = 16384
REQUEST_BYTES_MAX = 1_000_000
KEPT = 1000  # commands, for whoever looks


@dataclass
class Quirks:
    """What some servers do, each of them seen or told of. Channels started in one request always share a number.

    subdevid_is_1     replies name unit 1 for every unit
    cycles_from_0     `cycleid` of records counts from 0, that of the steps' table from 1
    spelled_right     `download_resp` in place of `donwload_resp`
    is_old            no `<client>`, no `<server>` in the list of channels
    late_upload       so many of the latest records are not with the server yet
    incomplete        a test that has ended is not told as complete
    rows_most         a download breaks off after so many records: the computer is short of memory
    skips             this record is missing from its download
    forgets_barcodes  barcodes are shown empty
    wrong_password    the login is refused
    lists_running     the steps' table has the running step too
    """

    subdevid_is_1: bool = False
    cycles_from_0: bool = False
    spelled_right: bool = False
    is_old: bool = False
    late_upload: int = 0
    incomplete: bool = False
    rows_most: int = BLOCK
    skips: int = 0
    forgets_barcodes: bool = False
    wrong_password: bool = False
    lists_running: bool = False


def set_quirks(quirks: Quirks, table: Mapping[str, int | bool], place: str) -> Quirks:
    """Those of the table set. Raises BadInput for a quirk that there is not, or a value of the wrong kind."""
    known = {one.name: type(one.default) for one in fields(Quirks)}
    for name, value in table.items():
        if name not in known:
            raise BadInput(f"there is no quirk {name!r}", place=place, allowed=", ".join(known))
        if type(value) is not known[name]:
            raise BadInput(f"{value!r} does not do", place=f"{place}, {name}", allowed=known[name].__name__)
        setattr(quirks, name, value)
    return quirks


class NewareCore:
    """One connection's framing; the tester, quirks and faults may be shared by several. `asked` are the commands."""

    def __init__(self, tester: NewareTester, quirks: Quirks | None = None, faults: WireFaults | None = None) -> None:
        self.tester = tester
        self.quirks = quirks or Quirks()
        self.faults = faults or WireFaults()
        self.asked: deque[str] = deque(maxlen=KEPT)
        self.loses_reply_to = ""  # the next reply to this command is lost, once; it was obeyed
        self._buffer = b""
        self._commands: dict[str, Callable[[Element], str]] = {
            "connect": self._connect,
            "getdevinfo": self._channels,
            "getchlstatus": self._states,
            "inquire": self._inquire,
            "inquiredf": self._progress,
            "download": self._download,
            "downloadStepLayer": self._step_layer,
            "start": self._start,
            "stop": self._stop,
        }

    def feed(self, data: bytes, now: float) -> Replies:
        """Bytes received at `now`; returns replies in pieces, each with its delay in seconds."""
        self._buffer += data
        replies: Replies = []
        while CLOSING in self._buffer:
            text, _, rest = self._buffer.partition(CLOSING)
            self._buffer = rest.lstrip(b"\r\n#")
            if self.faults.mute:
                continue
            with self.tester.lock:
                reply = self._answer(text[max(0, text.find(b"<?xml")) :] + CLOSING)
            for delay_s, sent in self.faults.on_reply(reply, REPLY_s) if reply else []:
                replies += [(delay_s, sent[n : n + PIECE]) for n in range(0, len(sent), PIECE)]
        self._buffer = self._buffer[-REQUEST_BYTES_MAX:]
        return replies

    def _answer(self, data: bytes) -> bytes:
        try:
            root = parse_xml(data.decode())
            command = (root.findtext("cmd") or "").strip()
            self.asked.append(command)
            body = self._commands[command](root)
        except (ValueError, KeyError):
            return b""  # nothing at all is what the server says to what it does not understand
        if self.loses_reply_to == command:
            self.loses_reply_to = ""
            return b""
        spelled = "donwload" if command == "download" and not self.quirks.spelled_right else command
        return f"{HEAD}<cmd>{spelled}_resp</cmd>\r\n{body}{TAIL}".encode()

    # ------------------------------------------------------------ commands
    def _connect(self, root: Element) -> str:
        return f"<result>{'fail' if self.quirks.wrong_password else 'ok'}</result>\r\n"

    def _channels(self, root: Element) -> str:
        lines = [
            f'<channel ip="{one.ip}" devtype="{one.devtype}" devid="{one.devid}" subdevid="{one.subdevid}" '
            f'Channelid="{one.chlid}">{_flag(self.tester.word(one) != "working")}</channel>'
            for one in self.tester.addresses
        ]
        client = "" if self.quirks.is_old else '<client version="BTS 8.0.0.516" />\r\n'
        return f'{client}<middle count="{len(lines)}">\r\n' + "\r\n".join(lines) + "\r\n</middle>\r\n"

    def _states(self, root: Element) -> str:
        return _list(
            f'<status {self._named(one)} reservepause="0">{self.tester.word(one)}</status>' for one in _asked(root)
        )

    def _inquire(self, root: Element) -> str:
        return _list(self._live(one) for one in _asked(root))

    def _live(self, one: Address) -> str:
        word = self.tester.word(one)
        dev = f"{one.devtype}-{one.devid}-{one.subdevid}-{one.chlid}-0"
        if word == "false":
            return f'<inquire dev="{dev}" workstatus="false" voltage="0" current="0" />'
        test = self.tester.latest(one)
        step, cycle, volt, current = self.tester.live(one)
        barcode = "" if test is None or self.quirks.forgets_barcodes else test.barcode
        idle = word != "working"
        steps = 'step_type="--"' if idle else f'step_id="{step}" step_type="{_kind(test, step)}"'
        return (
            f'<inquire dev="{dev}" cycle_id="{cycle}" {steps} workstatus="{word}" barcode={quoteattr(barcode)} '
            f'current="{current:.4f}" voltage="{volt:.4f}" capacity="0" energy="0" totaltime="0" relativetime="0" '
            'open_or_close="0" log_code="100000" />'
        )

    def _progress(self, root: Element) -> str:
        return _list(self._progress_of(one, testid) for one, testid in _tests_asked(root))

    def _progress_of(self, one: Address, testid: int) -> str:
        test = self.tester.test(one, testid)
        count = self._uploaded(test) if test else 0
        is_latest = test is not None and test is self.tester.latest(one)
        complete = not (is_latest and self.tester.word(one) == "working") and not self.quirks.incomplete
        number = test.testid if test else 0
        return f'<chl {self._named(one, ip=False)} testid="{number}" count="{count}">{_flag(complete)}</chl>'

    def _uploaded(self, test: Test) -> int:
        return max(0, len(self.tester.records(test).records) - self.quirks.late_upload)

    def _download(self, root: Element) -> str:
        (asked,) = root.findall("download")
        one, testid = address_of(asked), int(asked.get("testid", "0"))
        first, count = int(asked.get("startpos", "0")), min(int(asked.get("count", "0")), BLOCK)
        test = self._found(one, testid)
        header = f'<download {self._named(one, ip=False)} testid="{test.testid}" startpos="{first}" count="{count}" '
        rows = self._rows(test, first, min(count, self.quirks.rows_most)) if first else []
        return f'{header}auxid="0" />\r\n' + _list(rows)

    def _rows(self, test: Test, first: int, count: int) -> list[str]:
        layers = self.tester.records(test)
        last = min(first + count - 1, self._uploaded(test))
        shift = -1 if self.quirks.cycles_from_0 else 0
        found: list[str] = []
        for number in range(first, last + 1):
            if number == self.quirks.skips:
                continue
            record = layers.records[number - 1]
            begin = layers.starts[_place(layers.starts, number)]
            step_s, step_Ah = _within(layers.records, begin, number)
            atime = datetime.fromtimestamp(test.began_unix + record.time_s, UTC).strftime("%Y-%m-%d %H:%M:%S")
            found.append(
                f'<data seqid="{number}" stepid="{record.step}" cycleid="{record.cycle + shift}" '
                f'steptype="{_kind(test, record.step)}" testtime="{step_s * 1e3:.0f}" atime="{atime}" '
                f'volt="{record.voltage_V:.9g}" curr="{record.current_A:.9g}" cap="{step_Ah:.9g}" eng="0" />'
            )
        return found

    def _step_layer(self, root: Element) -> str:
        (asked,) = root.findall("downloadStepLayer")
        test = self._found(address_of(asked), int(asked.get("testid", "0")))
        layers = self.tester.records(test)
        ends = [start - 1 for start in layers.starts[1:]]
        if self.quirks.lists_running or self.tester.word(test.address) != "working":
            ends.append(len(layers.records))
        rows: list[str] = []
        for index, (begin, end) in enumerate(zip(layers.starts, ends, strict=False), start=1):
            record = layers.records[end - 1]
            step_s, step_Ah = _within(layers.records, begin, end)
            rows.append(
                f'<data startseqid="{begin}" endseqid="{end}" stepindex="{index}" stepid="{record.step}" '
                f'cycleid="{record.cycle}" steptype="{_kind(test, record.step)}" steptime="{step_s * 1e3:.0f}" '
                f'endatime="" startvolt="0" endvolt="{record.voltage_V:.6g}" startcurr="0" '
                f'endcurr="{record.current_A:.9g}" cap="{step_Ah:.9g}" eng="0" dcir="0" />'
            )
        return _list(rows)

    def _start(self, root: Element) -> str:
        wanted = root.findall("list/start")
        testid = self.tester.new_testid()
        answers: list[str] = []
        for element in wanted:
            one = address_of(element)
            ok = self.tester.start(one, element.get("barcode", ""), (element.text or "").strip(), testid)
            answers.append(f"<start {self._named(one)}>{'ok' if ok else 'false'}</start>")
        return _list(answers)

    def _stop(self, root: Element) -> str:
        return _list(
            f"<stop {self._named(one)}>{'ok' if self.tester.stop(one) else 'false'}</stop>" for one in _asked(root)
        )

    # ------------------------------------------------------------ inside
    def _named(self, one: Address, ip: bool = True) -> str:
        shown = Address(one.ip, one.devtype, one.devid, 1, one.chlid) if self.quirks.subdevid_is_1 else one
        return shown.attributes(ip)

    def _found(self, one: Address, testid: int) -> Test:
        test = self.tester.test(self._known(one), testid)
        if test is None:
            raise ValueError("no such test")
        return test

    def _known(self, one: Address) -> Address:
        """Requests for data leave the address of the tester out."""
        return Address(one.ip or self.tester.addresses[0].ip, one.devtype, one.devid, one.subdevid, one.chlid)


def _asked(root: Element) -> list[Address]:
    found = root.find("list")
    return [address_of(one) for one in found if one.tag != "backup"] if found is not None else []


def _tests_asked(root: Element) -> list[tuple[Address, int]]:
    return [
        (Address("127.0.0.1", *_numbers(address_of(one))), int(one.get("testid", "0")))
        for one in root.iterfind("list/chl")
    ]


def _numbers(one: Address) -> tuple[int, int, int, int]:
    return one.devtype, one.devid, one.subdevid, one.chlid


def _list(elements: Iterable[str]) -> str:
    lines = list(elements)
    if not lines:
        return '<list count="0" />\r\n'
    return f'<list count = "{len(lines)}">\r\n' + "\r\n".join(lines) + "\r\n</list>\r\n"


def _flag(value: bool) -> str:
    return "true" if value else "false"


def _kind(test: Test | None, step: int) -> str:
    return test.kinds[step - 1] if test and 0 < step <= len(test.kinds) else "--"


def _place(starts: list[int], number: int) -> int:
    return bisect_right(starts, number) - 1


def _within(records: Sequence[CyclerRecord], begin: int, number: int) -> tuple[float, float]:
    """Time and amount of charge from the start of the step (whose first record is `begin`) to a record."""
    record = records[number - 1]
    if begin == 1:
        return record.time_s, record.charge_capacity_Ah + record.discharge_capacity_Ah
    before = records[begin - 2]
    held_Ah = before.charge_capacity_Ah + before.discharge_capacity_Ah if before.cycle == record.cycle else 0.0
    amount_Ah = record.charge_capacity_Ah + record.discharge_capacity_Ah - held_Ah
    return record.time_s - before.time_s, amount_Ah
