"""pyqtgraph, set up once. It has no types of its own (what a checker infers is wrong), so it is Any from here on."""

from __future__ import annotations

import importlib
from typing import Any, TypeAlias

pg: Any = importlib.import_module("pyqtgraph")
SVGExporter: Any = importlib.import_module("pyqtgraph.exporters").SVGExporter
Item: TypeAlias = Any  # a curve, axis, label or plot of pyqtgraph

# Antialiased lines wider than 1 px take seconds (measured); OpenGL leaks and gains nothing at these sizes.
pg.setConfigOptions(antialias=False, useOpenGL=False, exitCleanup=False)
