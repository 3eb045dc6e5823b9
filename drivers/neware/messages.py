"""Requests and replies of the BTS API as text: framing, channels, states. Shapes as captured from a BTS 8 server."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

from drivers.neware.xml_text import Element, parse_xml
from drivers.schedule import ChannelState

END_OF_REPLY = b"#\r\n"  # after an empty line; what counts is </bts>
CLOSING = b"</bts>"
HEAD = '<?xml version="1.0" encoding="UTF-8" ?><bts version="1.0">'

STATES: Mapping[str, ChannelState] = {
    "working": "running",
    "stop": "stopped",
    "finish": "finished",
    "protect": "protected",
    "pause": "paused",
}
STARTABLE = ("finish", "stop", "protect")  # a start over "pause" would replace the paused test


@dataclass(frozen=True)
class Address:
    """One channel as the server names it."""

    ip: str
    devtype: int
    devid: int
    subdevid: int
    chlid: int

    @property
    def key(self) -> str:
        """As people write it: device-unit-channel."""
        return f"{self.devid}-{self.subdevid}-{self.chlid}"

    def attributes(self, with_ip: bool = True) -> str:
        ip = f"ip={quoteattr(self.ip)} " if with_ip else ""
        return f'{ip}devtype="{self.devtype}" devid="{self.devid}" subdevid="{self.subdevid}" chlid="{self.chlid}"'


def request(command: str, body: str = "") -> bytes:
    return f"{HEAD}<cmd>{command}</cmd>{body}</bts>\n\n#\r\n".encode()


def listed(elements: list[str]) -> str:
    """A list of ready elements."""
    return f'<list count="{len(elements)}">{"".join(elements)}</list>'


def element(tag: str, attributes: str, text: str) -> str:
    return f"<{tag} {attributes}>{escape(text)}</{tag}>"


def attribute(name: str, value: str) -> str:
    return f"{name}={quoteattr(value)}"


def read_reply(data: bytes, commands: tuple[str, ...]) -> Element:
    """The `<bts>` of a reply to one of these commands. Raises ValueError for anything else."""
    end = data.find(CLOSING)
    if end < 0:
        raise ValueError("it has no end")
    root = parse_xml(data[: end + len(CLOSING)].decode("utf-8"))
    said = (root.findtext("cmd") or "").strip()
    if root.tag != "bts" or said not in commands:
        raise ValueError(f"it answers {said!r}, not {commands[0]!r}")
    return root


def is_of(element: Element, channel: Address) -> bool:
    """Whether a reply's element names this channel, as far as it does: servers tell the unit wrongly."""
    *_, devid, _, chlid, _ = ("", "", *element.get("dev", "----").split("-"))[-5:]
    told = element.get("devid", devid), element.get("chlid", chlid)
    return told[0] in ("", str(channel.devid)) and told[1] in ("", str(channel.chlid))


def address_of(element: Element, channel: str = "chlid") -> Address:
    """Raises ValueError, KeyError."""
    numbers = (int(element.attrib[name]) for name in ("devtype", "devid", "subdevid", channel))
    return Address(element.get("ip", ""), *numbers)
