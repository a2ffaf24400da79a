"""Read noise away from the defaults."""

from __future__ import annotations

import numpy as np
from support.known_chips import Known

from memlab.regions import Region
from tests.memlab.characterize.off_grid.harness import Setting
from tests.memlab.characterize.off_grid.truths import BOARD

__all__ = ["SETTINGS"]


def flicker_power(known: Known) -> float:
    """Power of the 1/f noise in the band of the test, by the law in `fluctuation`.

    Steps of octaves are 1/f within 20 %, and as they are sampled what is faster comes back as
    slower. So the law is sampled, and floor and 1/f part of it are found in its own weights.
    """
    noise = known.chip.preset.read_noise
    octaves = 1 + round(np.log2(noise.flicker_slowest / noise.step))
    keeps = noise.step * 2.0 ** np.arange(octaves)
    readings = known.record.readings
    interval = float(np.median(np.diff(readings.coordinate("time"))))
    reads = int((readings.coordinate("level") == 0).sum())
    f = np.arange(2, (reads + 1) // 2) / (reads * interval)
    S, one_over_f = np.zeros((2, f.size))
    for fold in range(-400, 401):
        at = np.abs(f + fold / interval)[:, np.newaxis]
        S += (2.0 * keeps * noise.flicker**2 / octaves * np.sinc(at * keeps) ** 2).sum(axis=1)
        one_over_f += 1.0 / at[:, 0] * (abs(fold) <= 3)
    S += 2.0 * interval * noise.white**2
    design = np.column_stack([np.ones(f.size), one_over_f]) / S[:, np.newaxis]
    return float(np.linalg.lstsq(design, np.ones(f.size), rcond=None)[0][1])


def traps(known: Known) -> float:
    """Share of the usable cells that have a trap."""
    usable = np.isfinite(known.map("cell_white"))
    has_trap = np.zeros(known.chip.shape, bool)
    has_trap.flat[known.chip.fluctuation._traps.cell] = True
    part = has_trap[np.ix_(known.record.rows, known.record.columns)]
    return float(part[usable].mean())


ONE = {"groups": 2, "gate_voltages": (1.6,)}

SETTINGS = [
    Setting(
        "white and 1/f, odd interval",
        {"white": 0.006, "flicker_power": flicker_power},
        {"read_noise__white": 0.006, "read_noise__flicker": 0.01, **BOARD},
        settings={**ONE, "reads": 100, "interval": 0.013, "burst": 12},
        region=Region(rows="1:15", columns="2:"),
    ),
    Setting(
        "1/f noise within the bursts",
        {"white": 0.004},
        {"read_noise__white": 0.004, "read_noise__flicker": 0.012, "read_noise__step": 2e-4},
        settings={**ONE, "reads": 32, "burst": 24},
    ),
    Setting(
        "slow series, 1/f alone",
        {"flicker_power": flicker_power},
        {"read_noise__flicker": 0.02, "read_noise__step": 0.01, "read_noise__flicker_slowest": 3e3},
        settings={**ONE, "reads": 160, "interval": 0.11, "burst": 4},
    ),
    Setting(
        "visible traps",
        {"telegraph_cells": 0.2, "telegraph_amplitude": 0.04},
        {
            "read_noise__white": 0.005,
            "read_noise__telegraph_cells": 0.2,
            "read_noise__telegraph_amplitude": 0.04,
            "read_noise__dwell_minimum": 0.02,
            "read_noise__dwell_maximum": 0.3,
        },
        settings={"groups": 1, "gate_voltages": (1.4,), "burst": 2},
    ),
    Setting(
        "slow and small traps",
        {"telegraph_cells": traps, "white": 0.005},
        {
            "read_noise__white": 0.005,
            "read_noise__flicker": 0.002,
            "read_noise__telegraph_cells": 0.1,
            "read_noise__telegraph_amplitude": 0.03,
            "read_noise__amplitude_spread": 0.7,
            "read_noise__duty_spread": 1.0,
            "read_noise__dwell_maximum": 100.0,
        },
        settings={"groups": 1, "gate_voltages": (1.4,), "burst": 8},
    ),
    Setting(
        "slow traps beside 1/f noise",
        {"flicker_power": flicker_power},
        {
            "read_noise__white": 0.002,
            "read_noise__flicker": 0.01,
            "read_noise__telegraph_cells": 0.1,
            "read_noise__telegraph_amplitude": 0.06,
            "read_noise__dwell_minimum": 1.0,
            "read_noise__dwell_maximum": 30.0,
        },
        settings={"groups": 1, "gate_voltages": (1.4,), "burst": 2},
    ),
    Setting(
        "noise below a step of the converter",
        {"white": 2e-4, "flicker_power": 0.0},
        {"read_noise__white": 2e-4, **BOARD, "board__adc__noise": 0.2},
        settings={**ONE, "reads": 48, "burst": 16, "zeros": 64},
    ),
    Setting(
        "a single row, two levels",
        {"white": 0.01},
        {"read_noise__white": 0.01, "read_noise__flicker": 0.003, **BOARD},
        settings={"gate_voltages": (0.9, 2.2), "groups": 1, "reads": 48, "burst": 20},
        shape=(6, 64),
        region=Region(rows="4"),
    ),
    Setting(
        "no 1/f noise",
        {"flicker_power": 0.0, "white": 0.008},
        {"read_noise__white": 0.008, **BOARD},
        settings={**ONE, "reads": 64, "burst": 6},
        undetermined=("flicker_exponent",),
    ),
]
