"""Settings of how weights become conductances, and changes become pulses."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Self

import numpy as np
from pydantic import Field, model_validator

from memlab.array import Array
from memlab.mapping.differential import DifferentialMatrix
from memlab.mapping.floor_plan import FloorPlan
from memlab.mapping.layout import Layout
from memlab.mapping.levels import Amplitudes
from memlab.mapping.placed_matrix import placed_matrix
from memlab.mapping.update import OneShotUpdate, UpdateRule
from memlab.setting_units import Siemens, Volts, VoltsPerSiemens
from memlab.settings import Section

__all__ = ["LI_2019", "TA_HFO2", "LargestAmplitude", "MappingConfig", "SmallestAmplitude"]


SmallestAmplitude = Annotated[
    Volts,
    Field(
        description="Where cells have no gates: smallest SET amplitude; 0: half of "
        "point.set_voltage.",
        ge=0,
    ),
]
"""Type of the setting that the levels of cells without gates begin at."""

LargestAmplitude = Annotated[
    Volts, Field(description="Where cells have no gates: largest; 0: point.set_voltage.", ge=0)
]
"""Type of the setting that they end at."""


class MappingConfig(Section):
    """How weights become conductances and changes become pulses."""

    layout: Layout = Field(description="Order of the rows of a pair: block or interleaved.")
    siemens_per_weight: Siemens = Field(description="Conductance for a weight of 1 (R_gw).", gt=0)
    volts_per_siemens: VoltsPerSiemens = Field(
        description="Gate voltage for a change of conductance (R_vg).", gt=0
    )
    gate_initial: Volts = Field(description="First gate voltage.", ge=0)
    gate_minimum: Volts = Field(description="Smallest gate voltage.", ge=0)
    gate_maximum: Volts = Field(description="Largest gate voltage.", ge=0)
    gate_spread: Volts = Field(
        0.0,
        description="First gate voltages lie this far around gate_initial at random.",
        ge=0,
    )
    set_all: bool = Field(description="SET every cell at each update, or only changed ones.")
    threshold: Volts = Field(
        0.0, description="Gate voltage change below which a cell waits; 0: never.", ge=0
    )

    set_minimum: SmallestAmplitude = 0.0
    set_maximum: LargestAmplitude = 0.0
    set_step: Volts = Field(
        0.05,
        description="Where cells have no gates: steps of SET amplitudes; cells of a row with the "
        "same one are pulsed together.",
        gt=0,
    )
    set_volts_per_siemens: VoltsPerSiemens = Field(
        0.0,
        description="Where cells have no gates: SET amplitude for a change of conductance; 0: by "
        "the chip's law, so that a weight moves by what was asked.",
        ge=0,
    )

    @model_validator(mode="after")
    def _gate_range(self) -> Self:
        if not self.gate_minimum <= self.gate_initial <= self.gate_maximum:
            raise ValueError("gate_minimum <= gate_initial <= gate_maximum must hold (V)")
        if self.threshold and self.set_all:
            raise ValueError("a threshold needs set_all=false: otherwise every cell is SET anyway")
        return self

    def make_rule(
        self,
        rng: np.random.Generator,
        kind: Callable[..., OneShotUpdate] = OneShotUpdate,
    ) -> OneShotUpdate:
        """Return a new update rule with these settings; `rng` draws first gate voltages.

        `kind` makes one that derives from the one-shot update, of the same arguments.
        """
        return kind(
            self.volts_per_siemens,
            self.gate_initial,
            self.gate_minimum,
            self.gate_maximum,
            set_all=self.set_all,
            threshold=self.threshold,
            spread=self.gate_spread,
            rng=rng,
            amplitudes=Amplitudes(
                self.set_minimum, self.set_maximum, self.set_step, self.set_volts_per_siemens
            ),
        )

    def realise(
        self,
        plan: FloorPlan,
        arrays: Sequence[Array],
        read_voltage: float,
        seed: int,
        make_rule: Callable[[np.random.Generator], UpdateRule] | None = None,
    ) -> dict[str, DifferentialMatrix]:
        """Return the matrices of a floor plan by name; nothing is programmed yet.

        On a board they start and learn as their rule says. On an ideal array they start from the
        published software weights, uniform(-1, 1) / sqrt(inputs), and learn by direct writing.

        Parameters
        ----------
        plan
            Where they lie.
        arrays
            The arrays that the plan numbers from 0.
        read_voltage
            Row voltage in V that the largest input of a vector is scaled to.
        seed
            Draws the starting weights (ideal array) or gate voltages (board).
        make_rule
            Makes the rule of each block of cells on a board, given what draws at random; by
            default the one-shot update.

        Raises
        ------
        SettingError
            If these settings choose no levels on one of the arrays.
        """
        make = make_rule or self.make_rule
        rng = np.random.default_rng(seed)
        for array in arrays:
            if not array.writable:
                self.make_rule(rng).levels(array)
        return {
            matrix.name: placed_matrix(
                matrix,
                arrays,
                self.siemens_per_weight,
                read_voltage,
                lambda: make(rng),
                rng,
                self.layout,
            )
            for matrix in plan
        }


LI_2019 = MappingConfig(
    layout=Layout.BLOCK,
    siemens_per_weight=1e-4,
    volts_per_siemens=1.02e4,
    gate_initial=1.0,
    gate_minimum=0.7,
    gate_maximum=1.6,
    set_all=True,
)
"""The published one: both cells of a pair move by the full change, every cell at every step."""

TA_HFO2 = MappingConfig(
    layout=Layout.BLOCK,
    siemens_per_weight=2e-5,
    volts_per_siemens=5.1e3,
    gate_initial=1.15,
    gate_minimum=0.7,
    gate_maximum=1.6,
    set_all=False,
    threshold=0.03,
)
"""For networks of one's own on a chip of Li 2019: a weight moves by what was asked.

Both cells of a pair are asked for the full change, so that with the published R_vg, 1.02e4 V/S or
one over the slope of the chip, a weight moves by twice that; this is half of it. Cells wait until
they are due for 30 mV (3 uS): the published rule pulses every cell at every step, and the
programming noise of that drowns a small network. The gate range is +/-88 uS, so that weights reach
+/-4.4 with 20 uS; programming noise of 4 uS is 0.28 then. The ratio of the two is the chip's.
"""
