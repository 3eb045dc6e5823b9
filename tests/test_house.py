"""The house rules that no linter keeps: whose clock is read, what is portable, what is shipped, what docs say."""

from __future__ import annotations

import ast
import importlib
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FLOORS = ("daq", "drivers", "procedures", "gui")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
FLOOR_MODULES = sorted(path for floor in FLOORS for path in (ROOT / floor).rglob("*.py"))
MODULES = [ROOT / "cellrig.py", *FLOOR_MODULES]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def nodes(path: Path) -> Iterator[ast.AST]:
    return ast.walk(ast.parse(path.read_text(encoding="utf-8"), filename=str(path)))


def imported(node: ast.AST) -> set[str]:
    """The dotted names that an import statement reaches; relative imports are not used in this house."""
    if isinstance(node, ast.Import):
        return {alias.name for alias in node.names}
    if isinstance(node, ast.ImportFrom):
        return {f"{node.module}.{alias.name}" for alias in node.names}
    return set()


def text_constants(path: Path) -> Iterator[str]:
    """Strings that the code works with: docstrings are left out."""
    prose = {
        id(node.value) for node in nodes(path) if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in nodes(path):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose:
            yield node.value


# ------------------------------------------------------------------------------------------ code
def reads_wall_time(node: ast.AST) -> bool:
    names = imported(node)
    if any(name == "time" or name.startswith("time.") for name in names):
        return True
    return (
        isinstance(node, ast.Attribute)
        and node.attr in {"now", "utcnow", "today"}
        and (ast.unparse(node.value).split(".")[-1] in {"datetime", "date", "Timestamp"})
    )


@pytest.mark.parametrize(
    ("source", "guilty"),
    [
        ("import time", True),
        ("from time import sleep", True),
        ("import datetime\nx = datetime.datetime.now()", True),
        ("from datetime import date\nx = date.today()", True),
        ("from daq.clock import wall_unix\nx = wall_unix()", False),
        ("from datetime import datetime, UTC\nx = datetime.fromtimestamp(0, UTC)", False),
    ],
)
def test_the_clock_rule_sees_what_it_should(source: str, guilty: bool) -> None:
    assert any(reads_wall_time(node) for node in ast.walk(ast.parse(source))) is guilty


def test_time_is_read_in_the_clock_module_only() -> None:
    readers = {name_of(path) for path in MODULES if any(reads_wall_time(node) for node in nodes(path))}
    assert readers <= {"daq/clock.py"}, "every wait goes through a Clock; see daq/clock.py for the wall's time"


def test_nothing_ties_the_code_to_one_operating_system() -> None:
    unix_only = {"fcntl", "pwd", "grp", "termios", "resource", "os.fork", "os.forkpty", "os.geteuid"}
    for path in MODULES:
        for node in nodes(path):
            found = {name for name in imported(node) if name in unix_only or name.split(".")[0] in unix_only}
            if isinstance(node, ast.Attribute) and ast.unparse(node) in unix_only:
                found.add(ast.unparse(node))
            assert not found, f"{name_of(path)} uses {found}, which Windows lacks"
        ports = [text for text in text_constants(path) if text.startswith("/dev/")]
        assert not ports, f"{name_of(path)} names {ports}"


def opens_text_blindly(call: ast.Call) -> bool:
    """Whether a call opens a text file without saying how it is encoded. `transport.open()` opens no file."""
    owner, _, called = ast.unparse(call.func).rpartition(".")
    values = [*call.args[:2], *(word.value for word in call.keywords if word.arg == "mode")]
    modes = [value.value for value in values if isinstance(value, ast.Constant) and isinstance(value.value, str)]
    if called not in {"open", "read_text", "write_text"} or any(word.arg == "encoding" for word in call.keywords):
        return False
    if called != "open":
        return True
    if owner in {"os", "webbrowser"} or owner[:1].isupper():
        return False
    is_file = not owner or bool(modes) or re.search(r"path|file|folder|note", owner.rpartition(".")[2]) is not None
    return is_file and not any("b" in mode for mode in modes)


@pytest.mark.parametrize(
    ("source", "guilty"),
    [
        ("open(path)", True),
        ("open(path, 'w')", True),
        ("path.open('a')", True),
        ("self.snapshot_path.open()", True),
        ("note.read_text()", True),
        ("open(path, 'rb')", False),
        ("path.open(mode='wb')", False),
        ("open(path, encoding='utf-8')", False),
        ("self.transport.open()", False),
        ("RunFile.open(path)", False),
    ],
)
def test_the_encoding_rule_sees_what_it_should(source: str, guilty: bool) -> None:
    call = ast.parse(source, mode="eval").body
    assert isinstance(call, ast.Call)
    assert opens_text_blindly(call) is guilty


def test_text_files_are_opened_as_utf_8() -> None:
    for path in MODULES:
        for node in nodes(path):
            assert not (isinstance(node, ast.Call) and opens_text_blindly(node)), (
                f"{name_of(path)}:{node.lineno}: say encoding='utf-8'; Windows would take its own"
            )


def test_simulated_instruments_are_reached_by_entry_point_only() -> None:
    for path in MODULES:
        if "simulated" in path.relative_to(ROOT).parts:
            continue
        guests = {name for node in nodes(path) for name in imported(node) if name.startswith("drivers.simulated")}
        assert not guests, f"{name_of(path)} imports {guests}; a real bench must never meet the simulated world"


def test_imports_are_absolute() -> None:
    for path in MODULES:
        relative = [node for node in nodes(path) if isinstance(node, ast.ImportFrom) and node.level]
        assert not relative, f"{name_of(path)} has relative imports; the checks of this file would not see them"


# ------------------------------------------------------------------------------------- packaging
def test_the_wheel_holds_the_four_floors_and_no_tests() -> None:
    from setuptools import find_namespace_packages

    found = PROJECT["tool"]["setuptools"]["packages"]["find"]
    packages = find_namespace_packages(str(ROOT), include=found["include"], exclude=found["exclude"])
    assert {package.split(".")[0] for package in packages} == set(FLOORS)
    assert PROJECT["tool"]["setuptools"]["py-modules"] == ["cellrig"]
    folders = {".".join(path.parent.relative_to(ROOT).parts) for path in FLOOR_MODULES}
    assert folders <= set(packages), "a folder with code that would not be shipped"
    for folder in folders:
        assert (ROOT / folder.replace(".", "/") / "__init__.py").is_file(), f"{folder} lacks its __init__.py"


ENTRY_POINTS = [
    (group, name, target)
    for group, entries in {
        "scripts": PROJECT["project"]["scripts"],
        **PROJECT["project"]["entry-points"],
    }.items()
    for name, target in entries.items()
]


@pytest.mark.parametrize(("group", "name", "target"), ENTRY_POINTS, ids=lambda part: str(part))
def test_every_entry_point_loads(group: str, name: str, target: str) -> None:
    module, _, attribute = target.partition(":")
    assert callable(getattr(importlib.import_module(module), attribute))
    if group == "cellrig.procedures":
        assert getattr(importlib.import_module(module), attribute).procedure_name == name


# ----------------------------------------------------------------------------------- command line
HEAVY = ("scipy", "pandas", "pymeasure", "matplotlib", "PyQt5", "qtpy", "pyqtgraph", "pyarrow")


def test_help_is_quick_because_it_imports_little() -> None:
    script = (
        "import json, sys\n"
        "from procedures.cli import main\n"
        "sys.argv = ['cellrig', '--help']\n"
        "try:\n    main()\n"
        "except SystemExit as end:\n    assert not end.code, end.code\n"
        "print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})), file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=True,
        cwd=ROOT,
        timeout=30,
    )
    loaded = set(json.loads(done.stderr.splitlines()[-1]))
    assert not loaded & set(HEAVY)
    assert "analyse" in done.stdout


def commands() -> set[str]:
    from typer.main import get_command

    from procedures.cli.app import app

    group = get_command(app)
    return set(getattr(group, "commands", {}))


def test_pages_name_no_command_that_does_not_exist() -> None:
    known = commands()
    for page in PAGES:
        if page.name in {"design.md", "CHANGELOG.md"} or "decisions" in page.parts:
            continue  # what is planned and what was
        text = page.read_text(encoding="utf-8")
        named = set(re.findall(r"(?:`|^\s*|\\|/)cellrig ([a-z][a-z-]*)", text, flags=re.MULTILINE))
        assert named <= known, f"{page.name} names {named - known}"


def test_readme_names_every_command() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert {name for name in commands() if f"cellrig {name}" not in text} == set()


def test_make_targets_in_the_pages_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE))
    for page in PAGES:
        if page.name == "design.md":
            continue
        named = set(re.findall(r"(?:`|^\s*)make ([a-z-]+)", page.read_text(encoding="utf-8"), flags=re.MULTILINE))
        assert named <= targets, f"{page.name} names {named - targets}"


def test_links_between_pages_lead_somewhere() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text(encoding="utf-8")):
            if "://" not in target:
                assert (page.parent / target).exists(), f"{name_of(page)} links to {target}"
