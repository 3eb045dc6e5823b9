"""`cellrig notify`: whom a bench tells of what, and whether a message gets there. Addresses are never shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from daq import untold
from daq.bench import load_bench
from daq.clock import iso_time, wall_unix
from daq.errors import BadInput
from daq.notifier import Notifier
from daq.notify_file import notify_path, recipients
from daq.notify_table import NotifyTable
from procedures.cli.console import print_json, say, stdout
from procedures.cli.wall import Status


@dataclass(frozen=True)
class Row:
    """One recipient: how many addresses, and what went wrong with them."""

    to: str
    addresses: int
    problems: list[str]


def notify_command(bench_file: Path | None, test: bool, json: bool) -> int:
    """Raises BadInput for a mistake in a file, and when there is nobody to tell."""
    config = load_bench(bench_file)
    table = config.model.notify
    found = recipients(table.to, config.place)
    if not found:
        raise BadInput("there is nobody to tell", place=config.place, allowed=f"recipients in {notify_path()}")
    rows: list[Row] = []
    for name, urls in found.items():
        text = f"A test of {iso_time(wall_unix())}: messages about {', '.join(table.about)} come this way."
        problems = Notifier(config.name, urls).test(text) if test else []
        rows.append(Row(name, len(urls), [one for one in problems if one]))
    if test and not any(row.problems for row in rows):
        untold.keep(config, [])  # the way is free again: what did not get through before is no news any more
    if json:
        told = [{"to": one.to, "addresses": one.addresses, "problems": one.problems} for one in rows]
        print_json({"about": list(table.about), "every_min": table.every_min, "sent": test, "recipients": told})
    else:
        _print(rows, table, test)
    return Status.FAILED if any(row.problems for row in rows) else Status.DONE


def _print(rows: Sequence[Row], table: NotifyTable, test: bool) -> None:
    console = stdout()
    say(console, f"told of: {', '.join(table.about)}; one message of a kind in {table.every_min:g} min at most")
    well = "a message was sent" if test else "in order; --test sends a message"
    for row in rows:
        say(console, f"{row.to} (addresses: {row.addresses}): {'; '.join(row.problems) or well}")
