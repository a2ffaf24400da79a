"""What a characterisation procedure is: settings, what it records, how it measures and analyses."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Generic, TypeVar

from pydantic import Field

from memlab.array.board_array import BoardArray
from memlab.array.load_choice import LoadChoice
from memlab.characterize.bench import Bench
from memlab.emulator import load_preset
from memlab.limit_changes import LimitChanges
from memlab.passport import Passport
from memlab.runs import Coordinate, Findings, Record
from memlab.settings import ChipSetting, LinkConfig, PointConfig, Section

__all__ = ["Demand", "Procedure", "ProcedureConfig"]


class ProcedureConfig(Section):
    """What every procedure has; a procedure adds its own settings beside these."""

    seed: int = Field(1, description="Seed of the emulated chip and of random choices.", ge=0)
    chip: ChipSetting = Field(
        default_factory=lambda: load_preset("ta-hfo2-full"),
        description="Chip of the emulator: the name of a preset, or chip.noise and so on.",
    )
    point: PointConfig = PointConfig()
    limits: LimitChanges = LimitChanges()
    load: LoadChoice = Field(
        LoadChoice.SELECTION,
        description="Lines that take part in readings: selection (those of the region), or array.",
    )
    link: LinkConfig = LinkConfig()


Settings = TypeVar("Settings", bound=ProcedureConfig)


@dataclass(frozen=True)
class Demand:
    """Pulses or reads that a procedure may ask for, at their hardest.

    Parameters
    ----------
    gate_voltage
        Highest gate voltage (V) of a SET; None where there is no SET.
    point
        Voltages and widths that differ from the array's, by their names in `OperatingPoint`.
    forming
        Whether the SET forms cells, for which the gate may not open as far.
    """

    gate_voltage: float | None = None
    point: Mapping[str, float] = field(default_factory=dict)
    forming: bool = False

    def check(self, array: BoardArray) -> None:
        """Raise `LimitError` unless the array may do this; nothing is touched."""
        view = array.with_operating_point(**self.point)
        if self.gate_voltage is not None:
            view.check_set(self.gate_voltage)
            if self.forming:
                view.check_forming(self.gate_voltage)


class Procedure(ABC, Generic[Settings]):
    """A procedure; `measure` touches the chip, `analyse` only looks at what was recorded.

    The next step of `measure` may depend on the settings and on what the bench returned, and on
    nothing else: a resumed procedure is run again over its record (see `bench`).

    Attributes
    ----------
    name, title
        As users type it, and for people.
    Config
        Class of its settings.
    coordinates
        Numbers that go with every reading.
    vector_coordinates
        Numbers that go with every vector; None where the procedure multiplies none.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    Config: ClassVar[type[ProcedureConfig]]
    coordinates: ClassVar[Mapping[str, Coordinate]] = {}
    vector_coordinates: ClassVar[Mapping[str, Coordinate] | None] = None

    def __init__(self, config: Settings):
        self.config = config

    @property
    def models_wires(self) -> bool:
        """Whether it computes what wires take, which needs all cells that load them."""
        return False

    def demands(self) -> Sequence[Demand]:
        """Return the hardest of what `measure` may ask for; what a limit forbids never begins."""
        return ()

    def check_cells(self, cells: int) -> None:
        """Refuse a region of this many cells; called before anything is touched.

        Raises
        ------
        SettingError
            If the procedure is not made for so many; by default it takes any number.
        """

    @abstractmethod
    def measure(self, bench: Bench) -> None:
        """Pulse and read; everything is recorded by the bench."""

    @abstractmethod
    def analyse(self, record: Record) -> Findings:
        """Return what a complete record says; touches nothing."""

    def enter(self, passport: Passport, record: Record, findings: Findings) -> None:
        """Write into the chip's passport what was found out about it; by default nothing."""
