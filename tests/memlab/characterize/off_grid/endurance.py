"""Endurance away from the defaults: early and late deaths, few checks, parts of chips."""

from __future__ import annotations

from memlab.regions import Region
from tests.memlab.characterize.off_grid.harness import Setting
from tests.memlab.characterize.off_grid.truths import BOARD

__all__ = ["SETTINGS"]


def _life(pulses: float, shape: float) -> tuple[dict[str, float], dict[str, float]]:
    truth = {"lifetime": pulses, "lifetime_shape": shape}
    return truth, {"wear__lifetime": pulses, "wear__shape": shape}


_STEEP, _FLAT, _OLD = _life(60.0, 3.0), _life(150.0, 0.8), _life(400.0, 1.5)

SETTINGS = [
    Setting(
        "steep, a board nobody calibrated",
        _STEEP[0],
        {**_STEEP[1], **BOARD, "reset_conductance": 20e-6},
        settings={"cycles": 120, "checks_per_decade": 5},
    ),
    Setting(
        "flat, many outlive the test",
        _FLAT[0],
        _FLAT[1],
        settings={"cycles": 80, "checks_per_decade": 4, "gate_voltage": 1.2},
    ),
    Setting(
        "few checks",
        _STEEP[0],
        {**_STEEP[1], **BOARD, "spread__set_slope": 0.05},
        settings={"cycles": 90, "checks_per_decade": 3},
        region=Region(rows="0:12", columns="2:12"),
    ),
    Setting(
        "hardly any dies",
        {**_OLD[0]},
        _OLD[1],
        settings={"cycles": 60, "checks_per_decade": 6},
        shape=(20, 20),
    ),
    Setting(
        "the window shrinks",
        {"window_loss": 0.05},
        {"wear__window_loss": 0.05, **BOARD, "noise": 3e-6},
        settings={"cycles": 60, "checks_per_decade": 4, "gate_voltage": 1.9},
        undetermined=("lifetime",),
    ),
    Setting(
        "a single row, dead cells from the start",
        _life(50.0, 1.2)[0],
        {**_life(50.0, 1.2)[1], "defects__stuck_off": 0.1},
        settings={"cycles": 100},
        shape=(8, 60),
        region=Region(rows="3"),
    ),
]
