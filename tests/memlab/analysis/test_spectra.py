"""Spectra, bursts and jumps of made noise: estimates with honest errors, and what is not seen."""

import numpy as np
import numpy.typing as npt
import pytest

from memlab.analysis.bursts import Bursts, white_noise
from memlab.analysis.spectra import fit_flicker, periodograms, restless_cells
from memlab.analysis.telegraph import SLOWEST, find_two_states

FloatArray = npt.NDArray[np.float64]


def power_law(
    rng: np.random.Generator, reads: int, cells: int, interval: float, power: float, exponent: float
) -> FloatArray:
    """Normal noise of density power / f^exponent, 8 times finer and longer than it is sampled."""
    n, dt = 64 * reads, interval / 8
    f = np.fft.rfftfreq(n, dt)[1:, np.newaxis]
    size = np.sqrt(power * f**-exponent * n / (2 * dt)) / 2**0.5
    wave = size * (rng.standard_normal((f.size, cells)) + 1j * rng.standard_normal((f.size, cells)))
    return np.fft.irfft(np.vstack([np.zeros((1, cells)), wave]), n, axis=0)[: 8 * reads : 8]


def assert_honest(z: FloatArray) -> None:
    """Four standard errors of mean and deviation of normal z."""
    n = len(z)
    assert (np.abs(z.mean(axis=0)) < 4.0 / n**0.5).all(), z.mean(axis=0)
    assert (np.abs(z.std(axis=0, ddof=1) - 1.0) < 4.0 / (2 * n) ** 0.5).all(), z.std(axis=0)


@pytest.mark.parametrize("exponent", [1.0, pytest.param(1.4, marks=pytest.mark.slow)])
def test_power_and_exponent_have_honest_errors(exponent: float) -> None:
    rng, found = np.random.default_rng(1), []
    for _ in range(40):
        noise = power_law(rng, 90, 60, 0.013, 9e-6, exponent)
        noise += 0.003 * rng.standard_normal(noise.shape)
        # All cells relax besides.
        relaxed = 1.0 + 0.02 * np.log10(1.0 + 0.013 * np.arange(90))[:, np.newaxis]
        found.append(fit_flicker(periodograms(250e-6 * (relaxed + noise), 0.013)))
    z = np.array([(one.exponent - exponent) / one.exponent_error for one in found])
    assert_honest(z)
    if exponent == 1.0:
        assert_honest(np.array([(one.power - 9e-6) / one.power_error for one in found]))


def test_cells_that_jump_rarely_are_told_from_those_with_the_noise_of_the_others() -> None:
    rng = np.random.default_rng(2)
    noise = 1.0 + power_law(rng, 128, 500, 0.02, 5e-6, 1.0)
    noise += 0.003 * rng.standard_normal(noise.shape)
    assert restless_cells(noise).sum() <= 2
    jumped = rng.integers(20, 108, 20)
    noise[:, :20] -= 0.05 * (np.arange(128)[:, np.newaxis] > jumped)
    restless = restless_cells(noise)
    assert restless[:20].mean() > 0.9
    assert restless[20:].sum() <= 2


@pytest.mark.parametrize("rare", [200, 16, 2])
def test_noise_that_is_slower_than_a_burst_or_within_it_is_no_white_noise(rare: int) -> None:
    rng, z = np.random.default_rng(3), []
    cells, reads, G = 150, 20, 300e-6
    for _ in range(40):
        # Terms that are drawn anew every `rare` 2^k reads.
        slow = np.zeros((reads, cells))
        for octave in range(10):
            keeps = rare * 2**octave
            blocks = (np.arange(reads) + rng.integers(keeps)) // keeps
            slow += 0.003 * rng.standard_normal((blocks.max() + 1, cells))[blocks]
        white = 0.005 * rng.standard_normal(slow.shape)
        board = 1e-6 * rng.standard_normal(slow.shape)
        bursts = Bursts(
            G * (1.0 + slow + white) + board,
            np.full(cells, G),
            np.full(cells, 1e-12),
            np.full(cells, 2e-14),
            np.arange(cells) % 10,
        )
        value, error = white_noise(bursts)
        z.append((value - 0.005) / error)
    found = np.array(z)
    # How slow noise goes on between the reads is averaged over: the error holds that, too.
    assert abs(found.mean()) < 4.0 / 40**0.5
    assert found.std(ddof=1) < 1.0 + 4.0 / 80**0.5


@pytest.mark.parametrize("reads", [32, 128])
def test_jumps_are_found_down_to_the_limits_that_are_named(reads: int) -> None:
    rng = np.random.default_rng(4)
    cells, noise = 2000, 0.004

    def series(jump: float, dwell: float) -> FloatArray:
        """Two states, left at the same rate; `dwell` in reads."""
        change = 0.5 * (1.0 - np.exp(-2.0 / dwell))
        jumps = rng.random((reads, cells)) < change
        jumps[0] = rng.random(cells) < 0.5
        low = np.cumsum(jumps, axis=0) % 2
        return 1.0 + noise * rng.standard_normal(low.shape) - jump * low

    still = find_two_states(series(0.0, 1.0))
    assert still.found.mean() < 1.5e-3
    limit = still.smallest_jump
    assert find_two_states(series(limit, 1.0)).found.mean() > 0.88
    assert find_two_states(series(0.7 * limit, 1.0)).found.mean() < 0.5
    slow = find_two_states(series(2.0 * limit, SLOWEST * reads)).found.mean()
    assert slow == pytest.approx(0.955, abs=0.025)
    assert find_two_states(series(2.0 * limit, 1.3 * reads)).found.mean() == pytest.approx(
        0.5, abs=0.06
    )
