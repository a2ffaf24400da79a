"""The intervals of fractions, against those of scipy.stats, which is slow to load."""

import pytest
from scipy.stats import binomtest

from memlab.runs.findings import CONFIDENCE, Findings


@pytest.mark.parametrize("n", [1, 2, 7, 40, 8192])
def test_intervals_and_errors_are_the_binomial_ones(n: int) -> None:
    for count in sorted({0, 1, n // 3, n // 2, n - 1, n}):
        findings = Findings()
        findings.fraction("share", count, n, "Cells that do.", "cells")
        found, expected = findings.values["share"], binomtest(count, n)
        exact = expected.proportion_ci(CONFIDENCE, "exact")
        sigma = expected.proportion_ci(0.6827, "wilson")
        assert found.value == count / n
        assert found.interval == pytest.approx((exact.low, exact.high), abs=1e-9)
        assert found.error == pytest.approx(0.5 * (sigma.high - sigma.low), abs=1e-12)
        # None and all are ends that no interval leaves out.
        assert found.interval[0] <= count / n <= found.interval[1]
