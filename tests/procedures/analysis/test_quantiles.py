"""The factor of a 95 % interval, against scipy's."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import stdtrit

from procedures.analysis.quantiles import student_95


@given(st.floats(0, 5).map(lambda power: 10.0**power))
def test_it_is_student_s_quantile(degrees: float) -> None:
    assert student_95(degrees) == pytest.approx(float(stdtrit(degrees, 0.975)), rel=1e-9)


def test_with_many_degrees_it_is_the_normal_one_and_below_one_it_is_refused() -> None:
    assert student_95(4e6) == pytest.approx(1.959964, abs=1e-6)
    with pytest.raises(ValueError, match=r"0\.5"):
        student_95(0.5)
