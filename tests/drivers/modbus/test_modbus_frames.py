"""Frames against the maker's own examples, and against nonsense."""

from __future__ import annotations

import math
import struct
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.modbus import frames

REQUESTS = [
    frames.read_words(1, 2),
    frames.read_words(0x8002, 10),
    frames.write_word(2, 250),
    frames.write_words(0x8004, [1, 2]),
    frames.loopback(b"\x12\x34"),
    bytes([frames.FAST_STATUS]),
]


@pytest.mark.parametrize(
    ("pdu", "frame"),
    [  # HA026230; unit 2
        (frames.read_words(1, 2), "02 03 00 01 00 02 95 F8"),
        (frames.write_word(2, 250), "02 06 00 02 00 FA A8 7A"),
        (bytes([7]), "02 07 41 12"),
        (frames.loopback(b"\x12\x34"), "02 08 00 00 12 34 ED 4F"),
        (frames.write_words(0xA4, [0x7B, 0x96, 0xFA]), "02 10 00 A4 00 03 06 00 7B 00 96 00 FA 20 71"),
    ],
)
def test_requests_are_those_of_the_handbook(pdu: bytes, frame: str) -> None:
    assert frames.rtu_frame(2, pdu) == bytes.fromhex(frame)


def test_replies_of_the_handbook_are_read() -> None:
    reply = frames.open_rtu(2, bytes.fromhex("02 03 04 00 12 00 16 E8 F8"))
    assert frames.words_of(frames.check_reply(frames.read_words(1, 2), reply)) == [18, 22]
    status = frames.open_rtu(2, bytes.fromhex("02 07 30 D2 24"))
    assert frames.check_reply(bytes([7]), status) == b"\x30"
    assert frames.rtu_frame(1, frames.read_words(0x8002, 10)) == bytes.fromhex("01 03 80 02 00 0A 4D CD")
    assert frames.words_of_float(1.001) == [0x3F80, 0x20C5]


@given(st.binary(max_size=300), st.sampled_from(REQUESTS))
def test_no_bytes_raise_anything_but_a_frame_error(data: bytes, request: bytes) -> None:
    for decode in (
        lambda: frames.open_rtu(1, data),
        lambda: frames.check_reply(request, data),
        lambda: frames.open_tcp_header(data),
        lambda: frames.floats_of(data),
        lambda: frames.words_of(data),
        lambda: frames.exception_code(request, data),
    ):
        with suppress(frames.FrameError):
            decode()


@given(st.binary(min_size=1, max_size=60), st.integers(0, 10_000))
def test_one_wrong_bit_is_always_seen(pdu: bytes, place: int) -> None:
    frame = bytearray(frames.rtu_frame(1, pdu))
    place %= 8 * len(frame)
    frame[place // 8] ^= 1 << place % 8
    with pytest.raises(frames.FrameError):
        frames.open_rtu(1, bytes(frame))


@given(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), max_size=20))
def test_floats_come_back_as_they_were(values: list[float]) -> None:
    words = [word for value in values for word in frames.words_of_float(value)]
    assert frames.floats_of(struct.pack(f">{len(words)}H", *words)) == values


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_numbers_that_are_none_are_refused(value: float) -> None:
    with pytest.raises(frames.FrameError, match="none"):
        frames.floats_of(struct.pack(">f", value))


def test_a_number_too_large_is_refused() -> None:
    with pytest.raises(frames.FrameError, match="float32"):
        frames.words_of_float(1e300)
