"""How bytes reach an instrument: ports with one owner, deadlines, reconnection, and a trace of what passed."""

from daq.errors import BadReply
from drivers.transport.errors import NoReply, PortGone, Refused
from drivers.transport.links import LineSettings, Link, SerialLink, SocketLink
from drivers.transport.memory import Core, MemoryLink, ReplayLink, SpeakingCore
from drivers.transport.ports import PortOptions, host_and_port, lay, link_for, make_link
from drivers.transport.trace import ByteTrace, Passage, hex_of, load_trace
from drivers.transport.transport import Transport

__all__ = [
    "BadReply",
    "ByteTrace",
    "Core",
    "LineSettings",
    "Link",
    "MemoryLink",
    "NoReply",
    "Passage",
    "PortGone",
    "PortOptions",
    "Refused",
    "ReplayLink",
    "SerialLink",
    "SocketLink",
    "SpeakingCore",
    "Transport",
    "hex_of",
    "host_and_port",
    "lay",
    "link_for",
    "load_trace",
    "make_link",
]
