"""The bench window. The binding is chosen here, before anything of Qt is imported."""

import os

os.environ.setdefault("QT_API", "pyqt5")
os.environ.setdefault("PYQTGRAPH_QT_LIB", "PyQt5")
