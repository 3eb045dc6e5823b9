"""The interlocks of one run, out of bench file, plan, drivers and samples; and those of a plan, checked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from daq.bench import Bench
from daq.errors import BadInput
from daq.interlock import Interlock, InterlockTable, built_in, read_interlocks, sources_of
from daq.quantity import DISK, FREE, numeric_columns
from daq.sample import Sample
from daq.stream import Stream
from daq.tables import parse


def interlocks_of_run(
    bench: Bench,
    samples: Sequence[Sample] = (),
    tables: Sequence[InterlockTable] = (),
    streams: Sequence[Stream] = (),
    place: str = "plan",
) -> list[Interlock]:
    """All that this run is watched by. Those of the plan on streams that this run does not record are left out.

    Raises BadInput as `read_interlocks`.
    """
    model = bench.config.model
    lost_after_s = model.bench.lost_after_s
    written = bench_interlocks(bench)
    sources = sources_of(bench.instruments, streams)
    here = [table for table in tables if _is_here(table, sources)]
    own = read_interlocks(here, sources, place)
    _check_names(written, own, place)
    return [*built_in(bench.instruments, samples, lost_after_s), *written, *own]


def bench_interlocks(bench: Bench) -> list[Interlock]:
    """Those of the bench file: on its instruments and the disk; it knows of no procedure. Raises BadInput."""
    config = bench.config
    return read_interlocks(config.model.interlock, sources_of(bench.instruments), config.place)


def check_interlocks(bench: Bench, tables: Sequence[InterlockTable], streams: Iterable[Stream], place: str) -> None:
    """Bench file and plan together, over all runs of the plan; touches no hardware. Raises BadInput."""
    written = bench_interlocks(bench)
    streams = list(streams)
    own = read_interlocks(tables, sources_of(bench.instruments, streams), place)
    _check_names(written, own, place)
    recorded = {stream.name for stream in streams} - {*bench.instruments, DISK}
    for number, (table, one) in enumerate(zip(tables, own, strict=True), 1):
        _check_can_clear(one, recorded, bench, f"{place}, interlock {table.name or number}, action")


def _check_can_clear(one: Interlock, recorded: set[str], bench: Bench, place: str) -> None:
    """A pause leaves the step, and with it ends what the step records: its last value would stand for ever.

    A difference to an instrument's reading can clear, for that goes on. Raises BadInput.
    """
    if one.action != "pause" or not one.quantity.sources <= recorded:
        return
    column = one.quantity.terms[0].column
    read = [name for name, it in bench.instruments.items() if column in numeric_columns(it.snapshot_stream)]
    example = f", such as {read[0]}.{column}" if read else ""
    raise BadInput(
        f"while the run waits nothing is recorded in {one.quantity.terms[0].source!r}: this pause would never clear",
        place=place,
        allowed=f"stop, skip, warn or make_safe; or a pause on what an instrument reads{example}, which goes on",
    )


def check_disk(interlocks: Iterable[Interlock], free_bytes: int, place: str) -> None:
    """Raises BadInput for a limit on the free disk that is passed already."""
    for one in interlocks:
        value = free_bytes / 1e9
        if one.quantity.text == f"{DISK}.{FREE}" and one.is_beyond(value):
            raise BadInput(
                f"the interlock {one.name!r} is tripped already: {one.passed_text(value)}",
                place=place,
                allowed=one.bounds_text,
            )


def tables_of_plan(plan: Mapping[str, Any]) -> list[InterlockTable]:
    """From the plan that is stored with a run; one of an older cellrig has none."""
    return [parse(InterlockTable, one, "stored plan, interlock") for one in plan.get("interlock") or []]


def _is_here(table: InterlockTable, sources: Mapping[str, Any]) -> bool:
    named = [word.partition(".")[0] for word in table.quantity.split() if "." in word]
    return all(source in sources for source in named)


def _check_names(written: Sequence[Interlock], own: Sequence[Interlock], place: str) -> None:
    taken = {one.name for one in written} & {one.name for one in own}
    if taken:
        name = sorted(taken)[0]
        raise BadInput(f"the bench file has an interlock {name!r} too", place=place, allowed="another name")
