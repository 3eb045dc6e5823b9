"""The factor of a 95 % interval by Student's t.

scipy.special has it too, and takes longer to load than 500 h of cycling take to analyse.
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np
from numpy.polynomial.legendre import leggauss

from procedures.analysis.estimate import NORMAL_95

_PLACES = 32
_CLOSE, _MOST_STEPS = 1e-14, 50


@cache
def _nodes() -> tuple[np.ndarray, np.ndarray]:
    """Of Gauss's and Legendre's rule on 0 to 1."""
    places, weights = leggauss(_PLACES)
    return 0.5 * (places + 1), 0.5 * weights


def student_95(degrees: float) -> float:
    """The factor by which a standard error with so many degrees of freedom, 1 or more, widens to 95 %.

    With t = sqrt(n) tan(a) the density of t is a power of the cosine, which is integrated to machine precision; the
    root is approached from below by Newton's steps. Raises ValueError below one degree.
    """
    if not degrees >= 1:
        raise ValueError(f"{degrees!r} degrees of freedom")
    places, weights = _nodes()
    scale = math.exp(math.lgamma(0.5 * (degrees + 1)) - math.lgamma(0.5 * degrees)) / math.sqrt(math.pi)
    angle = math.atan(NORMAL_95 / math.sqrt(degrees))
    for _ in range(_MOST_STEPS):
        share = scale * angle * float(weights @ np.cos(places * angle) ** (degrees - 1))
        step = (0.475 - share) / (scale * math.cos(angle) ** (degrees - 1))
        angle += step
        if abs(step) < _CLOSE + 1e-12 * angle:
            break
    return math.sqrt(degrees) * math.tan(angle)
