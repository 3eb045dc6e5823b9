"""Spectra of other programs in, exports for other programs out."""

from procedures.interchange.reading import read_spectra
from procedures.interchange.spectrum import ForeignSpectrum

__all__ = ["ForeignSpectrum", "read_spectra"]
