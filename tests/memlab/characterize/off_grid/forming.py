"""Forming away from the defaults: coarse and fine ramps, cells that do not form, parts of chips.

Of chips without wires: what those take of a pulse is named beside the error, and not in it.
"""

from __future__ import annotations

from memlab.regions import Region
from tests.memlab.characterize.off_grid.harness import Setting
from tests.memlab.characterize.off_grid.truths import BOARD

__all__ = ["SETTINGS"]


def _chip(voltage: float, spread: float) -> tuple[dict[str, float], dict[str, float]]:
    truth = {"forming_voltage": voltage, "forming_spread": spread}
    return truth, {"forming__voltage": voltage, "forming__spread": spread}


_LOW, _WIDE, _HIGH = _chip(1.93, 0.07), _chip(2.1, 0.25), _chip(2.8, 0.15)
_ONE = {"widths": 1, "width_minimum": 1e-6, "width_maximum": 1e-6}

SETTINGS = [
    Setting(
        "a fine ramp, a board nobody calibrated",
        _LOW[0],
        {**_LOW[1], **BOARD},
        settings={**_ONE, "voltage_minimum": 1.63, "voltage_maximum": 2.27, "steps": 17},
    ),
    Setting(
        "a coarse ramp",
        _WIDE[0],
        _WIDE[1],
        settings={**_ONE, "voltage_minimum": 1.0, "voltage_maximum": 3.0, "steps": 11},
    ),
    Setting(
        "half of the cells do not form",
        _HIGH[0],
        _HIGH[1],
        settings={**_ONE, "voltage_minimum": 2.3, "voltage_maximum": 2.95, "steps": 14},
    ),
    Setting(
        "a single row",
        _LOW[0],
        {**_LOW[1], **BOARD},
        settings={**_ONE, "voltage_minimum": 1.6, "voltage_maximum": 2.3, "steps": 15},
        shape=(10, 48),
        region=Region(rows="6"),
    ),
    Setting(
        "few cells at once, another target",
        _WIDE[0],
        {**_WIDE[1], "noise": 8e-6, **BOARD},
        settings={**_ONE, "voltage_maximum": 2.8, "cells_at_once": 3, "target": 60e-6},
        region=Region(rows="1:13", columns="0:9"),
    ),
    Setting(
        "steps as wide as the spread",
        {"forming_voltage": 2.07, "forming_spread": 0.1},
        _chip(2.07, 0.1)[1],
        settings={**_ONE, "voltage_minimum": 1.5, "voltage_maximum": 2.6, "steps": 12},
    ),
]
