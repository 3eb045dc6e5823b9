"""Options of the whole suite."""

from __future__ import annotations

import os

import pytest
from hypothesis import settings

settings.register_profile("ci", derandomize=True, deadline=None, print_blob=True)
if os.environ.get("CI"):  # what lands is judged by the same examples every time; at the desk they are new ones
    settings.load_profile("ci")


os.environ["CELLRIG_NOTIFY"] = os.path.join(os.path.dirname(__file__), "nobody-is-told.toml")  # the developer's own


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--bench", metavar="FILE", help="walk the drivers' suite over the real instruments of this bench")
