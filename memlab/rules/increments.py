"""Increments: single short pulses, each of which moves a cell by a step, from where it is.

What gradient descent on arrays of incremental cells does (Gokmen and Vlasov, Frontiers in
Neuroscience 10, 333 (2016), doi:10.3389/fnins.2016.00333): a change becomes pulses at random, so
that on average their number is what was asked. The paper draws pulse trains on rows and columns,
whose coincidences are the outer product; here that product is known, and rounded.

The step of a cell depends on where the cell is,

    SET      G <- G + p (G_high - G)        RESET    G <- G - p' (G - G_low)

and from cell to cell. Up and down are one step only where p (G_high - G) = p' (G - G_low), at the
*symmetry point*: alternating pulses bring a cell there, and so does the noise of gradients, which
is what spoils plain descent on such cells (`tiki_taka`).

Cells behind transistors do not move so: their SETs end at the level of the gate. Those of this
board need no gates, or they are refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import Field

from memlab.array import Array
from memlab.errors import SettingError
from memlab.mapping import DifferentialMatrix, MappingConfig, ProgrammedUpdate, UpdateRule
from memlab.numeric import FloatArray
from memlab.rules.settings import RuleName, RuleSettings, named
from memlab.rules.steps import SteppedUpdate, make_stepped
from memlab.setting_units import Seconds, Siemens, Volts
from memlab.storage import State

__all__ = ["Increments", "IncrementsUpdate", "Pulser"]

_STRONG = 20.0
"""In V: a pulse that goes all the way, whatever the chip; no limit allows it."""

Counts = npt.NDArray[np.intp]
"""Pulses for each cell, shape (rows, columns): SETs above 0, RESETs below."""


class Increments(RuleSettings):
    """Whole pulses at random, so that the mean move is what was asked; cells without gates."""

    rule: RuleName = named("increments")
    step: Siemens = Field(
        2e-6, description="What a pulse moves a cell by, halfway up; assumed.", gt=0
    )
    width: Seconds = Field(2e-7, description="Of a pulse; assumed.", gt=0)
    set_voltage: Volts = Field(
        0.0, description="Of a SET; 0: that moves a typical emulated cell by `step`.", ge=0
    )
    reset_voltage: Volts = Field(0.0, description="Of a RESET; 0: as that of a SET.", ge=0)
    longest: int = Field(
        10, description="Pulses for a cell in an update, at most; the rest is lost; assumed.", ge=1
    )

    def make(self, mapping: MappingConfig, rng: np.random.Generator) -> UpdateRule:
        """Return the rule of one block of cells."""
        (own,) = rng.spawn(1)
        return make_stepped(mapping, rng, partial(IncrementsUpdate, self, own))

    def claim(self, matrices: Sequence[DifferentialMatrix], arrays: Sequence[Array]) -> None:
        """Refuse cells that do not move by steps, and steps that nobody knows the pulses of."""
        for matrix in matrices:
            for block in matrix.blocks:
                if not block.array.writable:
                    Pulser(self, block.array)


class Pulser:
    """Single pulses on one array or view.

    Parameters
    ----------
    settings
        Of the rule.
    array
        Cells without gates.

    Raises
    ------
    SettingError
        If they have some, or nothing says which amplitudes move them by a step; nothing is pulsed.
    """

    def __init__(self, settings: Increments, array: Array):
        if array.control.gates:
            raise SettingError(
                f"update.rule={settings.rule} moves cells by single steps, and those of this board "
                "have gates: a SET ends at the level of its gate. Choose a chip without gates "
                "(chip=passive-tiox), or another rule. Nothing was pulsed"
            )
        self._settings, self._array = settings, array
        self._point = {
            "set_voltage": settings.set_voltage or _amplitude(settings, array, 1.0),
            "reset_voltage": settings.reset_voltage or _amplitude(settings, array, -1.0),
            "set_width": settings.width,
            "reset_width": settings.width,
        }
        array.with_operating_point(**self._point)  # refuses what is outside of a limit

    @property
    def set_voltage(self) -> float:
        """Amplitude of a SET, in V."""
        return self._point["set_voltage"]

    def draw(self, change: FloatArray, draws: np.random.Generator) -> Counts:
        """Return pulses that on average move cells by a change (S)."""
        steps = np.abs(change) / self._settings.step
        whole = np.floor(steps + draws.random(change.shape))
        return self.bounded(np.sign(change) * whole)

    def bounded(self, pulses: FloatArray) -> Counts:
        """Return whole numbers of pulses, none more than are allowed in an update."""
        most = self._settings.longest
        return np.clip(pulses, -most, most).astype(np.intp)

    def fire(self, pulses: Counts) -> None:
        """Pulse every cell of the array as often as it is asked to."""
        array = self._array.with_operating_point(**self._point)
        for done in range(int(np.abs(pulses).max(initial=0))):
            array.program(0.0, reset=pulses < -done, set=pulses > done)


def _amplitude(settings: Increments, array: Array, sign: float) -> float:
    """Return the amplitude (V) that moves a typical cell by a step, by halving an interval."""

    def moved(voltage: float) -> float:
        found = array.stated_increment(sign * voltage, settings.width)
        if found is None:
            raise SettingError(
                f"update.rule={settings.rule}: nothing says by how much a pulse moves the cells of "
                "this board; give update.step, update.set_voltage and update.reset_voltage (memlab "
                "characterize set and reset measure them). Nothing was pulsed"
            )
        return abs(found)

    low, high = 0.0, _STRONG
    if moved(high) < settings.step:
        raise SettingError(
            f"no pulse moves these cells by update.step={settings.step:g} S: halfway up the whole "
            f"way is {moved(high):.3g} S. Take a smaller step. Nothing was pulsed"
        )
    for _ in range(50):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if moved(middle) < settings.step else (low, middle)
    return high


class IncrementsUpdate(SteppedUpdate):
    """The rule of one block: a level at the start, and steps from then on.

    Each cell of a pair makes half of the change, so that a weight moves by what was asked.
    """

    def __init__(
        self, settings: Increments, draws: np.random.Generator, *arguments: Any, **more: Any
    ):
        super().__init__(*arguments, **more)
        self._settings, self._draws = settings, draws
        self._made: Pulser | None = None

    def pulser(self, array: Array) -> Pulser:
        """Return what pulses the array that this rule programs; made once."""
        if self._made is None:
            self._made = Pulser(self._settings, array)
        return self._made

    def initialise(self, array: Array) -> ProgrammedUpdate:
        """RESET every cell, then SET every cell at its first amplitude."""
        self.pulser(array)
        return super().initialise(array)

    def change(self, array: Array, conductance_change: FloatArray) -> ProgrammedUpdate:
        """Move cells by whole steps; on average by half of what was asked of the pair (S)."""
        return self.step(array, self.pulser(array).draw(0.5 * conductance_change, self._draws))

    def step(self, array: Array, pulses: Counts) -> ProgrammedUpdate:
        """Pulse the cells of the block, and say so."""
        pulser = self.pulser(array)
        pulser.fire(pulses)
        self.changed = pulses != 0
        return ProgrammedUpdate(np.where(pulses > 0, pulser.set_voltage, 0.0), pulses < 0)

    def state(self) -> State:
        """Return what is remembered of the start, and where the generator stands."""
        return {**super().state(), "draws": self._draws.bit_generator.state}

    def restore(self, state: State) -> None:
        """Go back to a `state`; nothing is pulsed."""
        super().restore(state)
        self._draws.bit_generator.state = state["draws"]
