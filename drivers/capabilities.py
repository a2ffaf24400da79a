"""What a board is and can do, in its own words: lines, converters, pulses, products.

Nothing of it is assumed by the layers above, and nobody asks a board for its class.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum

from drivers.converter import Converter
from drivers.errors import DeviceError
from drivers.pulse import PulseTimer

__all__ = [
    "CLIP_MARGIN",
    "CallBytes",
    "Capabilities",
    "LineClass",
    "Products",
    "Rest",
    "Scheme",
    "capability_units",
]

CLIP_MARGIN = 8
"""Codes below the clip level from which a reading counts as clipped: offsets and noise of an ADC
are smaller."""


class LineClass(IntEnum):
    """The three kinds of driven lines."""

    ROW = 0
    COLUMN = 1
    GATE = 2


class Products(StrEnum):
    """How a board multiplies vectors by its cells."""

    NATIVE = "native"
    """All rows of a vector are driven at once."""
    SUMMED = "summed"
    """The board reads cell by cell and adds up: as exact, and as slow, as so many reads."""
    NONE = "none"
    """It does not: `Board.vmm` is not to be called."""


class Rest(StrEnum):
    """What lines do that take no part in what is done."""

    FLOATING = "floating"
    """Rows and columns float; gates, where there are any, are at 0 V."""
    GROUNDED = "grounded"
    """They are at 0 V."""
    SELECTABLE = "selectable"
    """Either, as the board is told by means of its own."""


class Scheme(StrEnum):
    """How voltages choose the cells of a pulse where no gates do."""

    HALVES = "V/2"
    """Half of the amplitude on the row, half on the columns, other lines at 0 V."""
    THIRDS = "V/3"
    """All of it between row and columns, other lines at a third and two thirds: no cell sees more
    than a third that is not pulsed."""
    FLOATING = "floating"
    """All of it between row and columns, other lines float."""


@dataclass(frozen=True)
class CallBytes:
    """What calls of a board cost on the wire, in bytes without framing; for bills of time.

    Parameters
    ----------
    code, sample
        Of one code that is sent, and of one that is sensed.
    request
        Of a read.
    pulse, gate
        Of a row-parallel pulse: the pulse, and for each column of the board.
    """

    code: float = 2.0
    sample: float = 2.25
    request: float = 48.0
    pulse: float = 14.0
    gate: float = 2.0


@dataclass(frozen=True)
class Capabilities:
    """What a board is and can do; nothing of this is assumed by the layers above.

    Parameters
    ----------
    name, serial, firmware
        Identity, copied into every run file. A board without a serial number has the name of its
        chip there, or nothing: then it can be read, not pulsed.
    rows, columns
        Lines of the array: 128 and 64 on the published chip.
    transimpedance
        V/A of gain 1, 2, ... in rising order.
    row, column, gate
        Codes of the voltages of each class of lines; a board whose cells have no transistors has
        no gates.
    sense
        Codes of what is sensed of a column: V at the output of its amplifier, or A.
    clip
        TIA output in V at which the amplifier clips, either sign; in A where `sense` is.
    gain_threshold
        TIA output in V, or A, up to which automatic gain uses a range.
    pulse_offset, pulse_tick
        A pulse of n ticks lasts pulse_offset + n * pulse_tick seconds.
    gate_voltage_step, input_voltage_step
        Coarsest step in V that the wire can carry, or 0 where every DAC code can be sent.
    read_rows
        Rows that `Board.read` connects at a time where whole groups of so many rows, from row 0,
        are selected with all columns; rows of other groups float then. 0: all that are selected.
    variant
        Tells boards of one serial number apart whose static errors differ: an emulated board is
        made of options, too. Real ones have none.
    row_current
        What the driver of a row can give, or take, in A, by `Mode`: in read and VMM, where 10 mA
        is what its DAC keeps its voltage to; in a SET; in a RESET, for which 50 mA is assumed: the
        papers RESET the 64 cells of a row together. A board that does not say it has these: the
        published one, and MLP/1 before 1.2.
    inverting
        Whether a current from row to column is sensed as a negative quantity, as behind a
        transimpedance amplifier. An ammeter does not invert; its `sense` is in A, and
        `transimpedance` is 1 for each of its ranges.
    products
        How it multiplies.
    unselected
        What lines do that take no part in a read, and where gates choose the cells, while others
        are pulsed.
    scheme
        What all lines do while cells without transistors are pulsed. None: gates choose them, or
        the board does not say.
    cells_at_once
        Most cells of a row that one pulse may have, in a SET and in a RESET; 0: all.
    compliance
        Lowest and highest current (A) at which a SET can be told to hold
        (`BoardConfig.compliance`); None where it cannot.
    maximum_ticks
        Widest pulse, in ticks.
    journal
        Whether the board itself remembers what it fired, so that `Board.fate` is certain after a
        line that was lost.
    other_spans
        Ranges that `BoardConfig.spans` may have instead of those of `row`, `column` and `gate`.
    call_bytes
        What calls cost on the wire.
    """

    name: str
    serial: str
    firmware: str
    rows: int
    columns: int
    row: Converter
    column: Converter
    gate: Converter | None
    sense: Converter
    transimpedance: tuple[float, ...]
    clip: float
    gain_threshold: float
    pulse_offset: float
    pulse_tick: float
    gate_voltage_step: float = 0.0
    input_voltage_step: float = 0.0
    read_rows: int = 0
    variant: str = ""
    row_current: tuple[float, float, float] = (10e-3, 10e-3, 50e-3)
    inverting: bool = True
    products: Products = Products.NATIVE
    unselected: Rest = Rest.FLOATING
    scheme: Scheme | None = None
    cells_at_once: tuple[int, int] = (0, 0)
    compliance: tuple[float, float] | None = None
    maximum_ticks: int = PulseTimer.maximum_ticks
    journal: bool = False
    other_spans: tuple[Converter, ...] = ()
    call_bytes: CallBytes = CallBytes()

    def converter(self, line: LineClass) -> Converter:
        """Return the codes of a class of lines.

        Raises
        ------
        DeviceError
            If the board has no such lines.
        """
        found = (self.row, self.column, self.gate)[line]
        if found is None:
            raise DeviceError(
                f"this board has no lines of class {line.name}: its cells have no gate"
            )
        return found

    @property
    def clipped_code(self) -> int:
        """How many codes from that of zero a reading counts as clipped."""
        return int(self.clip / self.sense.step) - CLIP_MARGIN

    @property
    def timer(self) -> PulseTimer:
        """Widths of pulses in seconds and in ticks."""
        return PulseTimer(self.pulse_offset, self.pulse_tick, self.maximum_ticks)

    @property
    def lines(self) -> tuple[LineClass, ...]:
        """The classes of lines that the board has."""
        return tuple(line for line in LineClass if line != LineClass.GATE or self.gate is not None)

    @property
    def current_per_code(self) -> tuple[float, ...]:
        """A of one code of `sense`, by gain; the sign is that of a current from row to column."""
        step = -self.sense.step if self.inverting else self.sense.step
        return tuple(step / R for R in self.transimpedance)

    @property
    def calibrated_as(self) -> str:
        """Name under which calibrations of this board are kept; empty where it has none."""
        return f"{self.serial}-{self.variant}" if self.variant else self.serial


def capability_units(sense: str) -> dict[str, str]:
    """Return the units of the numbers of `Capabilities` by name; the others count.

    Parameters
    ----------
    sense
        Unit of what is sensed: V, or A of a board with ammeters, whose gains are numbers.
    """
    return {
        "transimpedance": "V/A" if sense == "V" else "A/A",
        **dict.fromkeys(("clip", "gain_threshold"), sense),
        **dict.fromkeys(("gate_voltage_step", "input_voltage_step"), "V"),
        **dict.fromkeys(("pulse_offset", "pulse_tick"), "s"),
        **dict.fromkeys(("row_current", "compliance"), "A"),
        "call_bytes": "byte",
    }
