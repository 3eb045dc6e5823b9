"""Nyquist plots of the spectra that were taken of a cell between its cycles or its potentials."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib import colormaps

from daq.runfile.reader import RunFile
from procedures.report.facts import SPECTRA, RunFacts
from procedures.report.parts import Plot
from procedures.report.style import Margins, dress, legend, new_figure
from procedures.report.temperature import time_unit
from procedures.result_words import prefix_of

Taken = tuple[float, np.ndarray]  # when, in seconds since the start of the run; Z (n,) in ohm
MOST_NAMED = 6
PALEST = 0.85


def cell_spectra_plots(run: RunFile, facts: RunFacts) -> list[Plot]:
    """For each cell with finished spectra; none for a run without."""
    if not facts.rows.get(SPECTRA) or not facts.rows.get("impedance"):
        return []
    from procedures.eis_spectra import load_spectra  # brings the fits along, which most runs do not need

    taken: dict[str, list[Taken]] = {}
    for began_s, one in zip(facts.tables[SPECTRA]["started_s"], load_spectra(run), strict=True):
        good = np.isfinite(one.data.z_ohm) & ~np.asarray(one.data.overload, dtype=bool)
        if good.any():
            taken.setdefault(one.sample, []).append((float(began_s), one.data.z_ohm[good]))
    several = len(taken) > 1
    return [
        _nyquist(mine, f" of {sample}" if several else "", f"_{number}" if several else "")
        for number, (sample, mine) in enumerate(taken.items(), 1)
    ]


def _nyquist(taken: Sequence[Taken], whose: str, stem: str) -> Plot:
    figure, grid = new_figure(4.2, Margins(left=0.9, top=0.5))
    axes = grid[0, 0]
    exponent, prefix = prefix_of(max(float(np.abs(z_ohm).max()) for _, z_ohm in taken))
    dress(axes, f"Re Z / {prefix}Ω", f"−Im Z / {prefix}Ω")
    named = set(np.unique(np.linspace(0, len(taken) - 1, MOST_NAMED).round().astype(int)).tolist())
    unit, seconds = time_unit(taken[-1][0])
    for number, (began_s, z_ohm) in enumerate(taken):
        color = colormaps["viridis"](PALEST * (1 - number / max(len(taken) - 1, 1)))
        label = f"{began_s / seconds:.3g} {unit}" if number in named else None
        z = z_ohm / 10.0**exponent
        axes.plot(z.real, -z.imag, "o-", color=color, ms=3, lw=0.8, label=label, rasterized=len(taken) > MOST_NAMED)
    axes.set_aspect("equal", adjustable="datalim")
    legend(axes, columns=MOST_NAMED, above_in=0.1)
    caption = "Equal axes; points as measured, without those that overloaded. Times since the start of the run."
    return Plot(f"nyquist{stem}", f"Nyquist{whose}", figure, caption, f"Nyquist plots of {len(taken)} spectra{whose}")
