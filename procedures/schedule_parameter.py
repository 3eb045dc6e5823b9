"""The parameter that holds a schedule's steps as a plan gives them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pymeasure.experiment import Parameter

from procedures.form_fields import text_field


class StepList(Parameter):
    """A list of tables; `procedures.schedule_text` reads what stands in them."""

    def __init__(self, name: str, **options: Any) -> None:
        super().__init__(name, ui_class=text_field, **options)

    def convert(self, value: Any) -> list[dict[str, Any]]:
        if isinstance(value, str):
            try:
                value = json.loads(value or "[]")
            except json.JSONDecodeError:
                raise ValueError(f"{value!r} is no list of steps") from None
        if not isinstance(value, list) or not all(isinstance(one, Mapping) for one in value):
            raise ValueError('expected a list of steps: [{ kind = "rest", hours = 1 }]')
        return [dict(one) for one in value]

    def __str__(self) -> str:
        return json.dumps(self._value or [])


def step_list(name: str, **options: Any) -> Any:
    return StepList(name, **options)
