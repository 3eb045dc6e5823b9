"""Replies of BTS Client as text: read quickly or by the XML parser they are the same, and nonsense is never a value."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from neware_bench import neware_bench, to_and_fro

from daq.errors import InstrumentError
from drivers.neware import record_text
from drivers.neware.record_text import NAMES, read_download
from drivers.simulated.wire.neware_core import NewareCore

COMMANDS = ("donwload_resp", "download_resp")
CAPTURED = (
    '<data seqid="219576" stepid="24" cycleid="29" steptype="dc" testtime="36070000" atime="2025-01-05 22:29:05" '
    'volt="3.67807" curr="-0.00029505" cap="0.00295628" eng="0.0135611" />'
)


def reply(rows: Sequence[str], between: str = "\r\n") -> bytes:
    body = between.join(rows)
    count = f'<list count = "{len(rows)}">' if rows else '<list count="0" />'
    listed = f"{count}\r\n{body}\r\n</list>" if rows else count
    return (
        '<?xml version="1.0" encoding="UTF-8" ?>\r\n<bts version="1.0">\r\n<cmd>donwload_resp</cmd>\r\n'
        '<download devtype="27" devid="21" subdevid="1" chlid="2" testid="143" startpos="1" count="1000" auxid="0" />'
        f"{listed}</bts>\r\n\n\n#\r\n"
    ).encode()


def row(names: Sequence[str], number: int, gap: str = " ", quote: str = '"') -> str:
    value = {"steptype": "cc", "testtime": f"{number * 100}", "atime": "2025-01-05 22:29:05"}
    whole = {"seqid", "stepid", "cycleid"}
    told = (value.get(name, str(number) if name in whole else f"{number / 7:.6g}") for name in names)
    return "<data" + "".join(f"{gap}{name}={quote}{one}{quote}" for name, one in zip(names, told, strict=True)) + "/>"


def test_a_captured_record_has_its_units() -> None:
    found = read_download(reply([CAPTURED]), COMMANDS)
    assert found.header.get("testid") == "143"
    one = [column[0] for column in found.records]
    assert one == [219576, 24, 29, "dc", 36070.0, 3.67807, -0.00029505, 0.00295628]
    assert found.records.capacity_Ah[0] == pytest.approx(295.05e-6 * 36070 / 3600, rel=2e-3)


@given(
    st.permutations([*NAMES, "atime", "eng"]),
    st.integers(min_value=0, max_value=30),
    st.sampled_from([" ", "  ", "\r\n"]),
    st.sampled_from(["", "\r\n", "some text"]),
    st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_both_ways_of_reading_agree(names: list[str], count: int, gap: str, between: str, odd: bool) -> None:
    rows = [row(names, number, gap) for number in range(1, count + 1)]
    if odd and rows:
        rows[-1] = row(names[::-1], count, gap, "'")  # what the quick way does not know
    data = reply(rows, between)
    slow = data.replace(b"<list", b"<!-- one by one --><list")
    quick = read_download(data, COMMANDS).records
    assert [list(column) for column in quick] == [list(column) for column in read_download(slow, COMMANDS).records]
    assert quick.number == list(range(1, count + 1))


def test_the_quick_way_is_taken() -> None:
    rows = "\r\n".join([CAPTURED] * 3)
    assert record_text._columns_of(rows) is not None
    for other in (rows.replace("3.67807", "&#51;", 1), rows + "<aux />", rows.replace(' cap="0.00295628"', "")):
        assert record_text._columns_of(other) is None


@pytest.mark.parametrize(
    "spoilt",
    [
        CAPTURED.replace(' volt="3.67807"', ""),
        CAPTURED.replace("3.67807", "--"),
        CAPTURED.replace("219576", "219576.5"),
        CAPTURED.replace("/>", ">"),
        CAPTURED.replace("-0.00029505", "-0,00029505"),
        '<!DOCTYPE x [<!ENTITY a "1">]>' + CAPTURED,
    ],
)
def test_a_spoilt_record_is_no_record(spoilt: str) -> None:
    for rows in ([spoilt], [CAPTURED, spoilt], [spoilt, CAPTURED]):
        with pytest.raises(ValueError, match=r"."):
            read_download(reply(rows), COMMANDS)


class Turncoat:
    """A good server that, once `replies` are set, says these instead, one per question; then it is good again."""

    def __init__(self, core: NewareCore) -> None:
        self.replies: list[bytes] = []
        self._core = core

    def feed(self, data: bytes, now: float) -> Sequence[tuple[float, bytes]]:
        good = self._core.feed(data, now)
        return [(0.01, self.replies.pop(0))] if self.replies else good


def said(command: str, body: str) -> bytes:
    return f'<bts version="1.0"><cmd>{command}_resp</cmd>{body}</bts>\n\n#\r\n'.encode()


OTHER = 'devtype="27" devid="21" subdevid="1" chlid="7"'
NONSENSE = st.one_of(
    st.binary(max_size=200),
    st.binary(max_size=40).map(lambda data: data + b"</bts>\n\n#\r\n"),
    st.sampled_from(["getchlstatus", "inquire", "inquiredf", "download", "stop"]).flatmap(
        lambda command: st.sampled_from(
            [
                said(command, ""),
                said(command, "<list count='1'><status/></list>"),
                said(command, f'<list><chl {OTHER} testid="1" count="9">true</chl></list>'),
                said(command, f"<list><status {OTHER}>working</status></list>"),
                said(command, f'<download {OTHER} testid="1" /><list count="0" />'),
                said(command, '<list><inquire dev="27-21-1-7-0" voltage="1" current="1" barcode="cell" /></list>'),
            ]
        )
    ),
)


@given(st.lists(NONSENSE, min_size=1, max_size=12))
@settings(max_examples=25, deadline=None)
def test_a_server_that_talks_nonsense_is_an_instrument_error_and_heals(replies: list[bytes]) -> None:
    with TemporaryDirectory() as name, neware_bench(Path(name)) as bench:
        ref = bench.driver.submit(1, to_and_fro(), "cell")
        bench.clock.sleep(1000)
        whole = list(bench.driver.records(ref))
        liar = Turncoat(bench.core)
        bench.driver.cable._core = liar
        liar.replies = list(replies)
        for _ in range(len(replies) + 3):
            bench.clock.sleep(10)
            try:
                assert bench.driver.attach(ref).ref == ref
                assert list(bench.driver.records(ref, 0, len(whole))) == whole
            except InstrumentError:
                continue
        liar.replies.clear()
        bench.clock.sleep(10)
        assert bench.driver.attach(ref).state == "running"
        assert list(bench.driver.records(ref, 0, len(whole))) == whole
