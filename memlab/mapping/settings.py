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
from memlab.mapping.slices import SliceTraining, join_slices
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

MOST_SLICES = 8
"""The last of more would be finer than what the ADC tells apart by far."""

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

    slices: int = Field(
        1,
        description="Matrices that hold each weight matrix together, every one finer than the one "
        "before; each takes as many cells.",
        ge=1,
        le=MOST_SLICES,
    )
    trained_slice: int | None = Field(
        None,
        description="Slice that updates go to, from 0, the coarsest, while the others stay; null: "
        "each is asked for what those before it left.",
        ge=0,
    )
    carry_every: int = Field(
        0,
        description="Updates after which what all slices hold is brought to them anew, the "
        "coarsest first; 0: never.",
        ge=0,
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
        if self.trained_slice is not None and not self.trained_slice < self.slices:
            raise ValueError(
                f"trained_slice={self.trained_slice} must be below slices={self.slices}: they are "
                "counted from 0"
            )
        if self.carry_every and self.trained_slice is None:
            raise ValueError("carry_every needs a trained_slice: otherwise nothing is to carry")
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
        slices: int | None = None,
    ) -> dict[str, DifferentialMatrix]:
        """Return the matrices of a floor plan by name; nothing is programmed yet.

        Where a matrix lies in several slices, the plan has a place for each (`Request.slices`).

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
        slices
            Of each matrix, if not as these settings say.

        Raises
        ------
        SettingError
            If these settings choose no levels on one of the arrays, or the plan has not the
            slices of every matrix.
        """
        make = make_rule or self.make_rule
        slices = self.slices if slices is None else slices
        rng = np.random.default_rng(seed)
        # Finer slices draw no first weights: these are as they are without slices.
        nobody = np.random.default_rng(seed)
        for array in arrays:
            if not array.writable:
                self.make_rule(rng).levels(array)
        held = {
            matrix.name: placed_matrix(
                matrix,
                arrays,
                self.siemens_per_weight,
                read_voltage,
                lambda: make(rng),
                nobody if slices > 1 and not matrix.name.endswith("_slice0") else rng,
                self.layout,
            )
            for matrix in plan
        }
        training = SliceTraining(self.trained_slice, self.carry_every, self._moved(arrays))
        return join_slices(held, slices, training)

    def _moved(self, arrays: Sequence[Array]) -> float:
        """Return how far a weight moves for a change of 1: both cells make it, as the law says."""
        slopes = [
            array.stated_law.set_slope
            for array in arrays
            if array.control.gates and not array.writable and array.stated_law is not None
        ]
        return 2.0 * self.volts_per_siemens * slopes[0] if slopes else 1.0


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
