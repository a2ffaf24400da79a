"""What an array hands back: measurements in SI units and in codes, and counts of what was done."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from drivers.converter import Codes, Converter
from memlab.chip.load import Load
from memlab.errors import SaturationWarning
from memlab.numeric import BoolArray, FloatArray

__all__ = ["Counts", "Measurement", "Traffic", "note_saturation"]


@dataclass
class Counts:
    """What an array has been asked to do: vectors multiplied, cells pulsed, readings clipped."""

    vmm: int = 0
    set: int = 0
    reset: int = 0
    saturated: int = 0


@dataclass
class Traffic:
    """Payload that crossed the Board seam, in bytes of MLP/1 without framing.

    A code takes 2 bytes, a gain 2 bits, a row-parallel pulse 142 bytes.
    """

    calls: int = 0
    up: float = 0.0
    down: float = 0.0

    def add(self, up: float, down: float) -> None:
        """Count one call."""
        self.calls += 1
        self.up += up
        self.down += down


@dataclass(frozen=True, eq=False)
class Measurement:
    """One read or VMM, in SI units and in raw codes.

    Parameters
    ----------
    value
        Conductance in S or current in A; the last axis is the columns of the view.
    saturated
        True where the amplifier clipped, so that the true magnitude is larger; same shape.
    adc_code, gain
        Raw offset-binary ADC codes and gain numbers, same shape; None on an array without codes.
    dac_code
        Row DAC codes of a VMM, the last axis is the rows of the view; None for a read.
    load
        What all lines of the chip did meanwhile; None where it is not recorded.
    row, sense
        What the codes of rows and of columns stand for; None on an array without codes.
    """

    value: FloatArray
    saturated: BoolArray
    adc_code: Codes | None = None
    gain: npt.NDArray[np.uint8] | None = None
    dac_code: Codes | None = None
    load: Load | None = None
    row: Converter | None = None
    sense: Converter | None = None

    def __repr__(self) -> str:
        """Return shape, range and what is saturated, without the numbers themselves."""
        shape = " x ".join(str(n) for n in self.value.shape)
        size = f"{self.value.min():.4g} to {self.value.max():.4g}" if self.value.size else "empty"
        clipped = int(self.saturated.sum())
        codes = "" if self.adc_code is None else ", with codes"
        return f"<Measurement {shape}, {size}, {clipped} saturated{codes}; {self.load}>"

    def __getitem__(self, which: int | slice) -> Measurement:
        """Return some of several vectors, or one of them: every field at these places."""
        return self.part(which, which)

    def part(self, sensed: Any, driven: Any) -> Measurement:
        """Return a part: `sensed` of what was sensed, `driven` of the vectors; None for none."""
        return replace(
            self,
            value=self.value[sensed],
            saturated=self.saturated[sensed],
            adc_code=None if self.adc_code is None else self.adc_code[sensed],
            gain=None if self.gain is None else self.gain[sensed],
            dac_code=None if self.dac_code is None or driven is None else self.dac_code[driven],
        )


def note_saturation(counts: Counts, measurement: Measurement) -> None:
    """Count saturated readings, and warn who called the array two functions further up."""
    clipped = int(np.count_nonzero(measurement.saturated))
    if clipped:
        # The first warning says how many, the others have one text, so that Python shows it once
        # per place and not per VMM.
        what = f"{clipped} of {measurement.saturated.size}"
        if counts.saturated:
            what = "more"
        counts.saturated += clipped
        warnings.warn(
            f"{what} readings are saturated: the true magnitudes are larger; lower the voltage or "
            "choose a smaller gain (how many in all: counts.saturated; which: measure_vmm)",
            SaturationWarning,
            stacklevel=4,
        )
