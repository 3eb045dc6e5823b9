"""The command line. It is started through `cellrig.main`, which looks for foreign folders of our names first."""

from cellrig import main

__all__ = ["main"]
