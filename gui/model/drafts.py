"""A run as the form has it: texts, from and to a plan; checked by the same functions as a plan file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from daq.bench import BenchConfig
from daq.disk import bytes_needed
from daq.errors import BadInput
from daq.plan import CheckedRun, PlanModel, check_plan, make_plan
from daq.plugins import PROCEDURES, load, suggest
from daq.tables import parse
from gui.model.interlock_draft import InterlockDraft, place_of, sources_for, table_of
from gui.model.procedure_form import Field, fields_of, toml_text
from gui.model.quantity_text import number_of, text_of

PLACE = "form"


@dataclass(frozen=True)
class SampleField:
    """One thing about the sample: where it stands in the plan's table, and its unit ("" for texts)."""

    key: str
    label: str
    unit: str = ""
    help: str = ""

    @property
    def path(self) -> tuple[str, ...]:
        return tuple(self.key.split("."))


SAMPLE_FIELDS = (
    SampleField("name", "Sample", help="as it will stand in the run's name"),
    SampleField("channel", "Channel", help="of the potentiostat or cycler; 1 when left empty"),
    SampleField("pellet.thickness_mm", "Thickness", "mm"),
    SampleField("pellet.diameter_mm", "Pellet diameter", "mm"),
    SampleField("electrode.diameter_mm", "Electrode diameter", "mm", "where it is smaller than the pellet"),
    SampleField("pellet.mass_mg", "Pellet mass", "mg", "lets the density be checked"),
    SampleField("active.mass_mg", "Active mass", "mg", "for currents and capacities per gram"),
    SampleField("active.capacity_mAh_g", "Capacity", "mAh/g", "for C-rates"),
    SampleField("notes", "Notes"),
)


@dataclass(frozen=True)
class Checked:
    """What the form may say: the plan's table, what it would do, and what is wrong where (by the field's key)."""

    table: dict[str, Any]
    problems: Mapping[str, str]
    run: CheckedRun | None = None

    @property
    def good(self) -> bool:
        return not self.problems and self.run is not None

    @property
    def seconds(self) -> float:
        return sum(self.run.seconds.values()) if self.run is not None else 0.0

    @property
    def disk_bytes(self) -> int:
        return bytes_needed(self.run.rows) if self.run is not None else 0


def check_draft(
    procedure: str,
    fields: Sequence[Field],
    texts: Mapping[str, str],
    bench: BenchConfig,
    interlocks: Sequence[InterlockDraft] = (),
) -> Checked:
    """`texts` by key, parameters and sample fields alike. Never raises for what is typed. A problem of an interlock
    has the key `interlock.PLACE.KEY`."""
    problems: dict[str, str] = {}
    run: dict[str, Any] = {"procedure": procedure}
    for field in fields:
        text = texts.get(field.key, "")
        if text == field.default:
            continue
        try:
            run[field.key] = field.read(text)
        except ValueError as error:
            problems[field.key] = str(error)
    required = [one for one in fields if one.key not in run and one.key not in problems and one.required]
    for field in required:
        run[field.key] = field.read(field.default)
    run = anchored(run, Path())
    sample = _sample_of(texts, problems)
    table: dict[str, Any] = {"sample": sample, "run": [run]}
    if interlocks:
        table["interlock"] = _interlocks_of(interlocks, procedure, bench, problems)
    if problems:
        return Checked(table, problems)
    try:
        (checked,) = check_plan(make_plan(table, bench, PLACE))
    except BadInput as error:
        place = place_of(error, table.get("interlock", ()))
        key = f"interlock.{place[0]}.{place[1]}" if place is not None else _field_of(error, fields)
        return Checked(table, {key: _sentence(error)})
    return Checked(table, {}, checked)


def _interlocks_of(
    drafts: Sequence[InterlockDraft], procedure: str, bench: BenchConfig, problems: dict[str, str]
) -> list[dict[str, Any]]:
    sources = sources_for(bench, procedure)
    tables = []
    for number, draft in enumerate(drafts):
        table, wrong = table_of(draft, sources)
        tables.append(table)
        problems |= {f"interlock.{number}.{key}": text for key, text in wrong.items()}
    return tables


def _sample_of(texts: Mapping[str, str], problems: dict[str, str]) -> dict[str, Any]:
    sample: dict[str, Any] = {}
    for field in SAMPLE_FIELDS:
        text = texts.get(field.key, "").strip()
        if not text:
            if field.key == "name":
                problems["name"] = "is missing: what is in the cell?"
            continue
        try:
            value: Any = text if field.key in ("name", "notes") else number_of(text, field.unit)
        except ValueError as error:
            problems[field.key] = str(error)
            continue
        into = sample
        for key in field.path[:-1]:
            into = into.setdefault(key, {})
        into[field.path[-1]] = int(value) if field.key == "channel" and value == int(value) else value
    return sample


def _field_of(error: BadInput, fields: Sequence[Field]) -> str:
    """Which field an error is about, by the key at the end of its place; "" when it is about the whole."""
    words = error.place.replace(",", " ").replace("[", " ").split()
    keys = [one.key for one in fields]
    for word in reversed(words):
        if word in keys:
            return word
        for sample_field in SAMPLE_FIELDS:
            if word in (sample_field.key, f"sample.{sample_field.key}") or word.endswith(f".{sample_field.key}"):
                return sample_field.key
    return ""


def _sentence(error: BadInput) -> str:
    return f"{error.problem} (allowed: {error.allowed})" if error.allowed else error.problem


def texts_of_plan(plan: Mapping[str, Any], fields: Sequence[Field], number: int = 0) -> dict[str, str]:
    """What a stored plan says, as texts for the form."""
    runs = plan.get("run") or [{}]
    run = runs[min(number, len(runs) - 1)]
    texts = {field.key: field.show(run[field.key]) if field.key in run else field.default for field in fields}
    samples = plan.get("sample") or [{}]
    sample = samples[0] if isinstance(samples, list) else samples
    for field in SAMPLE_FIELDS:
        value: Any = sample
        for key in field.path:
            value = value.get(key) if isinstance(value, Mapping) else None
        texts[field.key] = "" if value is None else text_of(value, field.unit)
    return texts


def plan_text(table: Mapping[str, Any], bench: Path | None) -> str:
    """A plan file."""
    lines = [f"bench = {toml_text(str(bench))}\n"] if bench is not None else []
    lines.append("[sample]")
    lines += [f"{key} = {toml_text(value)}" for key, value in table["sample"].items()]
    for run in table["run"]:
        lines.append("\n[[run]]")
        lines += [f"{key} = {toml_text(value)}" for key, value in run.items()]
    for interlock in table.get("interlock") or ():
        lines.append("\n[[interlock]]")
        lines += [f"{key} = {toml_text(value)}" for key, value in interlock.items() if value is not None]
    return "\n".join(lines) + "\n"


def anchored(run: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """A `[[run]]` whose files are named from the root: it means the same wherever the plan lies. Raises BadInput."""
    kind = load(PROCEDURES, str(run["procedure"]), "new run, procedure")
    return {**run, **kind.anchored({key: value for key, value in run.items() if key != "procedure"}, folder)}


def plan_problem(plan: Mapping[str, Any], place: str) -> BadInput | None:
    """Why a form cannot hold a plan: half a file, a procedure that is not here, keys that it does not have."""
    try:
        model = parse(PlanModel, {key: value for key, value in plan.items() if value != []}, place)
        first = model.run[0]
        known = {one.key for one in fields_of(first.procedure)}
    except BadInput as error:
        return error
    for key in first.model_extra or {}:
        if key not in known:
            return BadInput("unknown key", place=f"{place}, run 1.{key}", allowed=suggest(key, sorted(known)))
    if len(model.run) > 1:
        return BadInput(
            f"holds {len(model.run)} runs, the form holds one", place=place, allowed=f"cellrig submit {place}"
        )
    return None
