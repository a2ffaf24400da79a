"""VMM accuracy away from the defaults: the truth is what far more vectors say of the chip."""

from __future__ import annotations

from memlab.regions import Region
from tests.memlab.characterize.off_grid.harness import Found, Setting
from tests.memlab.characterize.off_grid.truths import BOARD

__all__ = ["SETTINGS"]

MANY = 1200
"""Random vectors, 20 to 50 times those of the settings: the truth errs by a fifth as much."""


class Repeated(Setting):
    """The same chip, matrix and region with far more vectors."""

    def measure(self, procedure: str, seed: int) -> dict[str, Found]:
        few = super().measure(procedure, seed)
        settings = {**self.settings, "patterns": MANY}
        many = Setting(
            self.name,
            self.truth,
            self.chip,
            self.preset,
            settings,
            self.shape,
            self.region,
            self.before,
        ).measure(procedure, seed)
        return {name: Found(f.value, many[name].value, f.error) for name, f in few.items()}


def found(*names: str) -> dict[str, float]:
    """Names of the findings; their truth is measured."""
    return dict.fromkeys(names, 0.0)


SETTINGS = [
    Repeated(
        "a board nobody calibrated",
        found("total_error", "offset_error"),
        BOARD,
        settings={"patterns": 25, "amplitudes": (0.13,), "gains": (0,), "reads": 3},
        region=Region(rows="2:14"),
    ),
    Repeated(
        "noise of the cells at gain 2",
        found("total_error", "noise_error"),
        {"read_noise__white": 0.02, "spread__set_slope": 0.05},
        settings={"patterns": 30, "amplitudes": (0.08,), "gains": (2,), "repeats": 3},
    ),
    Repeated(
        "quantisation alone",
        found("total_error", "quantisation_error"),
        settings={"patterns": 60, "amplitudes": (0.03, 0.07), "gains": (1,), "repeats": 2},
        shape=(10, 30),
    ),
    Repeated(
        "a single row",
        found("total_error", "noise_error"),
        {**BOARD, "read_noise__white": 0.01},
        settings={"patterns": 30, "amplitudes": (0.19,), "gains": (2, 0)},
        shape=(5, 24),
        region=Region(rows="3"),
    ),
    Repeated(
        "a single column",
        found("total_error", "offset_error"),
        BOARD,
        settings={"patterns": 30, "amplitudes": (0.15,), "gains": (1,), "repeats": 2},
        shape=(40, 4),
        region=Region(columns="1"),
    ),
    Repeated(
        "all effects, few levels",
        found("total_error", "offset_error", "wire_loss_error"),
        preset="ta-hfo2-full",
        settings={
            "patterns": 40,
            "gate_minimum": 1.0,
            "gate_maximum": 1.4,
            "wire_resistance": 0.3,
            "amplitudes": (0.18,),
            "gains": (0,),
            "repeats": 2,
        },
        shape=(20, 12),
    ),
]
