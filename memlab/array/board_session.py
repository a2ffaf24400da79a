"""What all views of one board share: the board, its limits, and how codes are made of volts."""

from __future__ import annotations

from dataclasses import dataclass, field

from drivers.board import Board, Capabilities
from drivers.capabilities import Products
from drivers.pulse import PulseTimer
from memlab.array.batches import NamedBatches
from memlab.array.board_config import board_config, check_board
from memlab.array.pulse_maker import PulseMaker
from memlab.calibration import Calibration
from memlab.calibration.conversion import Conversion, make_conversion
from memlab.chip.coupled_limits import check_operating_point
from memlab.chip.limits import Limits, OperatingPoint
from memlab.passport import Passport

__all__ = ["BoardSession"]


@dataclass
class BoardSession:
    """A board and its users; views with another operating point or calibration have a copy.

    Parameters
    ----------
    board
        An open board.
    limits, point
        What the chip may see, and the voltages and widths of reading and programming.
    rounding
        Round voltages to the steps of the board's wire.
    passport, calibration
        Of the chip, and of the board; None where there is none.
    batches
        Names of the present run's batches of pulses.
    """

    board: Board
    limits: Limits
    point: OperatingPoint
    rounding: bool
    passport: Passport | None = None
    calibration: Calibration | None = None
    batches: NamedBatches | None = None
    applied: list[Calibration] = field(default_factory=list)
    """Calibrations of any view so far: the board must allow what each of them asks for."""
    able: Capabilities = field(init=False)
    conversion: Conversion = field(init=False)
    saturated: tuple[int, int] = field(init=False)
    """ADC codes at which a reading counts as clipped, on both sides."""
    timer: PulseTimer = field(init=False)
    multiplies: bool = field(init=False)
    """Whether the board multiplies vectors."""

    def __post_init__(self) -> None:
        capabilities = self.able = self.board.capabilities
        check_operating_point(self.limits, self.point, gates=capabilities.gate is not None)
        zero, beyond = capabilities.sense.zero_code, capabilities.clipped_code
        self.saturated = zero - beyond, zero + beyond
        self.timer = capabilities.timer
        self.multiplies = capabilities.products is not Products.NONE
        check_board(self.limits, self.timer, capabilities)
        self.apply(self.calibration)

    def apply(self, calibration: Calibration | None) -> None:
        """Convert with this calibration from now on; every line is at 0 V afterwards."""
        able = self.able
        self.conversion = make_conversion(calibration, able)
        self.calibration = calibration
        if calibration is not None:
            self.applied.append(calibration)
        self.board.configure(board_config(self.limits, self.point, self.timer, able, self.applied))

    @property
    def maker(self) -> PulseMaker:
        """What makes pulses of voltages at the present operating point."""
        return PulseMaker(self.able, self.timer, self.limits, self.point, self.rounding)
