"""Tables that a cycler's own program exported: columns by their names, units by what the header says."""

from drivers.exported.headers import is_header_line
from drivers.exported.reading import is_workbook, read_export, recognises
from drivers.exported.table import ExportedTable, resolution_of

__all__ = ["ExportedTable", "is_header_line", "is_workbook", "read_export", "recognises", "resolution_of"]
