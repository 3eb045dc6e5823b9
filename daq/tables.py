"""Reading TOML that people wrote: whole, strictly, with errors that name file, key and what is allowed."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from daq.errors import BadInput
from daq.plugins import suggest

ModelT = TypeVar("ModelT", bound=BaseModel)


class StrictModel(BaseModel):
    """A table that refuses unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BadInput("there is no such file", place=str(path)) from None
    except IsADirectoryError:
        raise BadInput("this is a folder, not a file", place=str(path)) from None
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"cannot be read: {error}", place=str(path)) from error
    except tomllib.TOMLDecodeError as error:
        raise BadInput(f"is not valid TOML: {error}", place=str(path)) from error


def parse(model: type[ModelT], table: Mapping[str, Any], place: str) -> ModelT:
    """`table` as `model`; raises BadInput for the first thing that is wrong."""
    if not isinstance(table, Mapping):
        raise BadInput(f"expected a table, found {table!r}", place=place)
    try:
        return model.model_validate(dict(table))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(str(part) for part in first["loc"])
        spot = f"{place}, {key}" if key else place
        if first["type"] == "extra_forbidden":
            known = _known_keys(model, first["loc"][:-1])
            raise BadInput("unknown key", place=spot, allowed=suggest(str(first["loc"][-1]), known)) from None
        if first["type"] == "missing":
            at = _model_at(model, first["loc"][:-1])
            fields = {} if at is None else at.model_fields
            needed = ", ".join(field.alias or name for name, field in fields.items() if field.is_required())
            told = f"{'a table' if first['loc'][:-1] else 'a file'} like this needs {needed}" if needed else ""
            raise BadInput("is missing", place=spot, allowed=told) from None
        message = _PLAIN_WORDS.get(first["type"]) or first["msg"].removeprefix("Value error, ").removeprefix("Input ")
        found = "" if isinstance(first["input"], Mapping | list) else f", found {first['input']!r}"
        raise BadInput(f"{message}{found}", place=spot) from None


_PLAIN_WORDS = {
    "list_type": "expected a list of tables, each written as [[name]]",
    "string_type": "expected a text in quotes",
    "float_type": "expected a number",
    "float_parsing": "expected a number",
    "int_type": "expected a whole number",
    "int_from_float": "expected a whole number",
    "int_parsing": "expected a whole number",
    "bool_type": "expected true or false",
    "model_type": "expected a table",
    "dict_type": "expected a table",
    "finite_number": "expected a finite number",
}


def _known_keys(model: type[BaseModel], path: tuple[int | str, ...]) -> list[str]:
    at = _model_at(model, path)
    return [] if at is None else sorted(field.alias or name for name, field in at.model_fields.items())


def _model_at(model: type[BaseModel], path: tuple[int | str, ...]) -> type[BaseModel] | None:
    for part in path:
        if isinstance(part, int):  # a place in a list: its items are of the model already found
            continue
        field = model.model_fields.get(part)
        nested = [] if field is None else [a for a in _arguments(field.annotation) if _is_model(a)]
        if not nested:
            return None
        model = nested[0]
    return model


def _arguments(annotation: Any) -> list[Any]:
    return list(getattr(annotation, "__args__", ())) or [annotation]


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)
