"""Switching amplitudes away from the defaults: those of one pulse, whatever the sweep."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from support.known_chips import Known

from memlab.regions import Region
from tests.memlab.characterize.off_grid.harness import Setting
from tests.memlab.characterize.off_grid.truths import BOARD

__all__ = ["SETTINGS"]


def one_pulse(polarity: str, part: float, width: float = 1e-6) -> Callable[[Known], float]:
    """Amplitude from which a pulse does a part of the way, by the law in `switching`."""

    def amplitude(known: Known) -> float:
        law = getattr(known.chip.preset, polarity)
        shorter = np.log(min(1.0, width / law.full_width))
        slope = law.width_exponent / law.voltage_scale
        reached = law.full_voltage + (np.log(part) - law.width_exponent * shorter) / slope
        return float(max(law.threshold, reached))

    return amplitude


SET = {"set_voltage": one_pulse("set", 0.5), "set_onset": one_pulse("set", 0.05)}
RESET = {"reset_voltage": one_pulse("reset", 0.5), "reset_onset": one_pulse("reset", 0.05)}

SETTINGS = [
    Setting(
        "nine steps",
        {**SET, **RESET, "nonlinearity": 0.2**2 / (6 * 0.6**2)},
        {
            "nonlinearity__voltage": 0.6,
            "nonlinearity__ohmic_conductance": 0.0,
            "read_noise__white": 0.005,
            **BOARD,
        },
        settings={"steps": 9, "cycles": 2},
        shape=(8, 8),
        region=Region(rows="1:5", columns="2:6"),
    ),
    Setting(
        "forty steps",
        {"set_onset": SET["set_onset"], "reset_onset": RESET["reset_onset"]},
        {"read_noise__white": 0.005},
        settings={"steps": 40, "cycles": 2},
        shape=(4, 4),
        undetermined=("set_voltage", "reset_voltage"),
    ),
    Setting(
        "steep switching",
        {**SET, **RESET, "nonlinearity": 0.0},
        {"set__voltage_scale": 0.03, "reset__voltage_scale": 0.05, "read_noise__white": 0.01},
        settings={"steps": 23, "cycles": 2},
        shape=(5, 6),
        region=Region(cells=("0,1", "2,3", "4,5", "1,1")),
    ),
    Setting(
        "short pulses",
        {
            "set_voltage": one_pulse("set", 0.5, 2e-7),
            "reset_voltage": one_pulse("reset", 0.5, 2e-7),
            "nonlinearity": 0.0,
        },
        {"set__full_voltage": 1.7, "noise": 2e-6},
        settings={
            "steps": 13,
            "cycles": 3,
            "point": {"set_width": 2e-7, "reset_width": 2e-7},
            "reset_maximum": 1.69,
        },
        shape=(4, 6),
    ),
    Setting(
        "a single row, another gate and threshold",
        {**SET, **RESET, "nonlinearity": 0.0},
        {"set__threshold": 0.95, "reset__threshold": 0.83, **BOARD, "spread__set_slope": 0.05},
        settings={"steps": 15, "cycles": 4, "gate_voltage": 1.6},
        shape=(5, 24),
        region=Region(rows="2"),
    ),
    Setting(
        "all effects",
        {"set_onset": SET["set_onset"], "reset_onset": RESET["reset_onset"]},
        preset="ta-hfo2-full",
        settings={"steps": 12, "cycles": 2, "set_maximum": 2.2},
        shape=(6, 8),
    ),
]
