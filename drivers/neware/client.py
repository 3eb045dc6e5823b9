"""The commands of the BTS API that this driver uses, as typed calls. Currents in A, capacities in Ah, times in s.

Replies are matched to requests by their order: some servers answer with `subdevid` 1 for every unit. Facts from
replies captured from a BTS 8 server (in the tests of the MIT-licensed aurora-neware) and from field notes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from drivers.neware.exchange import Exchange
from drivers.neware.messages import Address, address_of, attribute, element, is_of, listed
from drivers.neware.record_text import RawRecords, read_download
from drivers.neware.xml_text import Element
from drivers.transport import BadReply

T = TypeVar("T")
BLOCK = 1000  # records in one download, at most
BACKUP = (
    'remotedir={0} backupdir={0} filenametype="1" customfilename="" addtimewhenrepeat="0" createdirbydate="0" '
    'filetype="0" backupontime="1" backupontimeinterval="720" backupfree="1"'
)


@dataclass(frozen=True)
class Live:
    """What `inquire` shows of a channel now: current and capacity are rounded to 0.1 mA and 0.1 mAh, for eyes only."""

    barcode: str
    step: int
    cycle: int
    voltage_V: float
    current_A: float


@dataclass(frozen=True)
class Progress:
    """Of a test: how many records the server has of it, and whether that is all."""

    testid: int
    count: int
    is_complete: bool


@dataclass(frozen=True)
class Layer:
    """One execution of a step. `cycle` counts from 1."""

    first: int
    last: int
    step: int
    cycle: int
    duration_s: float
    capacity_Ah: float
    is_charge: bool


class BtsClient:
    """Raises BadReply, NoReply, PortGone."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self.name = exchange.transport.name

    # ------------------------------------------------------------ reading
    def channels(self) -> tuple[list[Address], str]:
        """All channels in the server's order, and the client's version where it tells one."""
        root = self._exchange.ask("getdevinfo")
        middle, version = root.find("middle"), root.find("client")
        if middle is None:
            raise BadReply(self.name, "lists no testers; connect them in BTS Client first")
        found = [self._read(lambda one: address_of(one, "Channelid"), one) for one in middle]
        return found, "" if version is None else version.get("version", "")

    def states(self, channels: Sequence[Address]) -> list[str]:
        """The server's own words."""
        asked = [element("status", one.attributes(), "true") for one in channels]
        return [(one.text or "").strip() for one in self._list("getchlstatus", asked, channels)]

    def live(self, channels: Sequence[Address]) -> list[Live]:
        asked = [element("inquire", f'{one.attributes()} aux="0" barcode="1"', "true") for one in channels]
        return [self._read(_live, one) for one in self._list("inquire", asked, channels)]

    def progress(self, channels: Sequence[Address], testid: int = 0) -> list[Progress]:
        """Of a test, or of the latest (0)."""
        asked = [element("chl", f'{one.attributes(with_ip=False)} testid="{testid}"', "true") for one in channels]
        return [self._read(_progress, one) for one in self._list("inquiredf", asked, channels)]

    def records(self, channel: Address, testid: int, first: int, count: int) -> RawRecords:
        """At most `BLOCK` records from number `first` on, in order and without a gap; fewer where there are no more.

        Raises BadReply where they are not those that were asked for.
        """
        body = (
            f'<download {channel.attributes(with_ip=False)} auxid="0" testid="{testid}" '
            f'startpos="{first}" count="{min(count, BLOCK)}"/>'
        )
        header, found = self._exchange.ask("download", body, read_download)
        if header.get("testid") != str(testid) or not is_of(header, channel):
            raise BadReply(self.name, f"sent records of another test than {testid} on channel {channel.key}")
        expected = range(first, first + len(found.number))
        if found.number != list(expected):
            sent, wanted = next((a, b) for a, b in zip(found.number, expected, strict=True) if a != b)
            raise BadReply(self.name, f"sent record {sent} of channel {channel.key} in place of {wanted}")
        return found

    def layers(self, channel: Address, testid: int) -> list[Layer]:
        """The steps of a test so far, in order."""
        body = f'<downloadStepLayer {channel.attributes(with_ip=False)} testid="{testid}"/>'
        root = self._exchange.ask("downloadStepLayer", body)
        found = self._read(lambda root: [_layer(one) for one in root.iterfind("list/data")], root)
        return sorted(found, key=lambda one: one.first)

    # ------------------------------------------------------------ commanding
    def start(self, channel: Address, barcode: str, path: str, backup_folder: str) -> bool:
        """Whether the server said ok. Sent once, whatever happens."""
        start = element("start", f"{channel.attributes()} {attribute('barcode', barcode)}", path)
        folder = attribute("x", backup_folder)[2:]
        body = f'<list count="1">{start}<backup {BACKUP.format(folder)}/></list>'
        (reply,) = self._children(self._exchange.ask_once("start", body), [channel])
        return (reply.text or "").strip() == "ok"

    def stop(self, channel: Address) -> bool:
        root = self._exchange.ask_once("stop", listed([element("stop", channel.attributes(), "true")]))
        (reply,) = self._children(root, [channel])
        return (reply.text or "").strip() == "ok"

    # ------------------------------------------------------------ inside
    def _list(self, command: str, asked: list[str], channels: Sequence[Address]) -> list[Element]:
        return self._children(self._exchange.ask(command, listed(asked)), channels)

    def _children(self, root: Element, channels: Sequence[Address]) -> list[Element]:
        """The children of the reply's list, one for each channel: its own `count` attribute was seen to be wrong."""
        found = [one for one in root.find("list") or () if one.tag != "backup"]
        if len(found) != len(channels):
            raise BadReply(self.name, f"answered for {len(found)} channels where {len(channels)} were asked about")
        for one, channel in zip(found, channels, strict=True):
            if not is_of(one, channel):
                raise BadReply(self.name, f"answered for another channel than {channel.key}")
        return found

    def _read(self, read: Callable[[Element], T], element: Element) -> T:
        try:
            return read(element)
        except (KeyError, ValueError) as error:
            raise BadReply(self.name, f"a reply of BTS Client lacks or garbles a number ({error})") from error


def _number(text: str | None) -> int:
    return int(text) if text and text.strip().lstrip("-").isdigit() and text != "--" else 0


def _live(one: Element) -> Live:
    at = one.attrib
    volt, current = float(at["voltage"]), float(at["current"])
    return Live(at.get("barcode", ""), _number(at.get("step_id")), _number(at.get("cycle_id")), volt, current)


def _progress(one: Element) -> Progress:
    return Progress(int(one.attrib["testid"]), int(one.attrib["count"]), (one.text or "").strip() == "true")


def _layer(one: Element) -> Layer:
    at = one.attrib
    return Layer(
        int(at["startseqid"]),
        int(at["endseqid"]),
        int(at["stepid"]),
        int(at["cycleid"]),
        float(at["steptime"]) / 1e3,
        float(at["cap"]),
        is_charge(at["steptype"]),
    )


def is_charge(kind: str) -> bool:
    """Of a step's word in replies: `dc`, `dv`, `cccd`, `dp`, `dr` discharge."""
    return not kind.startswith("d") and kind != "cccd"
