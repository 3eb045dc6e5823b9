"""The report of a run: one HTML file to send to a colleague, and its figures."""

from procedures.report.write import write_report

__all__ = ["write_report"]
