"""Lin-KK: is a spectrum that of a linear, stable, causal cell?

The spectrum is fitted by R - C - L and M parallel RC elements with fixed time constants, which obeys the
Kramers-Kronig relations by construction (Boukamp, J. Electrochem. Soc. 142 (1995) 1885); M is raised until
resistances of opposite sign would overfit (Schoenleber, Klotz, Ivers-Tiffee, Electrochim. Acta 131 (2014) 20).

The limit of the residual is relative to the noise of this very spectrum, seen in its fourth differences over
log(frequency), where a smooth spectrum vanishes; what is below the accuracy of a good instrument is nobody's
fault. Residuals that are small but ordered are found by a structure test, single points by their residual over
what the fit leaves them free. A drift of the sample by half a kelvin is below what any of these can see: it is no
settle rule.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.special import erfc

from procedures.analysis.circuit import Complexes, Floats
from procedures.analysis.options import FitOptions

_FEWEST_POINTS = 10
_OVERFIT_LIMIT = 0.85
_LEAST_PER_DECADE = 1.5
_LEAST_FREE = 0.3
_DIFFERENCE = np.array([1.0, -4.0, 6.0, -4.0, 1.0]) / math.sqrt(70.0)


@dataclass(frozen=True, eq=False)
class KramersKronig:
    """Residuals are relative to |Z|, (n,), in the order of descending frequency.

    `residual_percent` is their rms over real and imaginary part, `noise_percent` the noise seen in the
    differences of neighbours (one component). `degrees_of_freedom` belong to the residual.
    """

    residual_percent: float | None
    residual_real: Floats
    residual_imag: Floats
    noise_percent: float | None
    verdict: Literal["valid", "doubtful", "not tested"]
    reason: str
    elements: int = 0
    degrees_of_freedom: int = 0


def lin_kk(frequency_Hz: Floats, z_ohm: Complexes, options: FitOptions | None = None) -> KramersKronig:
    """Test frequency_Hz (n,) and z_ohm (n,), finite. Never raises: too few points are "not tested"."""
    options = options or FitOptions()
    order = np.argsort(-frequency_Hz)
    omega, z = 2 * np.pi * frequency_Hz[order], z_ohm[order]
    if len(omega) < _FEWEST_POINTS or omega[0] < 3 * omega[-1] or not np.all(np.abs(z) > 0):
        reason = f"{len(omega)} points: at least {_FEWEST_POINTS} over half a decade are needed"
        empty = np.empty(0)
        return KramersKronig(None, empty, empty, None, "not tested", reason)
    noise = max(noise_level(z), options.noise_floor)
    accepted = max(noise, options.kk_accuracy)
    residual, free, elements = _fit(omega, z, 1.2 * accepted)
    n = len(omega)
    freedom = 2 * n - elements - 3
    rms = float(np.sqrt(np.mean(residual**2)))
    corrected = rms * math.sqrt(2 * n / freedom)
    reason = _doubt(residual, free, corrected, accepted, omega / (2 * np.pi), options)
    return KramersKronig(
        residual_percent=100 * rms,
        residual_real=residual[:n],
        residual_imag=residual[n:],
        noise_percent=100 * noise,
        verdict="doubtful" if reason else "valid",
        reason=reason or f"residual {100 * rms:.2g} % at a noise of {100 * noise:.2g} %, without order",
        elements=elements,
        degrees_of_freedom=freedom,
    )


def noise_level(z_ohm: Complexes) -> float:
    """Relative noise of one component, from fourth differences of ln Z over neighbours (robust: median)."""
    log_z = np.log(np.abs(z_ohm)) + 1j * np.unwrap(np.angle(z_ohm))
    rough = np.convolve(log_z, _DIFFERENCE, "valid")
    return float(np.median(np.abs(np.concatenate([rough.real, rough.imag]))) / 0.6745)


def _fit(omega: Floats, z: Complexes, enough: float) -> tuple[Floats, Floats, int]:
    """Residuals (2 n,) relative to |Z|, how free each is (2 n,) of its own pull on the fit, 0..1, and the number
    of elements.

    Elements are added until they overfit and the residual is down to `enough`; a sum of two opposite elements
    alone is no reason to stop, since inductive and falling spectra need them. Else the best number is taken.
    """
    weight = 1 / np.abs(z)
    target = np.concatenate([(z * weight).real, (z * weight).imag])
    jw = 1j * omega
    fixed = np.stack([np.ones(len(omega), dtype=complex), 1 / jw, jw], axis=1)
    most = max(4, int(0.45 * len(omega)))
    least = min(most, max(3, round(_LEAST_PER_DECADE * math.log10(omega.max() / omega.min()))))
    best: tuple[float, Floats, Floats, int] | None = None
    for elements in range(least, most + 1):
        times = np.geomspace(1 / omega.max(), 1 / omega.min(), elements)
        columns = np.concatenate([fixed, 1 / (1 + jw[:, None] * times)], axis=1) * weight[:, None]
        stacked = np.concatenate([columns.real, columns.imag])
        scale = np.linalg.norm(stacked, axis=0)
        sizes = np.linalg.lstsq(stacked / scale, target, rcond=None)[0]
        residual = target - (stacked / scale) @ sizes
        rms = math.sqrt(float(residual @ residual) / (len(target) - elements - 3))
        if best is None or rms < best[0]:
            best = (rms, residual, stacked / scale, elements)
        resistances = (sizes / scale)[3:]
        positive = resistances[resistances > 0].sum()
        overfits = 1 + resistances[resistances < 0].sum() / max(positive, 1e-300) < _OVERFIT_LIMIT
        if overfits and rms <= enough:
            best = (rms, residual, stacked / scale, elements)
            break
    assert best is not None
    pull = np.sum(np.linalg.qr(best[2])[0] ** 2, axis=1)
    return best[1], 1 - pull, best[3]


def _doubt(residual: Floats, free: Floats, rms: float, noise: float, frequency_Hz: Floats, options: FitOptions) -> str:
    """Why the spectrum is doubtful, in a sentence; empty when it is not."""
    n = len(frequency_Hz)
    if rms > options.kk_residual_ratio_max * noise:
        return (
            f"residual {100 * rms:.2g} %, {rms / noise:.1f} times what noise and accuracy allow ({100 * noise:.2g} %)"
        )
    alone = np.abs(residual) / np.sqrt(np.maximum(free, _LEAST_FREE))
    alone = np.where(np.tile(_inner(n), 2), alone, 0.0)
    worst = int(np.argmax(alone))
    usual = max(noise, float(np.median(alone)) / 0.6745)
    if alone[worst] > options.kk_outlier_max * usual:
        return f"the point at {frequency_Hz[worst % n]:.4g} Hz is off by {100 * alone[worst]:.2g} %"
    real, imag = residual[:n], residual[n:]
    if rms <= options.kk_accuracy:
        return ""
    chance = min(_order_p(real), _order_p(imag))
    if chance < options.kk_structure_p_min:
        return f"residuals of neighbouring points are alike (by chance in {100 * chance:.1g} % of spectra)"
    return ""


def _inner(n: int) -> np.ndarray:
    """All but two points at each end, where the time constants of the elements end as well."""
    return (np.arange(n) > 1) & (np.arange(n) < n - 2)


def _order_p(residual: Floats) -> float:
    """Probability that independent residuals are as alike from point to point (lag-1 correlation, one-sided)."""
    square = float(residual @ residual)
    if square == 0:
        return 1.0
    lag = float(residual[1:] @ residual[:-1]) / square
    return 0.5 * float(erfc(lag * math.sqrt(len(residual)) / math.sqrt(2)))
