"""What the wire does to a reply: every fault that the field reports, by probability or switched on, changed live."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field, fields

from daq.errors import BadInput

Replies = list[tuple[float, bytes]]

OVERSIZE_BYTES = 4096
ENDLESS_CHUNKS = 400
ENDLESS_EVERY_s = 0.02


@dataclass
class WireFaults:
    """Shares (0 to 1) of the replies that are struck, and how.

    silence    no reply                          late       it comes `late_s` later
    cut        only its first bytes              corrupt    one bit is wrong
    garbage    random bytes in place of it       doubled    it comes twice
    noise      a stray byte before it            oversized  kilobytes follow it
    endless    bytes that go on for seconds      busy       it takes `busy_s`
    refused    an error reply (where the protocol has one)
    echoed     what was sent comes back first (a two-wire adapter); for all or none, like mute
    mute       nothing answers

    `replies` counts those that were made, `struck` how many of them each fault hit.
    """

    silence: float = 0.0
    late: float = 0.0
    cut: float = 0.0
    corrupt: float = 0.0
    garbage: float = 0.0
    doubled: float = 0.0
    noise: float = 0.0
    oversized: float = 0.0
    endless: float = 0.0
    busy: float = 0.0
    refused: float = 0.0
    echoed: bool = False
    mute: bool = False
    late_s: float = 1.3
    busy_s: float = 0.4
    random: random.Random = field(default_factory=lambda: random.Random(7), repr=False)
    replies: int = field(default=0, repr=False)
    struck: Counter[str] = field(default_factory=Counter, repr=False)

    def strikes(self, kind: str) -> bool:
        """Whether this fault hits the reply that is being made."""
        share = getattr(self, kind)
        hit = share > 0 and self.random.random() < share
        if hit:
            self.struck[kind] += 1
        return hit

    def on_reply(self, reply: bytes, delay_s: float) -> Replies:
        """What comes of one reply that would have come after `delay_s`."""
        draw = self.random
        self.replies += 1
        if self.strikes("silence"):
            return []
        if self.strikes("busy"):
            delay_s += self.busy_s
        if self.strikes("late"):
            delay_s += self.late_s
        if self.strikes("garbage"):
            reply = draw.randbytes(draw.randrange(1, 64))
        if self.strikes("corrupt"):
            reply = flip_bit(reply, draw.randrange(8 * len(reply)))
        if self.strikes("cut"):
            reply = reply[: draw.randrange(1, len(reply))] if len(reply) > 1 else b""
        if self.strikes("noise"):
            reply = draw.randbytes(1) + reply
        if self.strikes("doubled"):
            reply += reply
        if self.strikes("oversized"):
            reply += draw.randbytes(OVERSIZE_BYTES)
        replies = [(delay_s, reply)]
        if self.strikes("endless"):
            replies += [(delay_s + n * ENDLESS_EVERY_s, draw.randbytes(64)) for n in range(1, ENDLESS_CHUNKS)]
        return replies

    def set(self, text: str) -> None:
        """`late=0.1` or `echoed=on`: one fault from now on. Raises BadInput."""
        name, _, value = text.partition("=")
        known = [one.name for one in fields(self) if one.repr]
        if name not in known:
            raise BadInput(f"there is no fault {name!r}", place="fault", allowed=", ".join(known))
        current = getattr(self, name)
        if isinstance(current, bool):
            if value not in ("on", "off", ""):
                raise BadInput(f"{value!r} is neither on nor off", place=f"fault {name}", allowed="on, off")
            setattr(self, name, value != "off")
            return
        highest = 60.0 if name.endswith("_s") else 1.0
        try:
            number = float(value)
        except ValueError:
            number = -1.0
        if not 0 <= number <= highest:
            raise BadInput(f"{value!r} does not do", place=f"fault {name}", allowed=f"0 to {highest:g}")
        setattr(self, name, number)

    def clear(self) -> None:
        """No faults from now on."""
        healthy = WireFaults(late_s=self.late_s, busy_s=self.busy_s)
        for one in fields(self):
            if one.repr:
                setattr(self, one.name, getattr(healthy, one.name))


def flip_bit(data: bytes, number: int) -> bytes:
    changed = bytearray(data)
    changed[number // 8] ^= 1 << (number % 8)
    return bytes(changed)
