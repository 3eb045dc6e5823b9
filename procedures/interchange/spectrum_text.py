"""One spectrum as the text of another program: ZView `.z`, Gamry `.DTA`, EC-Lab `.mpt`, BDF csv.

Headers and signs are those that the programs' readers were seen to accept; measured values are written `%.9e`.
The sign of Im turns only where the header says `-`. `taken_unix` is when the spectrum began, where known;
printed as UTC.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime

import numpy as np

from procedures.interchange.run_spectra import RunSpectrum

BDF_COLUMNS = ("Test Time / s", "Voltage / V", "Current / A", "Frequency / Hz", "Real Impedance / ohm",
               "Imaginary Impedance / ohm", "Temperature T1 / degC")  # fmt: skip


def zview(spectrum: RunSpectrum, run_id: str, taken_unix: float | None) -> bytes:
    """ZPLOT2 ASCII, nine columns, Z'' with its true sign, CRLF."""
    lines = ["ZPLOT2 ASCII", "  Measured Data, cellrig:", f"  Run: {run_id}"]
    if taken_unix is not None:
        moment = _moment(taken_unix)
        lines += [f"  Date: {moment:%m-%d-%Y}", f"  Time: {moment:%H:%M:%S}"]
    lines += [f"  {name}: {value}" for name, value in spectrum.facts()]
    lines += [
        f"  Data Points:   {len(spectrum.frequency_Hz)}",
        "  Freq(Hz)\tAmpl\tBias\tTime(Sec)\tZ'(a)\tZ''(b)\tGD\tErr\tRange",
        "End Comments",
    ]
    for index, frequency_Hz in enumerate(spectrum.frequency_Hz):
        z = spectrum.z_ohm[index]
        values = (frequency_Hz, spectrum.amplitude_V[index], spectrum.bias_V[index], _elapsed_s(spectrum, index),
                  z.real, z.imag, 0.0)  # fmt: skip
        lines.append("\t".join([*(f"{value:.9e}" for value in values), "0", "0"]))
    return _joined(lines, "utf-8")


def gamry(spectrum: RunSpectrum, run_id: str, taken_unix: float | None) -> bytes:
    """EXPLAIN with the table ZCURVE, Zimag with its true sign, latin-1, CRLF. Gamry's AREA only where it is known."""
    f = spectrum.frequency_Hz
    decades = abs(math.log10(f[0] / f[-1])) if len(f) > 1 else 0.0
    lines = ["EXPLAIN", "TAG\tEISPOT", "TITLE\tLABEL\tPotentiostatic EIS\tTest &Identifier"]
    if taken_unix is not None:
        moment = _moment(taken_unix)
        lines += [f"DATE\tLABEL\t{moment:%m/%d/%Y}\tDate", f"TIME\tLABEL\t{moment:%H:%M:%S}\tTime"]
    notes = [f"{name}: {value}" for name, value in (("Run", run_id), *spectrum.facts())]
    lines += [f"NOTES\tNOTES\t{len(notes)}\t&Notes...", *(f"\t{note}" for note in notes)]
    quantities = [
        ("FREQINIT", f[0], "Initial Fre&q. (Hz)"),
        ("FREQFINAL", f[-1], "Final Fre&q. (Hz)"),
        ("PTSPERDEC", (len(f) - 1) / decades if decades else 1.0, "Points/&decade"),
        ("VAC", 1e3 * float(np.mean(spectrum.amplitude_V)), "AC &Voltage (mV rms)"),
    ]
    if spectrum.area_cm2 is not None:
        quantities.append(("AREA", spectrum.area_cm2, "&Area (cm^2)"))
    if math.isfinite(spectrum.temperature_C):
        quantities.append(("TEMPERATURE", spectrum.temperature_C, "Sample temperature (degC)"))
    lines += [f"{tag}\tQUANT\t{value:.6e}\t{words}" for tag, value, words in quantities]
    lines += [
        "ZCURVE\tTABLE",
        "\tPt\tTime\tFreq\tZreal\tZimag\tZsig\tZmod\tZphz\tIdc\tVdc\tIERange",
        "\t#\ts\tHz\tohm\tohm\tV\tohm\t°\tA\tV\t#",
    ]
    for index, frequency_Hz in enumerate(f):
        z = spectrum.z_ohm[index]
        values = (_elapsed_s(spectrum, index), frequency_Hz, z.real, z.imag, 1.0, abs(z),
                  np.angle(z, deg=True), spectrum.dc_current_A[index], spectrum.bias_V[index])  # fmt: skip
        lines.append("\t".join(["", str(index), *(f"{value:.9e}" for value in values), "0"]))
    return _joined(lines, "latin-1")


def eclab(spectrum: RunSpectrum, run_id: str, taken_unix: float | None) -> bytes:
    """EC-Lab ASCII of a PEIS, -Im(Z), windows-1252, CRLF; decimal points."""
    comments = [f"{name}: {value}" for name, value in (("Run", run_id), *spectrum.facts())]
    header = [
        "",
        "Potentio Electrochemical Impedance Spectroscopy",
        "",
        "Run on channel : 1 (SN 1)",
        "Ewe ctrl range : min = -10.00 V, max = 10.00 V",
    ]
    if taken_unix is not None:
        header.append(f"Acquisition started on : {_moment(taken_unix):%m/%d/%Y %H:%M:%S.000}")
    header += [f"Comments : {comment}" for comment in comments]
    if spectrum.area_cm2 is not None:
        header.append(f"Electrode surface area : {spectrum.area_cm2:.4f} cm²")
    header.append("Cycle Definition : Charge/Discharge alternance")
    block = [
        ("Mode", "Single sine"),
        ("E (V)", f"{_first(spectrum.bias_V):.4f}"),
        ("Va (mV)", f"{1e3 * float(np.mean(spectrum.amplitude_V)) * math.sqrt(2):.1f}"),
        ("E range min (V)", "-10.000"),
        ("E range max (V)", "10.000"),
        ("I Range", _range_words(spectrum)),
    ]
    header += [f"{name:<20}{value:<20}" for name, value in block]
    header.append("")
    names = ("freq/Hz", "Re(Z)/Ohm", "-Im(Z)/Ohm", "|Z|/Ohm", "Phase(Z)/deg", "time/s", "<Ewe>/V", "<I>/mA",
             "cycle number")  # fmt: skip
    count = len(header) + 3
    lines = ["EC-Lab ASCII FILE", f"Nb header lines : {count}", *header, "\t".join(names) + "\t"]
    for index, frequency_Hz in enumerate(spectrum.frequency_Hz):
        z = spectrum.z_ohm[index]
        values = (frequency_Hz, z.real, -z.imag, abs(z), np.angle(z, deg=True), _elapsed_s(spectrum, index),
                  spectrum.bias_V[index], 1e3 * spectrum.dc_current_A[index], 1.0)  # fmt: skip
        lines.append("\t".join(f"{value:.9e}" for value in values) + "\t")
    return _joined(lines, "cp1252")


def bdf(spectrum: RunSpectrum) -> bytes:
    """BDF-EIS: the three required columns (time, DC potential, DC current) and the impedance, true sign."""
    lines = [",".join(BDF_COLUMNS)]
    for index, frequency_Hz in enumerate(spectrum.frequency_Hz):
        z = spectrum.z_ohm[index]
        values = (spectrum.time_s[index], spectrum.bias_V[index], spectrum.dc_current_A[index], frequency_Hz,
                  z.real, z.imag, spectrum.temperature_C)  # fmt: skip
        lines.append(",".join(f"{value:.9e}" if math.isfinite(value) else "" for value in values))
    return _joined(lines, "utf-8", "\n")


def _elapsed_s(spectrum: RunSpectrum, index: int) -> float:
    return float(spectrum.time_s[index] - spectrum.time_s[0])


def _moment(taken_unix: float) -> datetime:
    return datetime.fromtimestamp(taken_unix, tz=UTC)


def _first(values: np.ndarray) -> float:
    return float(values[0]) if len(values) else 0.0


def _range_words(spectrum: RunSpectrum) -> str:
    """The largest current range used, as EC-Lab writes ranges."""
    known = spectrum.current_range_A[np.isfinite(spectrum.current_range_A) & (spectrum.current_range_A > 0)]
    if not len(known):
        return "Auto"
    for unit, size in (("A", 1.0), ("mA", 1e-3), ("µA", 1e-6), ("nA", 1e-9)):
        if known.max() >= 0.999 * size:
            return f"{known.max() / size:.4g} {unit}"
    return f"{known.max() / 1e-12:.4g} pA"


def _joined(lines: list[str], encoding: str, line_end: str = "\r\n") -> bytes:
    return (line_end.join(lines) + line_end).encode(encoding, errors="replace")
