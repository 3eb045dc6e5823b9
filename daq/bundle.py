"""A bug report in one file: what a run says of itself, its log, what it measured; nothing of whose computer it was."""

from __future__ import annotations

import json
import os
import platform
import re
import sqlite3
import zipfile
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from daq.bench import BenchConfig
from daq.bench_lock import bench_folder
from daq.errors import BadInput, CellrigError
from daq.host_note import SAID
from daq.runfile.checkup import check_up
from daq.runfile.plain import copy_run
from daq.runfile.reader import RunFile
from daq.runfile.salvage import salvage
from daq.runfile.schema import OWN_TABLES, RUN_DB, quoted
from daq.runfile.text_log import log_text
from daq.service.service_log import NAME as SERVICE_SAID

MOST_BYTES = 200 * 10**6  # a run file beyond it is left out
HIDDEN = "(left out)"
_SECRET = re.compile(r"token|password|passwd|secret|api_?key|credential|webhook", re.IGNORECASE)
_SAID = re.compile(r"(?i)\b(bearer|token|password|passwd|secret|api_?key)\b(\"?\s*[:=]\s*|\s+)\"?[^\s\",;]{6,}\"?")
_URL = re.compile(r"\b([a-z][a-z0-9+.-]*)://(?!127\.0\.0\.1|localhost)([^\s\"'<>]+)", re.IGNORECASE)
_PORTS = ("socket", "modbus-tcp", "visa", "file")  # of instruments and files: no secrets
_LAST_BYTES = 10**6  # of a log of host, guard or service, which grows with all runs of a bench
_HOMES = re.compile(r"(?:/home/|/Users/|\b[A-Za-z]:(?:\\+|/)Users(?:\\+|/))([^/\\\"'\s:]+)")


@dataclass(frozen=True)
class Whose:
    """Texts that tell whose computer it was: home folders, and names of users and of the computer."""

    homes: tuple[str, ...]
    names: tuple[str, ...]

    @classmethod
    def here(cls, *hosts: str) -> Whose:
        """Of this process's user; `hosts` are names of computers besides."""
        home = os.path.expanduser("~")
        users = {os.environ.get(key, "") for key in ("USER", "USERNAME", "LOGNAME")} | {os.path.basename(home)}
        names = sorted({one for one in (*users, platform.node(), *hosts) if len(one) > 1}, key=len, reverse=True)
        return cls((home,) if len(home) > 1 else (), tuple(names))

    def hide(self, text: str) -> str:
        """`text` without them: `~` for a home, `somebody` for a name that stands by itself."""
        for home in self.homes:
            for spelled in {home, home.replace("\\", "\\\\"), home.replace("\\", "/")}:
                text = text.replace(spelled, "~")
        names = [*self.names, *(one for one in _HOMES.findall(text) if len(one) > 1)]
        text = _HOMES.sub("~", text)
        for name in names:
            text = re.sub(rf"(?<![A-Za-z0-9]){re.escape(name)}(?![A-Za-z0-9])", "somebody", text)
        return text


def without_secrets(value: Any) -> Any:
    """JSON without the values of keys that speak of tokens, passwords and the like."""
    if isinstance(value, Mapping):
        return {
            key: HIDDEN if _SECRET.search(str(key)) and part not in (None, "") else without_secrets(part)
            for key, part in value.items()
        }
    if isinstance(value, list | tuple):
        return [without_secrets(part) for part in value]
    return _said_nothing(value) if isinstance(value, str) else value


def _said_nothing(text: str) -> str:
    """Without what follows a word for a secret, and without what may be one in an address: a chat's or web hook's
    path is its password, so of `http` the computer is left and of other schemes nothing.
    """
    return _SAID.sub(rf"\1\2{HIDDEN}", _URL.sub(_computer_only, text))


def _computer_only(match: re.Match[str]) -> str:
    scheme, rest = match[1], match[2]
    if scheme.lower() not in ("http", "https"):
        return match[0] if scheme.lower() in _PORTS else f"{scheme}://{HIDDEN}"
    computer, slash, more = rest.rpartition("@")[2].partition("/")
    return f"{scheme}://{computer}{slash}{HIDDEN if more or '@' in rest else ''}"


def cleaned(text: str, whose: Whose | None) -> str:
    """A text, or JSON as text, without secrets; and without names, unless `whose` is None."""
    try:
        value = json.loads(text)
    except ValueError:
        text = _said_nothing(text)
    else:
        if isinstance(value, dict | list | str):
            text = json.dumps(without_secrets(value), ensure_ascii=False)
    return text if whose is None else whose.hide(text)


def bundle(folder: Path, target: Path, *, with_names: bool = False) -> list[str]:
    """Pack the run in `folder` into the new zip file `target`; returns the names of what is in it.

    Inside: README.txt, run.log, host.log (of host and guard), service.log, checkup.txt, machine.json and, up to
    200 MB, run.db with every text in it cleaned. Of a damaged run it holds what can still be read.

    Raises BadInput when `target` exists or can't be written, RunFileError when the folder holds no run.
    """
    findings = check_up(folder)
    damaged = any(one.kind == "damage" for one in findings)
    with TemporaryDirectory(prefix="cellrig-bundle-", ignore_cleanup_errors=True) as made:
        copy = Path(made) / folder.name
        if damaged:
            salvage(folder, copy)
        else:
            copy_run(folder, copy)
        with RunFile.open(copy) as run:
            head, log, bench = dict(run.head), log_text(run), run.bench
        whose = None if with_names else Whose.here(str(head.get("host", "")))
        parts: dict[str, str] = {
            "run.log": log,
            "checkup.txt": "".join(f"{one.kind}: {one.what}. {one.do}\n" for one in findings) or "the file is whole\n",
            "machine.json": json.dumps({"versions": head.get("versions"), **_machine()}, indent=1),
        }
        for name, path in (*_logs_beside(folder), *_logs_of_bench(bench)):
            parts[name] = path.read_bytes()[-_LAST_BYTES:].decode("utf-8", "replace")
        with_data = (copy / RUN_DB).stat().st_size <= MOST_BYTES
        if with_data:
            _clean_file(copy / RUN_DB, lambda text: cleaned(text, whose))
        parts["README.txt"] = _readme(folder.name, damaged, with_data, with_names)
        return _pack(target, {name: cleaned(text, whose) for name, text in parts.items()}, copy, with_data)


def _pack(target: Path, parts: Mapping[str, str], copy: Path, with_data: bool) -> list[str]:
    try:
        with zipfile.ZipFile(target, "x", zipfile.ZIP_DEFLATED) as packed:
            for name, text in sorted(parts.items()):
                packed.writestr(name, text)
            if with_data:
                packed.write(copy / RUN_DB, RUN_DB)
            return packed.namelist()
    except FileExistsError:
        raise BadInput("exists already", place=str(target), allowed="another name, by --to") from None
    except OSError as error:
        raise BadInput(f"cannot be written: {error.strerror or error}", place=str(target)) from error


def _clean_file(path: Path, clean: Callable[[str], str]) -> None:
    """Every text in the run file; then the file is built anew, so that nothing of the old texts stays in its gaps."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.create_function("cleaned", 1, lambda text: clean(text) if isinstance(text, str) else text)
        connection.execute("BEGIN")
        texts = connection.execute("SELECT stream, name FROM stream_column WHERE kind = 'text'").fetchall()
        for table in OWN_TABLES - {"stream", "stream_column"}:
            columns = connection.execute(f"PRAGMA table_info({quoted(table)})").fetchall()
            texts += [(table, name) for _, name, kind, _, _, key in columns if kind == "TEXT" and not key]
        for table, column in texts:
            name = quoted(column)
            connection.execute(f"UPDATE {quoted(table)} SET {name} = cleaned({name}) WHERE {name} != cleaned({name})")
        secret = [key for (key,) in connection.execute("SELECT key FROM state") if _SECRET.search(key)]
        connection.executemany("UPDATE state SET value = ? WHERE key = ?", [(f'"{HIDDEN}"', key) for key in secret])
        connection.execute("COMMIT")
        connection.execute("VACUUM")


def _logs_beside(folder: Path) -> list[tuple[str, Path]]:
    """`run.log` as it was written: it may know of the end of a run whose file could not be written any more."""
    written = folder / "run.log"
    return [("run.as-written.log", written)] if written.is_file() else []


def _logs_of_bench(bench: Mapping[str, Any]) -> list[tuple[str, Path]]:
    """What the bench's host, guard and service said, on the computer where they ran; this one may be another."""
    try:
        folder = bench_folder(BenchConfig.from_dict(dict(bench)))
    except (CellrigError, KeyError, TypeError):  # a run of a bench file that this version can't read
        return []
    return [(name, folder / name) for name in (SAID, SERVICE_SAID) if (folder / name).is_file()]


def _machine() -> dict[str, Any]:
    """The computer that made the bundle, which need not be that of the run."""
    return {
        "bundled_on": {
            "platform": platform.platform(),
            "processor": platform.machine(),
            "cores": os.cpu_count(),
            "python": platform.python_version(),
        }
    }


def _readme(run: str, damaged: bool, with_data: bool, with_names: bool) -> str:
    lines = [
        f"A bug report on the run {run}, packed by `cellrig bundle`.",
        "run.log: what happened, from the run file; run.as-written.log: the same as it was written at the time.",
        "host.log: what the bench's host and guard said, of all its runs; missing where they left nothing.",
        "service.log: what the bench's service said, and what it was asked to do; missing where none served.",
        "checkup.txt: what `cellrig fsck` says of the file. machine.json: versions and computer.",
        "run.db: the run itself, to be opened with cellrig or anything that speaks SQLite."
        if with_data
        else "The run file itself is too large and was left out.",
        "The run file is damaged: what is here is what could still be read." if damaged else "",
        "Names of the user and the computer are in it, as was asked for."
        if with_names
        else "Home folders, and names of the user and the computer, were taken out; names of samples were kept.",
        "Tokens and passwords were taken out. Read it before you send it: a note may say what no program can know.",
    ]
    return "\n".join(line for line in lines if line) + "\n"
