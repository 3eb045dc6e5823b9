"""Fields for parameters that pymeasure's forms do not know. Qt is imported only when a form is made."""

from __future__ import annotations

from typing import Any

from pymeasure.experiment import Parameter


def text_field(parameter: Parameter) -> Any:
    """A text field that shows a list, table or word as it may be typed."""
    from pymeasure.display.inputs import StringInput

    class TextField(StringInput):
        def setValue(self, value: Any) -> None:
            super().setValue(value if isinstance(value, str) else str(parameter))

    return TextField(parameter)
