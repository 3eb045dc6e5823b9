"""How the service says things: JSON without NaN, and errors with a status and one sentence."""

from __future__ import annotations

import json
import math
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from daq.errors import BadInput, BenchBusy, CellrigError, StorageError
from daq.lines import Unreachable, error_table


class NotThere(BadInput):
    """A run, an entry, a stream that does not exist."""


class Answer(JSONResponse):
    """JSON as RFC 8259 has it: a number that is none is null."""

    def render(self, content: Any) -> bytes:
        return dumped(content).encode()


def dumped(content: Any) -> str:
    try:
        return json.dumps(content, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    except ValueError:
        return json.dumps(_clean(content), allow_nan=False, ensure_ascii=False, separators=(",", ":"))


def _clean(content: Any) -> Any:
    if isinstance(content, float) and not math.isfinite(content):
        return None
    if isinstance(content, dict):
        return {key: _clean(value) for key, value in content.items()}
    return [_clean(one) for one in content] if isinstance(content, list | tuple) else content


def status_of(error: CellrigError) -> int:
    if isinstance(error, NotThere):
        return 404
    if isinstance(error, BenchBusy):
        return 409
    if isinstance(error, BadInput):
        return 422
    if isinstance(error, Unreachable):
        return 503
    return 507 if isinstance(error, StorageError) else 502


async def of_cellrig(request: Request, error: Exception) -> Answer:
    """An error of `daq.errors`: 404, 409, 422 for the asker's, 502, 503, 507 for the bench's."""
    assert isinstance(error, CellrigError)
    return Answer({"error": error_table(error)}, status_code=status_of(error))


async def of_validation(request: Request, error: Exception) -> Answer:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    place = ".".join(str(one) for one in first.get("loc", ()))
    table = {"kind": "BadInput", "message": f"{place}: {first.get('msg', 'is wrong')}", "place": place}
    return Answer({"error": table}, status_code=422)


async def of_http(request: Request, error: Exception) -> Answer:
    assert isinstance(error, HTTPException)
    table = {"kind": "Http", "message": str(error.detail)}
    return Answer({"error": table}, status_code=error.status_code, headers=error.headers)
