"""The board of the emulator: what its DACs, amplifiers, ADCs and timer are like.

The defaults of the error terms are zero: an ideal board. What can only be recalled from data sheets
stands in TOML, in `presets/parts`, and never here.
"""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources

import numpy as np
import numpy.typing as npt
from pydantic import Field

from drivers.published_board import AMPLIFIER, DRIVER_SOURCE
from memlab.emulator.parameters import Parameters, quantity

__all__ = [
    "AdcParameters",
    "AmplifierParameters",
    "BoardProfile",
    "DacParameters",
    "DriverParameters",
    "TimingParameters",
    "WireParameters",
]

_SPREAD = "spread of static errors over channels, normal; size: see the preset"


class DacParameters(Parameters):
    """Static errors of the DAC channels, and how they settle (board reference 1.5, 1.6)."""

    offset: float = quantity(0.0, "V", "Offset, standard deviation over lines.", source=_SPREAD)
    gain: float = quantity(
        0.0, "1", "Gain error, standard deviation over lines.", source=_SPREAD, le=1.0
    )
    inl: float = quantity(
        0.0,
        "V",
        "Integral nonlinearity at its largest, standard deviation over lines.",
        source=_SPREAD,
    )
    settling: float = quantity(
        0.0,
        "s",
        "Time constant of first-order settling; 0: settled at once.",
        source="board reference 1.6: 9 us / 11.8 reaches half a step of 16 bit",
    )


class DriverParameters(Parameters):
    """What the driver of a row can give, or take; rows that want more are pulsed in groups."""

    read_current: float = quantity(10e-3, "A", "In read and VMM.", source=DRIVER_SOURCE, gt=0.0)
    set_current: float = quantity(10e-3, "A", "In a SET.", source=DRIVER_SOURCE, gt=0.0)
    reset_current: float = quantity(
        50e-3,
        "A",
        "In a RESET.",
        source="assumed: Li 2019, Wang 2019 RESET the 64 cells of a row together",
        gt=0.0,
    )


class AmplifierParameters(Parameters):
    """The TIAs (board reference 3)."""

    clip: float = quantity(
        AMPLIFIER.clip,
        "V",
        "Output at which the amplifier clips, either sign.",
        source="LTC6268 data sheet: 5.25 V supply in total; symmetric rails are an assumption",
        gt=0.0,
    )
    gain_threshold: float = quantity(
        AMPLIFIER.gain_threshold,
        "V",
        "Output up to which automatic gain uses a range.",
        source="host code of Li 2019 (real_array1.m): 220 uA at 10 kohm",
        gt=0.0,
    )
    offset: float = quantity(
        0.0, "V", "Input offset, standard deviation over columns.", source=_SPREAD
    )
    mismatch: float = quantity(
        0.0,
        "1",
        "Error of the feedback resistor, standard deviation over columns and gains.",
        source=_SPREAD,
    )
    thermal_bandwidth: float = quantity(
        0.0,
        "Hz",
        "Noise bandwidth of feedback resistor and amplifier; 0: no noise.",
        source="4 k_B T R_f B: board reference 3 takes a pole at 1 MHz, whose B is pi/2 MHz",
    )
    voltage_noise: float = quantity(
        0.0,
        "V/rtHz",
        "Amplifier noise; it appears times 1 + R_f G_column.",
        source="LTC6268 data sheet 62689f p. 1: 4.3 nV/rtHz at 1 MHz",
    )
    column_capacitance: float = quantity(
        0.0, "F", "Of a TE line and its way to the amplifier; 0: settled at once, any bandwidth."
    )
    gain_bandwidth: float = quantity(
        500e6,
        "Hz",
        "Gain-bandwidth product; with the column's capacitance it makes the pole of each gain.",
        source="LTC6268 data sheet 62689f p. 1: 500 MHz",
        gt=0.0,
    )

    def pole(self, transimpedance: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Return the bandwidth (Hz) at each transimpedance (V/A), same shape; inf without limit."""
        if not self.column_capacitance:
            return np.full(transimpedance.shape, np.inf)
        radius = 2.0 * np.pi * transimpedance * self.column_capacitance
        pole: npt.NDArray[np.float64] = np.sqrt(self.gain_bandwidth / radius)
        return pole


class AdcParameters(Parameters):
    """The ADCs (board reference 2)."""

    noise: float = quantity(0.0, "LSB", "Noise, rms.")
    offset: float = quantity(0.0, "LSB", "Offset, standard deviation over columns.", source=_SPREAD)
    inl: float = quantity(
        0.0,
        "LSB",
        "Integral nonlinearity at its largest, standard deviation over columns.",
        source="form: a bow, as of the DACs; board reference 2: +-0.65 typ, +-2 max, as recalled",
    )


class WireParameters(Parameters):
    """Resistances between drivers, cells and amplifiers; all 0 is ideal wires."""

    resistance: float = quantity(
        0.0,
        "ohm",
        "Of one segment of bit line or TE line, between neighbouring cells.",
        source="Li 2019, Wang 2019: about 0.3 ohm; 0 in their simulations",
    )
    driver_resistance: float = quantity(0.0, "ohm", "Of each bit-line driver.")
    sense_resistance: float = quantity(0.0, "ohm", "Of each TE-line source or amplifier input.")

    @property
    def active(self) -> bool:
        """Whether any of it drops a voltage."""
        return bool(self.resistance or self.driver_resistance or self.sense_resistance)


class TimingParameters(Parameters):
    """How long the analogue part of each operation takes (board reference 4)."""

    dac_word: float = Field(
        description="Time to write one DAC word.", ge=0.0, le=10.0, json_schema_extra={"unit": "s"}
    )
    dac_words_parallel: int = Field(
        description="DAC words written at the same time.",
        ge=1,
        le=4096,
        json_schema_extra={"unit": "1"},
    )
    dac_settle: float = Field(
        description="Settling of the DACs before a pulse.",
        ge=0.0,
        le=10.0,
        json_schema_extra={"unit": "s"},
    )
    adc_convert: float = Field(
        description="Conversion of all channels at once.",
        ge=0.0,
        le=10.0,
        json_schema_extra={"unit": "s"},
    )
    adc_word: float = Field(
        description="Time to read one ADC word.", ge=0.0, le=10.0, json_schema_extra={"unit": "s"}
    )
    gain_conversions: int = Field(
        1,
        description="Conversions that automatic gain takes time (and energy) for; 4: one after "
        "the other, each with a pulse of its own.",
        ge=1,
        le=4,
        json_schema_extra={
            "unit": "1",
            "source": "assumed: the conversions at further gains are hidden behind the first",
        },
    )


@cache
def _published_timing() -> TimingParameters:
    text = resources.files("memlab.emulator").joinpath("presets", "parts", "board-timing.toml")
    return TimingParameters.model_validate(tomllib.loads(text.read_text())["board"]["timing"])


class BoardProfile(Parameters):
    """The board around the chip."""

    dac: DacParameters = DacParameters()
    driver: DriverParameters = DriverParameters()
    amplifier: AmplifierParameters = AmplifierParameters()
    adc: AdcParameters = AdcParameters()
    timing: TimingParameters = Field(default_factory=_published_timing)
