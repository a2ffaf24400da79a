"""All settings by procedure. To add one: a module of its own with `SETTINGS`, and a line here."""

from __future__ import annotations

from collections.abc import Sequence

from tests.memlab.characterize.off_grid import (
    calibration,
    endurance,
    forming,
    iv,
    linearity,
    pulse_maps,
    read_noise,
    retention,
    staircase,
    twin,
    variation,
    vmm_accuracy,
    wires,
    yield_,
)
from tests.memlab.characterize.off_grid.harness import Setting

__all__ = ["TABLE"]

TABLE: dict[str, Sequence[Setting]] = {
    "linearity": linearity.SETTINGS,
    "vmm-accuracy": vmm_accuracy.SETTINGS,
    "wires": wires.SETTINGS,
    "iv": iv.SETTINGS,
    "read-noise": read_noise.SETTINGS,
    "retention": retention.SETTINGS,
    "staircase": staircase.SETTINGS,
    "variation": variation.SETTINGS,
    "forming": forming.SETTINGS,
    "endurance": endurance.SETTINGS,
    "yield": yield_.SETTINGS,
    "set": pulse_maps.SET,
    "reset": pulse_maps.RESET,
    "calibration": calibration.SETTINGS,
    "twin": twin.SETTINGS,
}
