"""Writing export files: all or none, and never over something that is there unless told to."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from daq.errors import BadInput, StorageError


@dataclass(frozen=True)
class OutputFile:
    """A file to be written into the target folder."""

    name: str
    content: bytes


def write_files(target: Path, files: Sequence[OutputFile], overwrite: bool) -> list[Path]:
    """Write all files into the folder `target`, which is made; returns their paths.

    Each file appears whole or not at all. Raises BadInput before anything is written when the target is a file,
    when two exports have one name, or when one is there and `overwrite` is False; StorageError when the disk
    does not take them.
    """
    paths = [target / file.name for file in files]
    if target.exists() and not target.is_dir():
        raise BadInput("a folder is needed for the exported files, this is a file", place=str(target))
    twice = {path.name for path in paths if [p.name.casefold() for p in paths].count(path.name.casefold()) > 1}
    if twice:
        raise BadInput(f"two exported files would be named {sorted(twice)[0]}", place=str(target))
    there = [path for path in paths if path.exists()]
    if there and not overwrite:
        more = f" and {len(there) - 1} more" if len(there) > 1 else ""
        raise BadInput(
            f"the file is there already{more}; nothing was written",
            place=str(there[0]),
            allowed="--overwrite, or another folder",
        )
    try:
        target.mkdir(parents=True, exist_ok=True)
        for path, file in zip(paths, files, strict=True):
            partial = path.with_name(f"{path.name}.part")
            partial.write_bytes(file.content)
            os.replace(partial, path)
    except OSError as error:
        raise StorageError(f"{target}: the export can't be written: {error.strerror or error}") from error
    return paths
