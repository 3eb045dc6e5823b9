"""Whom to tell, and by which way: the user's own file, whose addresses are secrets.

    # notify.toml in the user's configuration folder, or where CELLRIG_NOTIFY says
    [to.me]
    urls = ["mailtos://user:password@example.org"]

An address is what apprise takes (https://appriseit.com). It never gets into a bench file, a run or a message of ours.
"""

from __future__ import annotations

import difflib
import logging
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from platformdirs import user_config_path
from pydantic import Field

from daq.errors import BadInput
from daq.tables import StrictModel, parse, read_toml

if TYPE_CHECKING:
    from apprise import Apprise

NAMED_BY = "CELLRIG_NOTIFY"


class RecipientTable(StrictModel):
    urls: list[Annotated[str, Field(min_length=1)]] = Field(min_length=1)


class NotifyFile(StrictModel):
    to: dict[str, RecipientTable] = Field(min_length=1)


def notify_path() -> Path:
    named = os.environ.get(NAMED_BY)
    return Path(named) if named else user_config_path("cellrig") / "notify.toml"


def recipients(wanted: Sequence[str] | None, place: str) -> dict[str, list[str]]:
    """The addresses of each recipient; `wanted` None: of everybody in the file, nobody when there is no file.

    Raises BadInput, without showing an address, for a file that won't do, a recipient that is not in it, and an
    address with a typing mistake. Sends nothing.
    """
    path = notify_path()
    if wanted is None and not path.exists():
        return {}
    if wanted is not None and not wanted:
        return {}
    if not path.exists():
        allowed = f"{path} with [to.{(wanted or ['NAME'])[0]}] in it"
        raise BadInput("nobody's address is known: there is no file of recipients", place=place, allowed=allowed)
    model = _read(path)
    unknown = [name for name in wanted or () if name not in model.to]
    if unknown:
        raise BadInput(f"{unknown[0]!r} is not in {path}", place=f"{place}, notify.to", allowed=", ".join(model.to))
    chosen = {name: one.urls for name, one in model.to.items() if wanted is None or name in wanted}
    for name, urls in chosen.items():
        for number, url in enumerate(urls, 1):
            _check(url, f"{path}, to.{name}.urls, number {number}")
    return chosen


def _read(path: Path) -> NotifyFile:
    try:
        return parse(NotifyFile, read_toml(path), str(path))
    except BadInput as error:  # it may quote what it found, and with it a secret
        problem = "is not valid TOML" if "not valid TOML" in error.problem else error.problem.partition(", found ")[0]
        raise BadInput(problem, place=error.place, allowed=error.allowed) from None


def silent_apprise() -> type[Apprise]:
    """Apprise's class, with its own log switched off: that names addresses, passwords and all."""
    from apprise import Apprise  # it takes half a second, and most commands never need it

    logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)
    return Apprise


def _check(url: str, place: str) -> None:
    if silent_apprise().instantiate(url, suppress_exceptions=True) is not None:
        return
    kind = re.match(r"([A-Za-z0-9]+)://", url.strip())
    if kind is None:
        raise BadInput(
            "is no address", place=place, allowed="KIND://…, as json://host/path or mailtos://user:password@host"
        )
    known = _kinds()
    if kind[1].lower() not in known:
        close = difflib.get_close_matches(kind[1].lower(), known, n=3)
        told = ", ".join(f"{one}://" for one in close) or "one that apprise knows: https://appriseit.com"
        raise BadInput(f"there is no kind of address {kind[1]}://", place=place, allowed=told)
    raise BadInput(f"the address {kind[1]}://… is not complete, or has a typing mistake", place=place,
                   allowed=f"what apprise takes for {kind[1]}://, https://appriseit.com")  # fmt: skip


def _kinds() -> list[str]:
    found: list[str] = []
    for one in silent_apprise()().details()["schemas"]:
        for key in ("protocols", "secure_protocols"):
            value = one.get(key) or ()
            found += [value] if isinstance(value, str) else list(value)
    return sorted(set(found))
