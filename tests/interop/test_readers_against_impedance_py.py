"""Our readers against impedance.py's on files that instruments wrote: the same points, in the same order."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from impedance.preprocessing import readFile

from procedures.interchange import read_spectra

FILES = Path(__file__).parents[1] / "data" / "eis"


@pytest.mark.parametrize(
    ("name", "instrument"),
    [
        ("impedance_py/exampleDataGamry.DTA", "gamry"),
        ("impedance_py/exampleDataGamryABORT.DTA", "gamry"),
        ("impedance_py/exampleDataAutolab.txt", "autolab"),
        ("impedance_py/exampleDataBioLogic.mpt", "biologic"),
        ("impedance_py/exampleDataParstat.txt", "parstat"),
        ("impedance_py/exampleDataVersaStudio.par", "versastudio"),
        ("impedance_py/exampleDataCHInstruments.txt", "chinstruments"),
        ("impedance_py/exampleDataZPlot.z", "zplot"),
        ("impedance_py/Circuit1_EIS_1.z", "zplot"),
        ("impedance_py/exampleData.csv", None),
        ("solid_state/PEIS_LPSCl_IonBlocking_-25C.txt", "biologic"),
    ],
)
def test_the_same_points(tmp_path: Path, name: str, instrument: str | None) -> None:
    path = FILES / name
    if instrument == "autolab":
        # impedance.py keeps the byte order mark of UTF-8 in the first line, which it does not need; ours drops it.
        path = tmp_path / "no_mark.txt"
        path.write_text((FILES / name).read_text("utf-8-sig"), encoding="utf-8")
    frequency_Hz, z_ohm = readFile(str(path), instrument)
    (spectrum,) = read_spectra(FILES / name)
    np.testing.assert_array_equal(spectrum.frequency_Hz, frequency_Hz)
    np.testing.assert_array_equal(spectrum.z_ohm, z_ohm)
