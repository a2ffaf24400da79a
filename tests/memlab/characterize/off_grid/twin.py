"""Twins of staircases: several effects at once, boards that nobody calibrated, small chips."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from support.known_chips import characterise, chip

from memlab.characterize import load_procedure
from memlab.twin import MeasuredRun, fit
from tests.memlab.characterize.off_grid.harness import Found, Setting
from tests.memlab.characterize.off_grid.truths import BOARD

__all__ = ["SETTINGS"]


@dataclass(frozen=True)
class TwinSetting(Setting):
    """A chip, and which of its parameters the twin must find; the base is the preset itself."""

    parameters: tuple[str, ...] = ()

    def measure(self, procedure: str, seed: int) -> dict[str, Found]:
        """Fit a twin to a staircase of a chip of this seed."""
        preset = chip(self.preset, **self.chip)
        known = characterise(
            "staircase", preset, shape=self.shape, seed=seed, region=self.region, **self.settings
        )
        kind = load_procedure("staircase")
        made = kind(kind.Config(seed=seed, chip=preset, **self.settings))
        run = MeasuredRun(Path("run.h5"), made, known.record, self.shape, ("chip",), ("", 0))
        # Other seeds than the chip's: a twin of its own seed would be the chip itself.
        found = {one.name: one for one in fit([run], chip(self.preset), seed=10_000 + seed).fitted}
        return {
            name: Found(found[name].value, preset.parameter(name), found[name].error)
            for name in self.parameters
        }


_LAW = ("set_slope", "set_offset", "noise")

SETTINGS = [
    TwinSetting(
        "few steps",
        chip={**BOARD, "noise": 7e-6, "set_offset": 60e-6},
        settings={"steps": 4},
        shape=(16, 12),
        parameters=_LAW,
    ),
    TwinSetting(
        "a board nobody calibrated",
        chip={**BOARD, "spread__set_slope": 0.04, "reset_conductance": 15e-6},
        settings={"steps": 6},
        shape=(24, 16),
        parameters=(*_LAW, "spread.set_slope"),
    ),
    TwinSetting(
        "spreads of every kind",
        chip={
            "set_slope": 130e-6,
            "spread__set_slope": 0.06,
            "spread__set_offset": 8e-6,
            "spread__cycle": 0.03,
            "reset_conductance": 25e-6,
            "spread__reset": 0.3,
        },
        settings={"steps": 8, "gate_minimum": 1.2, "gate_maximum": 2.1},
        shape=(24, 16),
        parameters=("set_slope", "set_offset", "spread.set_offset", "reset_conductance"),
    ),
    TwinSetting(
        "dead and stuck cells",
        chip={"defects__stuck_on": 0.05, "defects__stuck_off": 0.04},
        preset="pt-taox-ta",
        settings={"steps": 5},
        shape=(40, 16),
        parameters=(*_LAW, "defects.stuck_on", "non_responsive"),
    ),
    TwinSetting(
        "noisy reads",
        chip={"read_noise__white": 0.02, "board__adc__noise": 1.0, "spread__set_slope": 0.03},
        settings={"steps": 6},
        shape=(24, 16),
        parameters=("set_slope", "set_offset"),
    ),
    TwinSetting(
        "small, steep and quiet",
        chip={**BOARD, "set_slope": 200e-6, "set_offset": 20e-6, "noise": 1.5e-6},
        settings={"steps": 5, "gate_maximum": 1.9},
        shape=(16, 12),
        parameters=_LAW,
    ),
]
