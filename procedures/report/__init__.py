"""The report of a run: one HTML file to send to a colleague, and its figures."""

from procedures.report.style import as_svg_uri
from procedures.report.write import figures_of, write_report

__all__ = ["as_svg_uri", "figures_of", "write_report"]
