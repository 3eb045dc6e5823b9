"""What all plots of spectra share: which curves, in which unit, compensated or as measured, and the fits over them."""

from __future__ import annotations

import numpy as np

from gui.model.analyser import Analysis
from gui.model.spectra import SpectraCache, SpectrumCurve
from gui.plots.pane import PlotPane
from gui.plots.sample_size import Normalisation, normalisations_of
from procedures.analysis.circuit import Complexes, Floats
from procedures.analysis.spectrum import SpectrumFit


class SpectraShown:
    """Its tools are among the pane's; `refresh` before drawing."""

    def __init__(self, pane: PlotPane) -> None:
        self._pane = pane
        self._cache = SpectraCache()
        self._normalisations: list[Normalisation] = normalisations_of([])
        self._fits: dict[str, tuple[Analysis, dict[tuple[str, int], SpectrumFit]]] = {}
        self.curves: list[SpectrumCurve] = []
        self.unit = pane.add_choice("Normalisation of the impedance", [one.text for one in self._normalisations])
        self.overlay = pane.add_tool("Fits", "O", "The fitted circuits as lines (O)")
        self.compensated = pane.add_tool("Compensated", "M", "Without holder and leads, by the run's standards (M)")
        self.compensated.hide()
        for tool in (self.overlay, self.compensated):
            tool.toggled.connect(pane.refresh)

    def refresh(self) -> None:
        views = [one.view for one in self._pane.shown]
        self._normalisations = normalisations_of(views)
        self._offer_units()
        self.curves = self._cache.curves_of(views)
        self.compensated.setVisible(any(one.compensated_ohm is not None for one in self.curves))

    @property
    def normalisation(self) -> Normalisation:
        index = max(self.unit.currentIndex(), 0)
        return self._normalisations[min(index, len(self._normalisations) - 1)]

    def is_compensated(self, curve: SpectrumCurve) -> bool:
        return curve.compensated_ohm is not None and self.compensated.isChecked()

    def z(self, curve: SpectrumCurve) -> Complexes:
        """In the unit that is shown; NaN where there is no number."""
        z = curve.compensated_ohm if self.is_compensated(curve) else None
        z = curve.z_ohm if z is None else z
        shown = np.where(np.isfinite(z), z, np.nan) * self.normalisation.factor(curve)
        return np.asarray(shown, dtype=np.complex128)

    def fit_of(self, curve: SpectrumCurve) -> SpectrumFit | None:
        analysis = self._pane.analyses.get(curve.run.head.id)
        if analysis is None or analysis.sweep is None:
            return None
        known = self._fits.get(curve.run.head.id)
        if known is None or known[0] is not analysis:
            fits = {(one.label, one.attempt): fit for one, fit, _ in analysis.sweep.spectra if fit is not None}
            known = self._fits[curve.run.head.id] = (analysis, fits)
        return known[1].get((f"spectrum {curve.number}", curve.attempt))

    def fitted(self, curve: SpectrumCurve) -> tuple[Floats, Complexes] | None:
        """Frequencies in Hz and the fitted circuit over its window, in the unit that is shown. None where it is not
        wanted, and where the fit is of the compensated spectrum and the plot shows the other."""
        fit = self.fit_of(curve) if self.overlay.isChecked() else None
        if fit is None or (curve.compensated_ohm is not None and not self.is_compensated(curve)):
            return None
        return fit.frequency_Hz, np.asarray(fit.z_fit_ohm * self.normalisation.factor(curve), dtype=np.complex128)

    def label(self, curve: SpectrumCurve) -> str:
        """For an export."""
        how = " compensated" if self.is_compensated(curve) else ""
        return f"{curve.run.head.id} {curve.sample} {curve.label}{how}"

    def _offer_units(self) -> None:
        texts = [one.text for one in self._normalisations]
        if texts != [self.unit.itemText(index) for index in range(self.unit.count())]:
            chosen = self.unit.currentText()
            self.unit.blockSignals(True)
            self.unit.clear()
            self.unit.addItems(texts)
            self.unit.setCurrentIndex(max(0, self.unit.findText(chosen)))
            self.unit.blockSignals(False)
