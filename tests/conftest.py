"""Options of the whole suite."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--bench", metavar="FILE", help="walk the drivers' suite over the real instruments of this bench")
