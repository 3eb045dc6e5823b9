"""What a form has to ask for a procedure, taken from the parameters it declares: one declaration for all."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pymeasure.experiment import BooleanParameter, IntegerParameter, ListParameter, Parameter

from daq import plugins
from gui.model.quantity_text import number_of, shown_unit, text_of
from procedures.amounts import Amounts
from procedures.base import BenchProcedure
from procedures.parameters import QuantityOr, Table, Temperatures

TEMPERATURE_KEYS = frozenset(
    {"temperatures_C", "temperature_C", "cooling", "return_temperature_C", "ramp_K_per_min", "tolerance_K", "settle"}
)
TITLES = {
    "eis-sweep": "EIS over temperature",
    "cyclic-voltammetry": "Cyclic voltammetry",
    "linear-sweep": "Linear sweep",
    "critical-current": "Critical current density",
    "symmetric-cycling": "Symmetric-cell cycling",
    "galvanostatic-cycling": "Galvanostatic cycling",
    "rate-capability": "Rate capability",
    "open-circuit": "Open circuit",
    "dc-polarisation": "DC polarisation",
    "temperature-hold": "Temperature hold",
}


@dataclass(frozen=True)
class Field:
    """One parameter; `group` is the heading it stands under.

    `read` makes of the text what a plan takes, raising ValueError with a sentence.
    """

    key: str
    label: str
    help: str
    default: str
    choices: tuple[str, ...]
    read: Callable[[str], Any]
    show: Callable[[Any], str]
    wide: bool = False
    group: str = "Measurement"
    required: bool = False


def title_of(procedure: str) -> str:
    return TITLES.get(procedure, procedure)


def procedure_names() -> list[str]:
    """All that are installed, those of the paper first."""
    known = plugins.names(plugins.PROCEDURES)
    first = [name for name in TITLES if name in known]
    return first + [name for name in known if name not in first]


def fields_of(procedure: str) -> list[Field]:
    """Raises BadInput for a procedure that is not installed."""
    kind = plugins.load(plugins.PROCEDURES, procedure, "new run, procedure")
    made = kind()
    parameters: Mapping[str, Parameter] = made.parameter_objects()
    declared = [key for one in kind.__mro__ for key in vars(one) if key in parameters]
    return [_field(made, key, parameters[key]) for key in dict.fromkeys(declared)]


def _field(procedure: BenchProcedure, key: str, parameter: Parameter) -> Field:
    unit = str(getattr(parameter, "units", None) or "")
    label = f"{parameter.name} / {shown_unit(unit)}" if unit and isinstance(parameter, Temperatures) else parameter.name
    value = getattr(procedure, key, None)
    choices: Sequence[str] = ()
    if isinstance(parameter, BooleanParameter):
        choices = ("no", "yes")
    elif isinstance(parameter, ListParameter):
        choices = [str(one) for one in parameter.choices]
    read, show = _reader(parameter, unit), _shower(parameter, unit)
    wide = isinstance(parameter, Table | Temperatures) or isinstance(value, list)
    required = bool(getattr(parameter, "required", False))
    group = "Temperature" if key in TEMPERATURE_KEYS else "Measurement"
    return Field(key, label, _help(parameter, unit), show(value), tuple(choices), read, show, wide, group, required)


def _help(parameter: Parameter, unit: str) -> str:
    parts = [str(parameter.description or "")]
    low, high = getattr(parameter, "minimum", None), getattr(parameter, "maximum", None)
    if low is not None and high is not None:
        parts.append(f"from {low:g} to {high:g} {shown_unit(unit)}".strip())
    if isinstance(parameter, QuantityOr):
        parts.append(f'or "{parameter.word}"')
    if isinstance(parameter, Temperatures):
        parts.append("a list, or start:stop:step")
    if isinstance(parameter, Table):
        parts.append('as in a plan file, for example { sensor = "control" }')
    return "; ".join(part for part in parts if part)


def _reader(parameter: Parameter, unit: str) -> Callable[[str], Any]:
    def read(text: str) -> Any:
        value = _from_text(parameter, text, unit)
        parameter.convert(value)  # refuses what is out of bounds; what is kept is what a plan would say
        return value

    return read


def _from_text(parameter: Parameter, text: str, unit: str) -> Any:
    if isinstance(parameter, BooleanParameter):
        return text == "yes"
    if isinstance(parameter, Table):
        return _toml_value(text) if text.strip() else {}
    if isinstance(parameter, Temperatures):
        return parameter.convert(text.replace(";", ","))
    if isinstance(parameter, ListParameter):
        return text
    if isinstance(parameter, Amounts):
        return [one.strip() for one in text.split(",") if one.strip()]
    if isinstance(parameter, QuantityOr) and text.strip().lower() == parameter.word:
        return parameter.word
    if isinstance(parameter, IntegerParameter):
        number = number_of(text, unit)
        return int(number) if number == int(number) else number
    if hasattr(parameter, "minimum"):
        return number_of(text, unit)
    return _toml_value(text) if text.strip()[:1] in ("[", "{", '"') else text


def _toml_value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"can't be read: {str(error).split(' (at')[0].lower()}") from None


def _shower(parameter: Parameter, unit: str) -> Callable[[Any], str]:
    def show(value: Any) -> str:
        if isinstance(parameter, BooleanParameter):
            return "yes" if value else "no"
        if isinstance(parameter, Temperatures):
            return ", ".join(f"{one:g}" for one in value or [])
        if isinstance(value, list | tuple) and value and all(isinstance(one, str) for one in value):
            return ", ".join(value)
        if isinstance(parameter, Table) and not value:
            return ""
        if isinstance(value, Mapping | list | tuple):
            return toml_text(value)
        return "" if value is None else text_of(value, unit)

    return show


def toml_text(value: Any) -> str:
    """A value as it may stand in a plan file, on one line."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        inner = ", ".join(f"{key} = {toml_text(one)}" for key, one in value.items())
        return f"{{ {inner} }}" if inner else "{}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(toml_text(one) for one in value)}]"
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        return f'"{escaped}"'
    return repr(value)
